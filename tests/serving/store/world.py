"""A server over a store, and what is sent to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.testclient import TestClient

from serving.api.app import create_app
from serving.common.settings import ServingSettings
from serving.scoring.request import microseconds
from serving.scoring.scorer import Scorer
from serving.store.rescoring import Refresher
from serving.store.store import Store
from tests.tiny import tiny_model

START = datetime(2026, 7, 1, 12, tzinfo=UTC)
CREATED = "2026-05-20T09:00:00Z"


class World:
    """A server over a store, with a clock that the test turns."""

    def __init__(self, store: Store, **variables: str) -> None:
        self.store, self.now = store, START
        self.scorer: Scorer | None = Scorer(tiny_model())
        app = create_app(lambda: self.scorer, lambda: self.now, store=lambda: store, settings=ServingSettings.read(variables))
        self.client = TestClient(app, raise_server_exceptions=False)
        self.refresher = Refresher(store, lambda: self.scorer, lambda: microseconds(self.now))

    def later(self, **much: float) -> None:
        self.now += timedelta(**much)

    def put(self, lead_id: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
        sent = {"created_at": CREATED} if body is None else body
        return self.client.put(f"/v1/leads/{lead_id}", json=sent, headers=headers)

    def happened(self, *events: dict[str, Any]) -> Any:
        return self.client.post("/v1/interactions", json={"interactions": list(events)})

    def get(self, path: str, **asked: Any) -> Any:
        answer = self.client.get(path, params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def score_all(self) -> None:
        while self.refresher.work():
            pass


def event(number: int | str, lead_id: str = "L-1", at: str = "2026-06-20T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {"event_id": f"e-{number}", "lead_id": lead_id, "type": "product_video", "at": at, "direction": "in", **more}
