"""What a server reads from its environment: each wrong value is a sentence, and nothing else asks the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.common.environment import revealed
from features.common.errors import ConfigError
from serving.common.settings import ServingSettings, process_environment, process_settings, tell_libraries


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("WORKERS", "two", "RIPELINE_WORKERS: 'two' is no whole number.\n  → Write one from 1 on."),
        ("WORKERS", "0", "RIPELINE_WORKERS: 0 is less than 1"),
        ("CONNECTIONS", "1.5", "RIPELINE_CONNECTIONS: '1.5' is no whole number"),
        ("CONNECTIONS", "-1", "RIPELINE_CONNECTIONS: -1 is less than 1.\n  → Write a whole number from 1 on."),
        ("LOG_LEVEL", "loud", "RIPELINE_LOG_LEVEL: 'loud'.\n  → There are debug, info, warning, error."),
        (
            "DRAIN",
            "soon",
            "RIPELINE_DRAIN: 'soon' is no number of seconds from 0 to 3600.\n  → Write another value, or leave it out.",
        ),
        ("STOP", "3601", "RIPELINE_STOP: '3601' is no number of seconds from 2 to 3600"),
        ("STOP", "1.5", "RIPELINE_STOP: '1.5' is no number of seconds from 2 to 3600"),
        ("JWT_RATE", "0", "RIPELINE_JWT_RATE: '0' is no number from 0.01"),
        (
            "REFRESH_HOURS",
            "0.5",
            "RIPELINE_REFRESH_HOURS: '0.5' is no number from 1 to 1000000.\n  → Write days or hours, such as 730.",
        ),
        ("REFRESH_HOURS", "2e6", "RIPELINE_REFRESH_HOURS: '2e6' is no number from 1 to 1000000"),
        ("RETENTION_DAYS", "score=90", "did you mean 'scores'"),
        ("RETENTION_DAYS", "0", "RIPELINE_RETENTION_DAYS: '0' is no number from 1 to 1000000"),
        ("PSEUDONYM_KEY", "short", "RIPELINE_PSEUDONYM_KEY is shorter than 16 characters"),
        ("SECRET", "hunter2", "RIPELINE_SECRET has 7 characters"),
        ("ORIGINS", "*", "RIPELINE_ORIGINS: '*' is no origin"),
        *(("PROXIES", text, "is no address") for text in ("*", "0.0.0.0/0", "::/0", "proxy.example.com")),
        ("JWT_LEEWAY", "1e9", "RIPELINE_JWT_LEEWAY: '1e9' is no number from 0 to 300."),
        ("JWT_LEEWAY", "nan", "from 0 to 300"),
        ("JWT_AUDIENC", "x", "There is no setting RIPELINE_JWT_AUDIENC"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        ServingSettings.read({f"RIPELINE_{name}": text})
    assert message in str(refused.value)


def test_what_can_be_read() -> None:
    settings = ServingSettings.read(
        {
            "RIPELINE_PROXIES": "10.0.0.0/8, ::1", "RIPELINE_ORIGINS": "https://crm.example.com/", "RIPELINE_DRAIN": " 2.5 ",
            "RIPELINE_RETENTION_DAYS": "interactions=730, scores=90", "RIPELINE_ERASED_KEPT": "No", "RIPELINE_STOP": "  ",
            "RIPELINE_LOG_LEVEL": "Debug", "RIPELINE_PSEUDONYM_KEY": " with spaces at its ends ",
        }
    )  # fmt: skip
    assert (settings.proxies, settings.origins) == (("10.0.0.0/8", "::1"), ("https://crm.example.com",))
    assert (settings.drain, settings.stop, settings.log_level) == (2.5, 30.0, "debug")
    assert settings.retention_days == {"interactions": 730, "scores": 90}
    assert settings.erased_kept is False
    assert revealed(settings.pseudonym_key) == " with spaces at its ends ", "another key would find no id again"
    whole = ServingSettings.read({"RIPELINE_RETENTION_DAYS": "730"}).retention_days
    assert whole == {"interactions": 730, "closed_leads": 730, "scores": 730}


def test_nothing_that_is_secret_is_shown() -> None:
    secrets = [name for name in ServingSettings.variables() if name.endswith(("_KEY", "SECRET", "PASSWORD"))]
    settings = ServingSettings.read(dict.fromkeys(secrets, "very-secret" * 4) | {"RIPELINE_STORE": "pg://u:very-secret@h/d"})
    assert "very-secret" not in repr(settings) + str(settings.rows())


def test_the_environment_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORWARDED_ALLOW_IPS", "BENTOML_DO_NOT_TRACK", "RIPELINE_WORKERS"):
        monkeypatch.setenv(name, "3")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert process_settings().workers == 3
    assert process_settings({"RIPELINE_WORKERS": "2"}).workers == 2
    server = process_environment({"RIPELINE_WORKERS": "2"}, Path("/here"))
    assert (server["RIPELINE_WORKERS"], server["PYTHONPATH"]) == ("2", f"/here{os.pathsep}/elsewhere")
    tell_libraries(["10.0.0.0/8", "::1"])
    assert os.environ["FORWARDED_ALLOW_IPS"] == "10.0.0.0/8,::1", "uvicorn would believe whoever asks from this machine"
