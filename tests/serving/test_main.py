"""`python -m serving` says why it does not start, in a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.__main__ import cannot_listen, main
from tests.serving.processes import ROOT
from tests.trained import Trained


def refused(*words: str, **environment: str) -> str:
    """What the command says instead of starting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["serving", *words])
        patch.setattr(os, "execve", lambda *_arguments: pytest.fail("it starts"))
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, str), "a sentence, and so an exit status of 1"
    return ended.value.code


@pytest.mark.parametrize("folder", ["nowhere", "."])
def test_without_a_model_folder_there_is_a_sentence(tmp_path: Path, folder: str) -> None:
    assert "is not a model folder" in refused("--model", str(tmp_path / folder))


def test_a_process_that_is_refused_ends_with_its_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "serving", "--model", str(tmp_path / "nowhere")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is not a model folder" in done.stderr
    assert "Traceback" not in done.stderr


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


def test_a_busy_port_is_said_before_the_server_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        assert "in use" in str(cannot_listen("127.0.0.1", busy.getsockname()[1]))


@pytest.mark.parametrize("port", [0, -1, 65_536, 99_999])
def test_an_impossible_port_is_said(port: int) -> None:
    assert cannot_listen("127.0.0.1", port) == "a port is a number from 1 to 65535"
