"""`python -m serving.server.bento --model FOLDER`: build a Bento with the code, the model folder and the serving
requirements."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from serving.common.settings import tell_libraries

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("features", "models", "connectors", "serving")


def build(model: Path, out: Path | None = None) -> str:
    """Build the Bento and give its tag; with `out`, also export it to that file. MLflow is neither needed nor packed.

    Raises
    ------
    ModelError
        if the folder holds no usable model.
    """
    tell_libraries()
    import bentoml

    from models.store import load

    name = load(model).name
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch)
        for package in PACKAGES:
            shutil.copytree(ROOT / package, context / package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(model, context / "model")
        shutil.copy(ROOT / "requirements" / "serving.lock", context / "requirements.txt")
        bento = bentoml.build(
            "serving.service:Ripeline",
            name=f"ripeline-{name}".lower(),
            build_ctx=str(context),
            include=["**/*.py", "**/*.yaml", "**/*.html", "**/*.js", "**/*.css", "model/**"],
            python={"requirements_txt": "requirements.txt", "lock_packages": False},
        )
    if out:
        bento.export(str(out))
    return str(bento.tag)


def main() -> None:
    """Read the arguments and build."""
    from features.common.errors import RipelineError

    parser = argparse.ArgumentParser(prog="python -m serving.server.bento", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("artefacts/champion"))
    parser.add_argument("--out", type=Path, default=None, help="also export to this file")
    options = parser.parse_args()
    try:
        tag = build(options.model, options.out)
    except RipelineError as error:
        sys.exit(str(error))
    print(f"Built {tag}. Start it with: bentoml serve {tag}")


if __name__ == "__main__":
    main()
