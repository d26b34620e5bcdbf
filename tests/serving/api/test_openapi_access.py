"""The description says what each operation needs."""

from __future__ import annotations

from serving.api.openapi import describe
from serving.api.openapi_access import add_security


def test_the_description_says_what_each_operation_needs() -> None:
    paths = add_security(describe())["paths"]
    assert paths["/livez"]["get"]["security"] == []
    score = paths["/v1/score"]["post"]
    assert {"key": []} in score["security"]
    assert "`score`" in score["description"]
    assert {"401", "403", "408", "413", "429", "503"} <= score["responses"].keys()
    assert describe()["paths"]["/v1/score"]["post"].keys() == score.keys() - {"security", "description"}
