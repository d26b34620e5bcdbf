"""The model folder: text, JSON and npz with a manifest of checksums. No pickle; a changed byte is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from features.common.errors import ModelError
from features.common.files import sha256, whole_folder
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from models.calibration.drift import Drift
from models.calibration.reference import Reference
from models.calibration.timing import Timings
from models.calibration.transition import Transition
from models.decision.next_steps import NextSteps
from models.decision.recommend import Policy
from models.decision.value import Value
from models.model import FunnelModel
from models.rules.odds import RuleOdds
from models.rules.rules import Rules

FORMAT = 4
MANIFEST = "manifest.json"
DRIFT = "drift.json"


def save(model: FunnelModel, folder: Path | str) -> Path:
    """Write the model folder whole or not at all.

    Raises
    ------
    DataError
        if the disk refuses.
    """
    target = Path(folder)
    with whole_folder(target) as partial:
        for transition in model.transitions:
            transition.save(partial / transition.target)
        _write(partial / "features.json", model.feature_set.to_dict())
        _write(partial / "reference.json", model.reference.to_dict())
        _write(partial / "rule_odds.json", model.rule_odds.to_dict())
        _write(partial / "timing.json", model.timings.to_dict())
        _write(partial / "next_steps.json", model.next_steps.to_dict())
        _write(partial / "metrics.json", model.metrics)
        if model.drift:
            _write(partial / DRIFT, model.drift.to_dict())
        if model.value:
            model.value.save(partial)
        (partial / "rules.yaml").write_text(
            yaml.safe_dump(model.rules.to_dict(), sort_keys=False, allow_unicode=True), encoding="utf-8"
        )
        manifest = {
            "format": FORMAT,
            "name": model.name,
            "version": model.version,
            "trained_at": model.trained_at,
            "dated": model.dated,
            "funnel": {
                "stages": list(model.funnel.stages),
                "exits": list(model.funnel.exits),
                "horizons": dict(model.funnel.horizons),
            },
            "policy": model.policy.to_dict(),
            "notes": list(model.notes),
            "feature_checksum": model.feature_set.checksum,
            "files": {str(path.relative_to(partial)): sha256(path) for path in sorted(partial.rglob("*")) if path.is_file()},
        }
        _write(partial / MANIFEST, manifest)
    return target


def load(folder: Path | str) -> FunnelModel:
    """Read a model folder.

    Raises
    ------
    ModelError
        if it is missing, of another format, holds a file that differs from its checksum or lacks one, or its feature
        definitions differ from those it was trained with.
    """
    root = Path(folder)
    manifest = read_manifest(root)
    for name, checksum in manifest["files"].items():
        path = root / name
        if not path.is_file():
            raise ModelError(f"The model folder {root} lacks {name}.", "Copy it anew, whole.")
        if sha256(path) != checksum:
            raise ModelError(
                f"{path} differs from its checksum in {MANIFEST}.", "It was changed or damaged: copy the folder anew."
            )
    feature_set = FeatureSet.from_dict(_read(root / "features.json"))
    if feature_set.checksum != manifest["feature_checksum"]:
        raise ModelError(
            f"The features of {root} are not those this Ripeline computes (checksum {feature_set.checksum[:12]}, "
            f"the model has {manifest['feature_checksum'][:12]}).",
            "Use the version of Ripeline that trained it, or train anew.",
        )
    funnel = Funnel(tuple(manifest["funnel"]["stages"]), tuple(manifest["funnel"]["exits"]), manifest["funnel"]["horizons"])
    return FunnelModel(
        name=manifest["name"],
        funnel=funnel,
        feature_set=feature_set,
        transitions=tuple(Transition.load(root / target) for target in funnel.targets),
        rules=Rules.read(root / "rules.yaml").among(feature_set.turning_away),
        rule_odds=RuleOdds.from_dict(_read(root / "rule_odds.json")),
        timings=Timings.from_dict(_read(root / "timing.json")),
        reference=Reference.from_dict(_read(root / "reference.json")),
        policy=Policy.from_dict(manifest["policy"]),
        value=Value.load(root),
        next_steps=NextSteps.from_dict(_read(root / "next_steps.json")),
        dated=manifest["dated"],
        version=manifest["version"],
        trained_at=manifest["trained_at"],
        metrics=_read(root / "metrics.json"),
        notes=manifest["notes"],
        # it changes no score, so that folders without it are as good as before
        drift=Drift.from_dict(_read(root / DRIFT)) if DRIFT in manifest["files"] else None,
    )


def read_manifest(root: Path) -> dict[str, Any]:
    """The manifest of a model folder.

    Raises
    ------
    ModelError
        if there is none or it is of another format.
    """
    path = root / MANIFEST
    if not path.is_file():
        raise ModelError(f"{root} is not a model folder: it has no {MANIFEST}.", "Run `make train`, or name the right folder.")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        model_format = manifest["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} cannot be read ({error}).", "Copy the model folder anew.") from error
    if model_format != FORMAT:
        raise ModelError(f"{root} has model format {model_format}, this Ripeline reads {FORMAT}.", "Train anew.")
    return manifest


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
