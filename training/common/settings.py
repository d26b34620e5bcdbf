"""What training reads from its environment, beside the secrets of a CRM (`connectors/crm/secrets.py`)."""

from __future__ import annotations

import os
from pathlib import Path

from connectors.crm.secrets import USUAL_FILE, Secrets
from connectors.registry import LANDING_URL
from features.common.environment import Address, EnvironmentSettings, variable

TRACKING_URI = "MLFLOW_TRACKING_URI"
_CRM = "([docs/crm](docs/crm/README.md))"


class TrainingSettings(EnvironmentSettings):
    """The variables of a training, an import and a write-back."""

    tracking_uri: Address | None = variable(
        None, "an MLflow server", "`sqlite:///mlflow.db` in the working folder", name=TRACKING_URI
    )
    secrets: Path | None = variable(None, f"file with the secrets of CRMs {_CRM}", f"`{USUAL_FILE}` in the working folder")
    landing_url: Address | None = variable(
        None, f"Postgres database for what CRMs said, with `landing: postgres` {_CRM}", name=LANDING_URL
    )


def process_settings() -> TrainingSettings:
    """As they are now: MLflow sets its variable by itself, and a worker gets it from who started it."""
    return TrainingSettings.read(os.environ)


def with_secrets_file() -> TrainingSettings:
    """The settings as a CRM's import takes them, with what stands in the secrets file.

    Raises
    ------
    ConfigError
        if that cannot be read, or others can.
    """
    settings = process_settings()
    filed = {LANDING_URL: Secrets.read(os.environ).get(LANDING_URL) or ""}
    return TrainingSettings.read(os.environ, file=filed, file_name=str(settings.secrets or USUAL_FILE))
