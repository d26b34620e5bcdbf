"""Put a training into MLflow: child runs, artefacts, the registered version, and what the gate says of it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from features.common.errors import ModelError
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.engine.histories import Histories
from models.batch import scoring_input
from models.calibration.chain import chain
from models.model import FunnelModel
from models.score import split
from models.store import load as load_model
from models.store import save
from training.common import tracking
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.evaluate import capacity_curve, flat
from training.evaluation.gate import Difference, Verdict, judge
from training.evaluation.holdout import LEARNED, Holdout, next_difference
from training.report.plots import plot_capacity, plot_reliability

REPORT = "report.html"

DESCRIPTIONS = {
    "model": "The blend of learners, calibrated, fitted as of the cut and judged on later leads of other accounts.",
    LEARNED: "What was learned, and was worse than the rules beyond doubt: these are the model.",
    "rules": "The points of the rules on the same leads, turned into probabilities on the same history.",
    "logistic": "Baseline: plain logistic regression on the model's features.",
    "lightgbm-default": "Baseline: LightGBM with its defaults on the model's features.",
}


@dataclass(frozen=True)
class RunArtifacts:
    """What a run carries besides: `tables`, by the names of their files, `metrics`, and the text of the `report`."""

    tables: Mapping[str, pd.DataFrame]
    metrics: Mapping[str, float]
    report: str


def log_run(
    config: Config,
    dataset: Dataset,
    report: DataReport,
    prepared: Prepared,
    holdout: Holdout,
    model: FunnelModel,
    against_rules: Difference,
    artifacts: RunArtifacts,
) -> tuple[str, str, Verdict]:
    """Log everything under one parent run → its id, the version registered, and the gate's verdict."""
    description = f"Ripeline training of {config.name}: {' → '.join(prepared.funnel.stages)}"
    with tracking.training_run(config.name, description, {"ripeline.source": dataset.source}) as run_id:
        model = replace(model, version=run_id[: tracking.SHORT])
        tracking.log_dataset(config.name, dataset.source, dataset.digest, "training")
        rows = np.flatnonzero(holdout.labels.matured[:, -1])
        y = holdout.labels.reached[rows, -1]
        for name, probability in holdout.probability.items():
            steps = {f"{prepared.funnel.final}.caught": capacity_curve(y, probability[rows, -1])}
            params = _params(name, config, prepared, holdout)
            tracking.log_child(run_id, name, params, flat(holdout.results[name]), steps, DESCRIPTIONS.get(name, ""))
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            _artefacts(config, report, prepared, holdout, model, folder)
            (folder / REPORT).write_text(artifacts.report, encoding="utf-8")
            for name, table in artifacts.tables.items():
                table.to_csv(folder / f"{name}.csv", index=False)
            for file in sorted(folder.iterdir()):
                tracking.log_parent({}, {}, {"report" if file.suffix == ".png" else "": file})
            params = {
                "leads": len(prepared.histories),
                "landmarks": len(prepared.looks),
                "features": len(model.names),
                "interactions": len(dataset.interactions),
                "cut": datetime.fromtimestamp(holdout.cut / 1e6, UTC).isoformat(),
                **({"pool": config.pool, "pool.digest": prepared.pool.digest} if prepared.pool else {}),
                **{f"horizon.{t}": f"{days:g} days" for t, days in prepared.funnel.horizons.items()},
            }
            coverage_metrics = {f"{name}.interval_coverage": coverage.inside for name, coverage in holdout.coverage.items()}
            money = holdout.value.metrics() if holdout.value else {}
            tracking.log_parent(params, flat(holdout.results["model"]) | coverage_metrics | money | dict(artifacts.metrics), {})
            champion = tracking.champion_version(config.name)
            newer, outdated = None, ""
            if champion:
                try:
                    newer = _against_champion(config, dataset, prepared, holdout, folder)
                except ModelError:  # written by another Ripeline: it can neither be compared nor served
                    champion, outdated = None, f" Version {champion} is of another Ripeline and could not be compared."
            verdict = judge(champion, against_rules, newer, holdout.learned_worse)
            verdict = replace(verdict, reason=verdict.reason + outdated)
            version = tracking.register(config.name, save(model, folder / "model"))
            if verdict.promote:
                tracking.promote(config.name, version)
    return run_id, version, verdict


def _artefacts(
    config: Config, report: DataReport, prepared: Prepared, holdout: Holdout, model: FunnelModel, folder: Path
) -> None:
    """What a run carries beside its numbers."""
    final = prepared.funnel.final
    rows = np.flatnonzero(holdout.labels.matured[:, -1])
    y, account = holdout.labels.reached[rows, -1], prepared.account[holdout.rows[rows]]
    probabilities = {name: p[rows, -1] for name, p in holdout.probability.items() if name in ("model", "rules")}
    plot_reliability(y, probabilities, account, f"Do probabilities of {final} come true?", folder / "reliability.png")
    plot_capacity(y, probabilities, f"Later {final}s caught at each capacity", folder / "capacity.png")
    holdout.segments.to_csv(folder / "calibration_by_segment.csv", index=False)
    texts = {
        "data_report.txt": "\n".join([*report.lines(), *model.notes]) + "\n",
        "config.json": config.model_dump_json(indent=1),
        "audit.json": json.dumps(prepared.audit.to_dict(), indent=1),
        "audit.md": prepared.audit.markdown(),
        **({"pool.json": prepared.pool.text} if prepared.pool else {}),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def _params(name: str, config: Config, prepared: Prepared, holdout: Holdout) -> dict[str, object]:
    """Settings in words, as MLflow's compare view shows them."""
    if name == "model":
        logged_keys = (
            "regime",
            "rows",
            "weights",
            "memories",
            "trees",
            "params",
            "calibration",
            "search",
            "unripe",
            "pool",
        )
        return {f"{t.target}.{key}": t.log[key] for t in holdout.fit.transitions for key in logged_keys if key in t.log}
    if name == "rules":
        book = prepared.rules.book
        return {
            "rules": str(config.rules or "default"),
            "rules.count": len(book.behaviour) + len(book.fit),
            "rules.thresholds": ", ".join(f"{stage} {points:g}" for stage, points in prepared.rules.thresholds),
            "rules.status": book.status,
            **({"rules.author": book.author} if book.author else {}),
            **({"rules.date": book.date} if book.date else {}),
        }
    return {"learner": name}


def _against_champion(
    config: Config, dataset: Dataset, prepared: Prepared, holdout: Holdout, scratch: Path
) -> Difference | None:
    """Challenger (as fitted at the cut) against champion, on held-out leads looked at after all the champion has seen."""
    champion = load_model(tracking.download(config.name, scratch / "champion"))
    if champion.funnel.stages != prepared.funnel.stages:
        return None
    newer = prepared.looks.as_of[holdout.rows] >= champion.metrics["known_at"]
    if newer.sum() < 100:
        return None
    features = champion.feature_set
    histories = Histories.from_dataset(dataset, features.types, features.mail, features.turning_away)
    looks = prepared.looks.take(holdout.rows)
    inputs = split(champion, scoring_input(champion, histories, looks))
    champion_probability = chain(champion.transitions, inputs.x, looks.stage)[1]
    return next_difference(prepared, holdout.rows, holdout.labels, holdout.probability["model"], champion_probability, newer)
