"""`python -m serving` says why it does not start, in a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from serving.__main__ import cannot_listen, main
from tests.serving.processes import ROOT, free_port
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
    assert "RIPELINE_WORKERS: 0 is less than 1" in refused("--model", model, "--workers", "0")
    assert "RIPELINE_WORKERS: 'two' is no whole number" in refused("--model", model, RIPELINE_WORKERS="two")
    assert "RIPELINE_CONNECTIONS: 'many' is no whole number" in refused("--model", model, RIPELINE_CONNECTIONS="many")
    assert "RIPELINE_CONNECTIONS: -1 is less than 1" in refused("--model", model, RIPELINE_CONNECTIONS="-1")
    assert "RIPELINE_SECRET has 7 characters" in refused("--model", model, RIPELINE_SECRET="hunter2")


def started(*words: str, **environment: str) -> dict[str, str]:
    """The environment of the server that the command becomes."""
    seen: list[dict[str, str]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["serving", *words, "--port", str(free_port())])
        patch.setattr(os, "execve", lambda _program, _words, variables: seen.append(variables))
        for name, value in environment.items():
            patch.setenv(name, value)
        main()
    return seen[0]


def test_options_go_before_variables_and_paths_are_whole(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    report, hooks = tmp_path / "report.html", "hooks"
    report.write_text("")
    here = {"RIPELINE_MODEL": str(trained.folder), "RIPELINE_WORKERS": "3", "RIPELINE_HOOKS": hooks}
    server = started("--report", "report.html", "--shadow", "nowhere", "--store", "sqlite:///a/leads.db", **here)
    assert server["RIPELINE_MODEL"] == str(trained.folder.resolve()), "without --model the variable counts"
    assert (server["RIPELINE_WORKERS"], server["RIPELINE_REPORT"]) == ("3", str(report))
    assert server["RIPELINE_STORE"] == f"sqlite:///{tmp_path}/a/leads.db"
    assert server["RIPELINE_HOOKS"] == str(tmp_path / hooks)
    assert "RIPELINE_SHADOW" not in server, "it is not there"
    assert server["BENTOML_DO_NOT_TRACK"] == "True"
    assert "RIPELINE_JWT_KEYS" not in server
    assert started("--workers", "2", "--model", str(trained.folder), RIPELINE_WORKERS="3")["RIPELINE_WORKERS"] == "2"


@pytest.mark.parametrize(
    ("keys", "server_keys"),
    [
        ("jwks.json", "{folder}/jwks.json"),
        ("file://sets/jwks.json", "{folder}/sets/jwks.json"),
        ("/etc/jwks.json", "/etc/jwks.json"),
        ("https://id.example/jwks", "https://id.example/jwks"),
    ],
)
def test_the_key_set_of_an_issuer_lies_where_the_command_was_given(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str, server_keys: str
) -> None:
    """It was read in the folder of the server's code."""
    monkeypatch.chdir(tmp_path)
    issuer = {"RIPELINE_JWT_ISSUER": "https://id.example", "RIPELINE_JWT_AUDIENCE": "ripeline", "RIPELINE_JWT_KEYS": keys}
    server = started("--model", str(trained.folder), **issuer)
    assert server["RIPELINE_JWT_KEYS"] == server_keys.format(folder=tmp_path)


def test_the_settings_are_shown_with_their_sources_and_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["serving", "settings", "--workers", "4"])
        patch.setenv("RIPELINE_SECRET", "s3cret" * 6)
        patch.setenv("RIPELINE_STORE", "postgresql://me:pass@host/leads")
        main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["RIPELINE_WORKERS", "4", "option"] in lines
    assert ["RIPELINE_STORE", "postgresql://•••@host/leads", "environment"] in lines
    assert ["RIPELINE_STOP", "30", "default"] in lines
    assert ["OTEL_SERVICE_NAME", "ripeline", "default"] in lines, "what holds where nothing is set"
    assert ["RIPELINE_KEYS", "keys.json,", "where", "there", "is", "one", "default"] in lines
    assert not any("s3cret" in word for line in lines for word in line)


def test_a_busy_port_is_said_before_the_server_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        assert "in use" in str(cannot_listen("127.0.0.1", busy.getsockname()[1]))


@pytest.mark.parametrize("port", [0, -1, 65_536, 99_999])
def test_an_impossible_port_is_said(port: int) -> None:
    assert cannot_listen("127.0.0.1", port) == "a port is a number from 1 to 65535"
