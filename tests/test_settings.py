"""The variables of the environment: each stands in a model and in the README, and hardly a file asks the environment."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from features.common.environment import EnvironmentSettings
from serving.common.settings import ServingSettings
from training.common.settings import TrainingSettings

ROOT = Path(__file__).resolve().parent.parent
MODELS: tuple[type[EnvironmentSettings], ...] = (TrainingSettings, ServingSettings)
VARIABLE = re.compile(r"\b(?:RIPELINE|OTEL|MLFLOW)_[A-Z_]*[A-Z]\b")
# not of the server, nor of training
OTHERS = {"RIPELINE_URL", "RIPELINE_KEY"}  # docs/clients.md: of who asks
ASKS = {
    "serving/common/settings.py": "the settings of a server",
    "training/common/settings.py": "the settings of training",
    "connectors/crm/secrets.py": "any name may be a secret's",
    "connectors/crm/landing.py": "dlt reads how it is to work from there alone",
    "training/common/tracking.py": "MLflow reads, and sets, its own variables",
    "training/executors/local.py": "Arrow and what multiplies matrices read theirs when a worker begins",
    "models/learners/gbm.py": "LightGBM reads OMP_NUM_THREADS too early in a worker",
    "client/ripeline_client.py": "one file that needs nothing else of Ripeline",
}


def documented(model: type[EnvironmentSettings]) -> list[str]:
    """Of each variable its row: name, meaning, what holds where it is not set."""
    defaults = [value for _, value, _ in model.read({}).rows()]
    extras = [(field.alias, field.description, field.json_schema_extra) for field in model.model_fields.values()]
    return [
        f"| `{name}` | {meaning} | {(extra.get('usual') if isinstance(extra, dict) else '') or default} |"
        for (name, meaning, extra), default in zip(extras, defaults, strict=True)
    ]


def test_the_table_of_the_readme_is_that_of_the_models() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Settings from the environment\n\n")[2]
    table = text.partition("\n\n")[0].splitlines()
    written = ["| variable | means | default |", "|---|---|---|", *(row for model in MODELS for row in documented(model))]
    assert table == written, "\n".join(["the table is:", *written])


@pytest.mark.parametrize("page", ["README.md", *(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md"))])
def test_no_page_names_a_variable_that_nobody_reads(page: str) -> None:
    known = {name for model in MODELS for name in model.variables()} | OTHERS
    named = set(VARIABLE.findall((ROOT / page).read_text(encoding="utf-8")))
    assert {name for name in named if name.startswith("RIPELINE_") and not name.startswith("RIPELINE_JWT")} <= known


def asks_the_environment(path: Path) -> bool:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    return bool(names & {"environ", "environb", "getenv", "putenv"})


def test_hardly_a_file_asks_the_environment() -> None:
    houses = ("features", "models", "connectors", "training", "serving", "client")
    files = [path for house in houses for path in sorted((ROOT / house).rglob("*.py"))]
    assert {str(path.relative_to(ROOT)) for path in files if asks_the_environment(path)} == set(ASKS)


def test_training_shows_its_settings_with_a_secrets_file(tmp_path: Path) -> None:
    file = tmp_path / "secrets.env"
    file.write_text("RIPELINE_LANDING_URL=postgresql://me:pass-word@host/landing\nHUBSPOT_TOKEN=very-secret\n")
    file.chmod(0o600)
    done = subprocess.run(
        [sys.executable, "-m", "training", "settings"], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_URI": "http://me:pass-word@mlflow:5000"},
    )  # fmt: skip
    rows = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert rows[1:] == [
        ["MLFLOW_TRACKING_URI", "http://•••@mlflow:5000", "environment"],
        ["RIPELINE_SECRETS", "secrets.env", "in the working folder  default"],
        ["RIPELINE_LANDING_URL", "postgresql://•••@host/landing", "file secrets.env"],
    ]
    file.chmod(0o644)
    refused = subprocess.run([sys.executable, "-m", "training", "settings"], cwd=tmp_path, capture_output=True, text=True,
                             check=False, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})  # fmt: skip
    assert refused.returncode == 1
    assert "Others can read the secrets file" in refused.stderr
