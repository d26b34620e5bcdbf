"""The API does what its description says, whatever is sent: valid OpenAPI, no 5xx, no answer of another shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from serving.app import create_app
from serving.openapi import describe
from serving.openapi_door import behind_the_door
from serving.scorer import Scorer
from serving.work_list import WorkList
from tests.conftest import Trained
from training.work_list import write

REFUSALS = [400, 401, 403, 404, 405, 413, 422]
CONFIG = {
    "checks": {
        "negative_data_rejection": {"expected-statuses": REFUSALS},
        # the door is tested in test_guard.py; here the application stands without it
        "ignored_auth": {"enabled": False},
        # a description cannot say which lead stages the model's funnel has, nor that a lead is created before as_of
        "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]},
    },
    # one bad lead is an `invalid` among the results of the others
    "operations": [
        {"include-path": path, "checks": {"negative_data_rejection": {"expected-statuses": [200, *REFUSALS]}}}
        for path in ("/v1/score", "/v1/what-if")
    ],
}


@pytest.fixture(scope="session")
def described(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The description as the application gives it, with a work list and the stages of its funnel in what is sent."""
    folder: Path = tmp_path_factory.mktemp("described") / "work_list"
    found = WorkList.read(write(trained.config, folder, model_folder=trained.folder))
    scorer = Scorer(trained.model)
    app = create_app(lambda: scorer, work_list=lambda: found)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=schemathesis.Config.from_dict(CONFIG))

    @schema.hook
    def map_body(_context: Any, body: Any) -> Any:
        """Lead stages that there are: else hardly any lead would come as far as the model."""
        leads = body.get("leads") if isinstance(body, dict) else None
        for number, lead in enumerate(leads if isinstance(leads, list) else []):
            if isinstance(lead, dict) and isinstance(lead.get("lead_stage"), str):
                lead["lead_stage"] = scorer.model.funnel.stages[number % len(scorer.model.funnel.stages)]
        return body

    return schema


OPERATIONS = [(method, path) for path, methods in describe()["paths"].items() for method in methods]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda text: text)
def test_whatever_is_sent(described: Any, method: str, path: str) -> None:
    operation = described[path][method]
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)

    @given(st.one_of(right, wrong))
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def sent(case: Any) -> None:
        case.call_and_validate()

    sent()


def test_the_description_is_valid_openapi() -> None:
    validate(describe())
    validate(behind_the_door(describe()))


def test_the_description_says_what_each_operation_needs() -> None:
    paths = behind_the_door(describe())["paths"]
    assert paths["/livez"]["get"]["security"] == []
    score = paths["/v1/score"]["post"]
    assert {"key": []} in score["security"]
    assert "`score`" in score["description"]
    assert {"401", "403", "408", "413", "429", "503"} <= score["responses"].keys()
    assert describe()["paths"]["/v1/score"]["post"].keys() == score.keys() - {"security", "description"}
