"""The API does what its description says, whatever is sent: valid OpenAPI, no 5xx, no answer of another shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.api.openapi import describe
from serving.schemas.leads import LEAD_EXAMPLE
from serving.scoring.request import microseconds
from serving.scoring.scorer import Scorer
from serving.store.rescoring import Refresher
from serving.store.store import Store
from tests.trained import Trained

REFUSALS = [400, 401, 403, 404, 405, 410, 412, 413, 422]


KNOWN = [f"L-{number}" for number in range(5)]


CONFIG = {
    "checks": {
        "negative_data_rejection": {"expected-statuses": REFUSALS},
        # the door is tested in tests/serving/access; here the application stands without it
        "ignored_auth": {"enabled": False},
        # a description cannot say which lead stages the model's funnel has, nor that a lead is created before as_of
        "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 410, 412, 422]},
    },
    # one bad lead is an `invalid` among the results of the others, one bad event is refused among the others
    "operations": [
        {"include-path": path, "checks": {"negative_data_rejection": {"expected-statuses": [200, *REFUSALS]}}}
        for path in ("/v1/score", "/v1/what-if", "/v1/interactions")
    ],
}


@pytest.fixture(scope="session")
def described(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The description as the application gives it, with a lead store and the stages of its funnel in what is sent."""
    store = Store.from_address(f"sqlite:///{tmp_path_factory.mktemp('described')}/leads.db")
    store.open()
    scorer = Scorer(trained.model)
    app = create_app(lambda: scorer, store=lambda: store)
    with TestClient(app) as client:
        for name in KNOWN:
            client.put(f"/v1/leads/{name}", json=LEAD_EXAMPLE).raise_for_status()
    refresher = Refresher(store, lambda: scorer, lambda: microseconds(datetime.now(UTC)))
    while refresher.work():
        pass
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=schemathesis.Config.from_dict(CONFIG))

    @schema.hook
    def map_body(_context: Any, body: Any) -> Any:
        """Lead stages that there are: else hardly any lead would come as far as the model."""
        leads = body.get("leads") if isinstance(body, dict) else None
        for number, lead in enumerate(leads if isinstance(leads, list) else []):
            if isinstance(lead, dict) and isinstance(lead.get("lead_stage"), str):
                lead["lead_stage"] = scorer.model.funnel.stages[number % len(scorer.model.funnel.stages)]
        return body

    @schema.hook
    def map_path_parameters(_context: Any, parameters: Any) -> Any:
        """Leads that there are, every other time."""
        given = parameters.get("lead_id") if isinstance(parameters, dict) else None
        if isinstance(given, str) and len(given) % 2:
            parameters["lead_id"] = KNOWN[len(given) % len(KNOWN)]
        return parameters

    @schema.hook
    def filter_query(_context: Any, query: Any) -> bool:
        """A list of one value is that value in an address, and an empty one is nothing: neither is wrong when it arrives."""
        return not any(isinstance(value, list) and len(value) < 2 for value in (query or {}).values())

    return schema


OPERATIONS = [(method, path) for path, methods in describe()["paths"].items() for method in methods]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda text: text)
def test_whatever_is_sent(described: Any, method: str, path: str) -> None:
    operation = described[path][method]
    right, wrong = (operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)

    @given(st.one_of(right, wrong))
    @settings(max_examples=settings.default.max_examples // 2, suppress_health_check=list(HealthCheck))
    def sent(case: Any) -> None:
        case.call_and_validate()

    sent()


def test_the_description_is_valid_openapi() -> None:
    validate(describe())


NOW = datetime(2026, 7, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[TestClient]:
    scorer = Scorer(trained.model)
    with TestClient(create_app(lambda: scorer, clock=lambda: NOW), raise_server_exceptions=False) as client:
        yield client


def test_the_openapi_document_describes_what_is_answered(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document == json.loads(json.dumps(describe()))
    assert document["openapi"].startswith("3.1")
    refs = json.dumps(document).split('"#/components/schemas/')[1:]
    assert {r.split('"')[0] for r in refs} <= document["components"]["schemas"].keys()
    assert "Try it" in client.get("/docs").text


def test_every_route_of_the_api_is_described(client: TestClient) -> None:
    routes = {(r.path.replace(":path", ""), m) for r in _routes(client.app) for m in r.methods or () if m != "HEAD"}
    told = {(path, method.upper()) for path, methods in describe()["paths"].items() for method in methods}
    assert {r for r in routes if r[0].startswith(("/v1", "/livez", "/readyz"))} == told


def test_the_description_says_what_each_operation_needs() -> None:
    paths = describe()["paths"]
    assert paths["/livez"]["get"]["security"] == []
    score = paths["/v1/score"]["post"]
    assert {"key": []} in score["security"]
    assert "`score`" in score["description"]
    assert {"401", "403", "408", "413", "429", "503"} <= score["responses"].keys()
    assert "Signed by the CRM" in paths["/v1/hooks/hubspot"]["post"]["description"]


def _routes(app: Any) -> Any:
    while not hasattr(app, "routes"):
        app = app.app
    return [route for route in app.routes if hasattr(route, "methods")]
