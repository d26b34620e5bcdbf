"""Real processes on loopback: the server that `make serve` starts, and a Bento that has never heard of MLflow."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from serving.access.api_keys import add, revoke
from serving.schemas.score import EXAMPLE
from tests.trained import Trained

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90  # seconds for a server to come up on a loaded machine


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(url: str, body: object = None, key: str | None = None) -> tuple[int, dict]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(url, data, headers)  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            text = answer.read()
            return answer.status, json.loads(text) if text.strip() else {}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


@contextmanager
def running(command: list[str], port: int, log: Path, ready: str = "/readyz", **environment: str) -> Iterator[str]:
    """A server process that answers `ready` with 200; ended by its own id, with all it started."""
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=log.parent, stdout=out, stderr=out, env={**os.environ, **environment}, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with urllib.request.urlopen(f"{url}{ready}", timeout=10) as answer:  # noqa: S310  loopback
                    if answer.status == 200:
                        break
            except OSError:  # an answer of another status is one too
                pass
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.3)
        yield url
    finally:
        with suppress(ProcessLookupError):  # a test may have ended it
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def test_the_server_answers_and_stops(trained: Trained, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "serving", "--model", str(trained.folder), "--port", str(port)]
    with running(command, port, tmp_path / "log.txt", PYTHONPATH=str(ROOT)) as url:
        status, answer = ask(f"{url}/v1/score", EXAMPLE)
        assert (status, answer["results"][0]["status"]) == (200, "scored")
        assert ask(f"{url}/v1/score", {"leads": []})[0] == 422
        assert ask(f"{url}/v1/model")[1]["name"] == "small"
    with pytest.raises(OSError, match="refused"):
        ask(f"{url}/livez")


@pytest.mark.parametrize(("folder", "message"), [("nowhere", "is not a model folder"), (".", "is not a model folder")])
def test_without_a_model_folder_there_is_a_sentence(tmp_path: Path, folder: str, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "serving", "--model", str(tmp_path / folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def refused(*words: str, **environment: str) -> str:
    """What the server says instead of starting."""
    done = subprocess.run(
        [sys.executable, "-m", "serving", *words],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_without_keys_it_does_not_listen_beyond_this_machine(trained: Trained, tmp_path: Path) -> None:
    model, keys = str(trained.folder), str(tmp_path / "keys.json")
    told = refused("--model", model, "--host", "0.0.0.0")  # noqa: S104  it is refused
    assert "anybody could read your leads" in told
    assert "make key NAME=crm" in told
    assert f"no API keys in {keys}" in refused("--model", model, "--keys", keys), "they were asked for"
    Path(keys).write_text("{")
    assert f"keys in {keys} cannot be read" in refused("--model", model, "--keys", keys)
    assert "'*' is no origin" in refused("--model", model, RIPELINE_ORIGINS="*")
    assert "'*' is no address" in refused("--model", model, RIPELINE_PROXIES="*")
    assert "AUDIENCE is missing" in refused("--model", model, RIPELINE_JWT_ISSUER="https://id.example")
    assert "0 workers answer nobody" in refused("--model", model, "--workers", "0")


def test_the_server_behind_keys(trained: Trained, tmp_path: Path) -> None:
    """A real process: a stranger learns nothing, a key scores, a new key works without a restart, lines name no lead."""
    port, keys = free_port(), tmp_path / "keys.json"
    token = add(keys, "crm", ["score"])
    command = [sys.executable, "-m", "serving", "--model", str(trained.folder), "--port", str(port), "--keys", str(keys)]
    log = tmp_path / "log.txt"
    with running(command, port, log, PYTHONPATH=str(ROOT)) as url:
        assert ask(f"{url}/v1/score", EXAMPLE)[0] == 401
        assert ask(f"{url}/v1/score", EXAMPLE, token)[0] == 200
        later = add(keys, "dashboard", ["score"])
        assert ask(f"{url}/v1/score", EXAMPLE, later)[0] == 200
        revoke(keys, token[3:11])
        assert ask(f"{url}/v1/score", EXAMPLE, token)[0] == 401
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"event":"request"' in line]
    asked = [(line["status"], line.get("key")) for line in lines if line["route"] != "/readyz" and line["status"] != 503]
    assert asked == [(401, None), (200, token[3:11]), (200, later[3:11]), (401, None)]
    assert "L-1" not in log.read_text()


@pytest.mark.slow
def test_a_bento_starts_without_mlflow_at_hand(trained: Trained, tmp_path: Path) -> None:
    """Built from the model folder alone, then started where importing mlflow fails."""
    home = tmp_path / "bentoml"
    blocked = tmp_path / "blocked" / "mlflow"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('mlflow is not at hand')\n")
    made = subprocess.run(
        [sys.executable, "-m", "serving.server.bento", "--model", str(trained.folder)],
        cwd=ROOT, env={**os.environ, "BENTOML_HOME": str(home)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tag = made.stdout.split("Built ")[1].split(". ")[0]
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", tag, "--host", "127.0.0.1", "--port", str(port)]
    with running(command, port, tmp_path / "log.txt", BENTOML_HOME=str(home), PYTHONPATH=str(blocked.parent)) as url:
        status, answer = ask(f"{url}/v1/score", EXAMPLE)
        assert (status, answer["results"][0]["status"]) == (200, "scored")
        assert answer["model"]["name"] == "small"
