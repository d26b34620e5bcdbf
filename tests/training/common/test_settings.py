"""What training reads from its environment, and from the secrets file where one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.environment import revealed
from training.common.settings import process_settings, with_secrets_file


def test_the_environment_goes_before_the_secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "mine.env"
    file.write_text("RIPELINE_LANDING_URL=postgresql://file/landing\n")
    file.chmod(0o600)
    monkeypatch.setenv("RIPELINE_SECRETS", str(file))
    monkeypatch.delenv("RIPELINE_LANDING_URL", raising=False)
    assert process_settings().landing_url is None
    assert with_secrets_file().source_of("landing_url") == f"file {file}"
    monkeypatch.setenv("RIPELINE_LANDING_URL", "postgresql://environment/landing")
    settings = with_secrets_file()
    assert revealed(settings.landing_url) == "postgresql://environment/landing"
    assert settings.source_of("landing_url") == "environment"
