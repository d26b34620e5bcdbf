"""A real process on loopback: the server that `make serve` starts."""

from __future__ import annotations

import json

from serving.access.api_keys import add, revoke
from serving.schemas.score import EXAMPLE
from tests.serving.processes import Site, ask, wait_until


def test_the_server_answers(site: Site) -> None:
    status, answer = ask(f"{site.url}/v1/score", EXAMPLE, site.key)
    assert (status, answer["results"][0]["status"]) == (200, "scored")
    assert ask(f"{site.url}/v1/score", {"leads": []}, site.key)[0] == 422
    assert ask(f"{site.url}/v1/model", key=site.key)[1]["name"] == "small"


def test_the_server_behind_keys(site: Site) -> None:
    """A stranger learns nothing, a key scores, a new key works without a restart, lines name no lead."""
    before = len(site.log.read_text())

    def asked() -> list[tuple[int, str | None]]:
        lines = [json.loads(line) for line in site.log.read_text()[before:].splitlines() if '"event":"request"' in line]
        return [(line["status"], line.get("key")) for line in lines]

    token = add(site.keys, "crm", ["score"])
    assert ask(f"{site.url}/v1/score", EXAMPLE)[0] == 401
    assert ask(f"{site.url}/v1/score", EXAMPLE, token)[0] == 200
    later = add(site.keys, "dashboard", ["score"])
    assert ask(f"{site.url}/v1/score", EXAMPLE, later)[0] == 200
    revoke(site.keys, token[3:11])
    assert ask(f"{site.url}/v1/score", EXAMPLE, token)[0] == 401
    # the line of a request before may be written a moment after its answer
    assert wait_until(lambda: asked()[-4:] == [(401, None), (200, token[3:11]), (200, later[3:11]), (401, None)]), asked()
    assert "L-1" not in site.log.read_text()
