"""The client against a server that fails in every way, and against the real application."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from client.ripeline_client import RefusedError, Ripeline, UnreachableError
from serving.access.api_keys import KeyRing, add
from serving.access.middleware import AuthMiddleware
from serving.api.app import create_app
from serving.schemas.score import EXAMPLE
from serving.scoring.scorer import Scorer
from serving.store.store import Store
from tests.serving.processes import free_port
from tests.tiny import tiny_model

ROOT = Path(__file__).resolve().parents[2]


class Script:
    """Answers one after the other: (status, headers, body), or None to hang up."""

    def __init__(self, *answers: tuple[int, dict[str, str], bytes] | None) -> None:
        self.answers, self.seen = list(answers), list[tuple[str, str, dict[str, str], bytes]]()
        script = self

        class Handler(BaseHTTPRequestHandler):
            def _any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                script.seen.append((self.command, self.path, dict(self.headers.items()), body))
                answer = script.answers.pop(0) if len(script.answers) > 1 else script.answers[0]
                if answer is None:
                    self.connection.close()
                    return
                status, headers, content = answer
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _any  # noqa: N815  as the library names them

            def log_message(self, *_given: Any) -> None:
                """Silence."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()  # how soon it sees its end


def good(*names: str) -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps({"results": [{"lead_id": name} for name in names]}).encode()


def bad(status: int, **headers: str) -> tuple[int, dict[str, str], bytes]:
    problem = {"title": "No", "status": status, "detail": "because", "lead": "L-1", "field": "/leads/0"}
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(problem).encode()


@pytest.fixture
def scripted() -> Iterator[Any]:
    made: list[Script] = []

    def make(*answers: Any, **settings: Any) -> tuple[Ripeline, Script, list[float]]:
        script, pauses = Script(*answers), list[float]()
        made.append(script)
        return Ripeline(script.url, sleep=pauses.append, timeout=5, **settings), script, pauses

    yield make
    for script in made:
        script.server.shutdown()
        script.server.server_close()


def test_what_may_pass_is_tried_again(scripted: Any) -> None:
    client, script, pauses = scripted(None, bad(503), bad(429, retry_after="7"), (502, {}, b"<html>proxy"), good("a"))
    assert [r["lead_id"] for r in client.score([{"lead_id": "a"}])] == ["a"]
    assert len(script.seen) == 5
    assert pauses[2] == 7, "as long as the server asks"
    assert all(0 < pause <= 2 for i, pause in enumerate(pauses) if i != 2)
    assert len({body for *_, body in script.seen}) == 1, "the same each time"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 500])
def test_what_will_not_pass_is_said_at_once(scripted: Any, status: int) -> None:
    client, script, pauses = scripted(bad(status))
    with pytest.raises(RefusedError, match=f"{status} No: because") as caught:
        list(client.score([{"lead_id": "L-1"}]))
    assert (caught.value.status, caught.value.lead, caught.value.field) == (status, "L-1", "/leads/0")
    assert (len(script.seen), pauses) == (1, [])


def test_a_server_that_stays_busy_is_given_up_with_its_words(scripted: Any) -> None:
    client, script, pauses = scripted(bad(503, retry_after="9999"), attempts=3, longest=10)
    with pytest.raises(RefusedError, match="503"):
        client.model()
    assert (len(script.seen), pauses) == (3, [10, 10])


@pytest.mark.parametrize("answer", [None, (200, {}, b"<html>"), (200, {"content-length": "50"}, b"{")])
def test_no_answer_that_makes_sense(scripted: Any, answer: Any) -> None:
    client, script, _ = scripted(answer, attempts=2)
    client.timeout = 1
    with pytest.raises(UnreachableError, match=r"did not answer \(.+\), 2 times"):
        client.model()
    assert len(script.seen) == 2


def test_nobody_there() -> None:
    client = Ripeline(f"http://127.0.0.1:{free_port()}", attempts=2, sleep=lambda _pause: None)
    with pytest.raises(UnreachableError, match="refused"):
        client.model()


def test_a_key_goes_only_where_it_belongs(scripted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIPELINE_KEY", "rl_secret")
    other = Script(good())
    client, script, _ = scripted((307, {"location": other.url + "/v1/model"}, b""))
    with pytest.raises(RefusedError, match="307"):
        client.model()
    assert script.seen[0][2]["Authorization"] == "Bearer rl_secret"
    assert other.seen == []
    assert "secret" not in repr(client)
    other.server.shutdown()
    other.server.server_close()


def test_many_leads_go_in_parts_and_companies_stay_together(scripted: Any) -> None:
    def echo(names: str) -> Any:
        return good(*names)

    client, script, _ = scripted(echo("ab"), echo("cde"), echo("f"))
    firms = {"a": "1", "b": "1", "c": "2", "d": "2", "e": "2", "f": "3"}
    leads = [{"lead_id": name, "company": {"company_id": firm}} for name, firm in firms.items()]
    assert [r["lead_id"] for r in client.score(leads, at_once=3)] == list("abcdef")
    assert [[one["lead_id"] for one in json.loads(body)["leads"]] for *_, body in script.seen] == [
        ["a", "b"],
        ["c", "d", "e"],
        ["f"],
    ]


def test_a_company_larger_than_a_part_is_cut(scripted: Any) -> None:
    client, script, _ = scripted(good("a", "b"), good("c"))
    leads = [{"lead_id": name, "company": {"company_id": "1"}} for name in "abc"]
    assert len(list(client.score(leads, at_once=2))) == 3
    assert len(script.seen) == 2


def test_an_address_without_a_scheme() -> None:
    with pytest.raises(ValueError, match="begins with http"):
        Ripeline("leads.example.com")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The real application behind its door, on a real port: its address and a key."""
    tmp_path = tmp_path_factory.mktemp("live")
    key = add(tmp_path / "keys.json", "crm", ["score", "write", "admin"])
    scorer, port = Scorer(tiny_model()), free_port()
    from serving.api.app import utc_now

    store = Store.from_address(f"sqlite:///{tmp_path}/leads.db")
    store.open()
    guarded = AuthMiddleware(create_app(lambda: scorer, store=lambda: store), KeyRing(tmp_path / "keys.json"), utc_now)
    server = uvicorn.Server(uvicorn.Config(guarded, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    yield f"http://127.0.0.1:{port}", key
    server.should_exit = True
    thread.join(10)
    store.close()


def test_stored_leads_of_the_real_server(live: tuple[str, str]) -> None:
    """An id with a slash and a question mark is an id."""
    client, name = Ripeline(*live), "a/b?c"
    assert client.put(name, {"created_at": "2026-05-20T09:00:00Z", "lead_stage": "mql"})["version"] == 1
    acts = [
        {"event_id": f"e{i}", "lead_id": name, "type": "page_view", "at": f"2026-06-{1 + i % 28:02d}T10:00:00Z"}
        for i in range(25)
    ]
    told = client.send([*acts[:20], {"event_id": "bad"}, *acts[20:], acts[0]], at_once=10)
    assert (told["received"], told["new"], told["known"]) == (27, 25, 1)
    assert [one["place"] for one in told["refused"]] == [20]
    assert client.score_of(name, as_of="2026-06-30T00:00:00Z", reasons=2)["result"]["status"] in ("scored", "uncertain")
    assert len(client.lead(name)["leads"][0]["interactions"]) == 25
    assert client.scores_of(name) == []
    assert client.decision(name, language="de")["data_used"]["interactions"] == {"page_view": 25}
    with pytest.raises(RefusedError, match="412"):
        client.put(name, {"opted_out": True}, version=7)
    with pytest.raises(RefusedError, match="404"):
        client.why(name)
    assert client.erase(name)["deleted"]["leads"] == 1
    with pytest.raises(RefusedError, match="410"):
        client.put(name, {"created_at": "2026-05-20T09:00:00Z"})
    with pytest.raises(StopIteration):
        next(client.work_list(action="hand_over"))


def test_the_real_server(live: tuple[str, str]) -> None:
    url, key = live
    client = Ripeline(url, key)
    (lead,) = EXAMPLE["leads"]
    good_one, bad_one = client.score([lead, {"lead_id": "x"}], as_of=EXAMPLE["as_of"], reasons=1)
    assert (good_one["status"], len(good_one["reasons"]), bad_one["status"]) == ("scored", 1, "invalid")
    assert client.model()["name"] == "tiny"
    assert client.what_if(lead, as_of=EXAMPLE["as_of"])["lead_id"] == lead["lead_id"]
    with pytest.raises(RefusedError, match="401"):
        Ripeline(url, "rl_wrong").model()


def test_it_needs_nothing_but_python() -> None:
    """One file, no site-packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('client/ripeline_client.py')"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
