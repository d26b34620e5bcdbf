"""The main job: a dataset in, an evaluated, calibrated, registered model out.

1. Load and validate the data, choose landmarks, build their features.
2. Pretend today is the cut: fit on what was known then, for other accounts, and look at what came true afterwards.
3. Compare with the rules and the baselines on the same rows.
4. Fit again on everything known today with the settings found; this model is saved, logged and registered.
5. It becomes champion only through the gate.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console

from features.dataset import Dataset
from features.errors import DataError
from features.histories import Histories
from features.labels import Labels
from features.report import DataReport
from models.chain import Conditional, chain
from models.model import FunnelModel
from models.recommend import Policy
from models.reference import Reference
from models.rules import Rules
from models.scoring import interval, next_contributions, parts, split
from models.store import load as load_model
from models.store import save
from models.types import Flags, Floats
from training import tracking
from training.baselines import BASELINES, fit_baseline
from training.batch import looked
from training.config import Config
from training.coverage import Coverage, coverage
from training.data import load
from training.evaluate import Slice, capacity_curve, evaluate_slices, flat, slices
from training.funnel_fit import Fit, fit_funnel
from training.gate import Difference, Verdict, compare, judge
from training.plots import plot_capacity, plot_reliability
from training.prepare import Prepared, prepare
from training.progress import Steps, terminal
from training.segments import by_segment
from training.segments import in_words as segments_in_words
from training.splits import cut_for, keep_apart
from training.summary import Results, coverage_in_words, in_words, show

WEEK = 7 * 86_400_000_000


@dataclass(frozen=True)
class Held:
    """The held-out side: what became of it, and every source's probabilities (n, targets) for the landmarks `rows`.

    `early` (landmarks,) are those that could be trained on; `seconds` is what the fit took.
    """

    cut: int
    rows: npt.NDArray[np.intp]
    labels: Labels
    questions: list[Slice]
    probability: dict[str, Floats]
    results: Results
    coverage: dict[str, Coverage]
    segments: pd.DataFrame
    fit: Fit
    early: Flags
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a training gives."""

    model: FunnelModel
    version: str
    run_id: str
    results: Results
    verdict: Verdict
    prepared: Prepared
    held: Held


def train(config: Config, *, folder: Path | None = None, console: Console | None = None) -> Outcome:
    """Run the main job. `folder` replaces the folder of a files source.

    Raises
    ------
    RipelineError
        for anything the user can put right; nothing is registered then.
    """
    console = console or terminal()
    with Steps(console).running() as steps:
        reading = steps.step("Reading the data")
        dataset, report = load(config, folder=folder, progress=lambda _, done, of: reading(done, of))
        reading(1, 1)
        rules = Rules.read(config.path(config.rules)) if config.rules else Rules.read().within(config.funnel.stages)
        prepared = prepare(dataset, config, config.funnel.build(), rules, steps.step("Building features"))
        held = hold_out(prepared, config, steps)
        model = final_model(prepared, config, dataset, held, steps)
        against_rules = _next_difference(prepared, held, held.probability["model"], held.probability["rules"])
        with steps.whole("Logging to MLflow"):
            run_id, version, verdict = _log(config, dataset, report, prepared, held, model, against_rules)
    said = [
        *in_words(held.results, model.funnel.final, against_rules),
        *coverage_in_words(held.coverage),
        *segments_in_words(held.segments),
        verdict.why,
    ]
    show(console, report, held.results, model.notes, said)
    console.print(f"Version {version} of {config.name!r} is registered, run {run_id}.", highlight=False)
    return Outcome(model, version, run_id, held.results, verdict, prepared, held)


def hold_out(prepared: Prepared, config: Config, steps: Steps) -> Held:
    """Fit as known at the cut, on one side of time and accounts; predict the other.

    Raises
    ------
    DataError
        if no landmark has matured.
    """
    labels = prepared.labels(prepared.extracted_at)
    as_of, account = prepared.looks.as_of, prepared.account
    usable = labels.matured.any(axis=1)
    final = labels.matured[:, -1]
    if not final.any():
        raise DataError(
            f"No landmark has matured: the data end before the {prepared.funnel.horizons[prepared.funnel.final]:g} days "
            f"to {prepared.funnel.final!r} have passed for any lead.",
            "Shorten `funnel: horizons:`, or bring older leads.",
        )
    cut = cut_for(as_of, final, config.test_share)
    early, late = keep_apart((as_of < cut), (as_of >= cut) & usable, account)
    tick = _ticker(steps, "Fitting as of the cut", config, prepared)
    began = time.perf_counter()
    fit = fit_funnel(prepared, cut, early, config.search, config.seed, tick=tick)
    seconds = time.perf_counter() - began
    rows = np.flatnonzero(late)
    stage, x = prepared.looks.stage[rows], prepared.x(rows)
    conditional, by_model = chain(fit.transitions, x, stage)
    sources: dict[str, Floats] = {"model": by_model}
    sources["rules"] = fit.rule_odds.probabilities(prepared.points.points[rows], stage, len(prepared.funnel.targets))
    known = prepared.labels(cut)
    for name in BASELINES:
        with steps.whole(f"Baseline {name}"):
            fitted: list[Conditional] = [
                fit_baseline(name, prepared.examples(t, known, early), config.seed) for t in range(len(prepared.funnel.targets))
            ]
            sources[name] = chain(fitted, x, stage)[1]
    mine = labels.take(rows)
    questions = slices(prepared.funnel, stage, mine.matured)
    results = {name: evaluate_slices(questions, mine.reached, p, prepared.funnel) for name, p in sources.items()}
    low, high = interval(fit.transitions, conditional, by_model)
    covered = {
        name: found
        for target, name in enumerate(prepared.funnel.targets)
        if (found := coverage(by_model, low, high, mine, stage, target, as_of[rows], account[rows]))
    }
    per_segment = by_segment(prepared, rows, mine, by_model)
    return Held(cut, rows, mine, questions, sources, results, covered, per_segment, fit, early, seconds)


def _ticker(steps: Steps, name: str, config: Config, prepared: Prepared, searched: bool = False) -> Callable[[], None]:
    per_target = 4 + (0 if searched else config.search.trials)
    advance = steps.step(name, per_target * len(prepared.funnel.targets))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        advance(done, per_target * len(prepared.funnel.targets))

    return tick


def final_model(prepared: Prepared, config: Config, dataset: Dataset, held: Held, steps: Steps) -> FunnelModel:
    """Fit on everything known today with the settings found at the cut; references and policy come from held-out leads."""
    everyone = np.ones(len(prepared.looks), bool)
    tick = _ticker(steps, "Fitting on all data", config, prepared, searched=True)
    fit = fit_funnel(prepared, prepared.extracted_at, everyone, config.search, config.seed, known=held.fit.settings, tick=tick)
    draft = FunnelModel(
        name=config.name,
        funnel=prepared.funnel,
        feature_set=prepared.feature_set,
        transitions=fit.transitions,
        rules=prepared.rules,
        rule_odds=fit.rule_odds,
        timings=fit.timings,
        reference=Reference(np.linspace(0.01, 0.99, 99), np.zeros((1, 2)), np.zeros((1, 2))),
        policy=_policy(prepared, config, dataset, held),
        dated=prepared.dated,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        metrics={
            "held_out": held.results,
            "coverage": {name: asdict(found) for name, found in held.coverage.items()},
            "cut": held.cut,
            "known_at": prepared.extracted_at,
            "logs": [t.log for t in fit.transitions],
        },
        notes=(*prepared.notes, *(f"{t.target}: {t.log['regime']}" for t in fit.transitions)),
    )
    return _with_reference(draft, prepared, held)


def _with_reference(model: FunnelModel, prepared: Prepared, held: Held) -> FunnelModel:
    x, stage = prepared.x(held.rows), prepared.looks.stage[held.rows]
    final = chain(model.transitions, x, stage)[1][:, -1]
    fit, engagement = parts(model, next_contributions(model, x, stage))
    return replace(model, reference=Reference.learn(final, fit, engagement, stage, len(model.transitions)))


def _policy(prepared: Prepared, config: Config, dataset: Dataset, held: Held) -> Policy:
    """The hand-over line from held-out leads that sales did not have yet."""
    funnel = prepared.funnel
    stage = config.sales.hand_over or ("sql" if "sql" in funnel.targets else funnel.final)
    before = np.flatnonzero(prepared.looks.stage[held.rows] < funnel.position(stage))
    rows = held.rows[before]
    final = held.probability["model"][before, -1]
    lead = prepared.looks.lead[rows]
    best = np.zeros(len(prepared.histories))
    np.maximum.at(best, lead, final)
    as_of = prepared.looks.as_of[rows]
    won = dataset.deals.loc[(dataset.deals["status"].astype("str") == "won") & (dataset.deals["amount"] > 0), "amount"]
    matured = held.labels.matured[:, -1]
    return Policy.choose(
        stage,
        best[np.unique(lead)],
        max((int(as_of.max()) - int(as_of.min())) / WEEK, 1.0) if len(rows) else 1.0,
        base_rate=float(held.labels.reached[matured, -1].mean()),
        capacity_per_week=config.sales.capacity_per_week if prepared.dated else None,
        cost_per_contact=config.sales.cost_per_contact,
        deal_value=float(won.mean()) if len(won) else None,
        currency=config.sales.currency,
    )


def _next_difference(prepared: Prepared, held: Held, a: Floats, b: Floats, among: Flags | None = None) -> Difference:
    """Log loss of `a` minus `b` (n, targets) on each held-out landmark's own next lead stage."""
    stage = prepared.looks.stage[held.rows]
    matured = held.labels.matured[np.arange(len(stage)), stage]
    use = np.flatnonzero(matured if among is None else matured & among)
    at = stage[use]
    account = prepared.account[held.rows[use]]
    return compare(held.labels.reached[use, at], a[use, at], b[use, at], account)


def _log(
    config: Config,
    dataset: Dataset,
    report: DataReport,
    prepared: Prepared,
    held: Held,
    model: FunnelModel,
    against_rules: Difference,
) -> tuple[str, str, Verdict]:
    description = f"Ripeline training of {config.name}: {' → '.join(prepared.funnel.stages)}"
    with tracking.training_run(config.name, description, {"ripeline.source": dataset.source}) as run_id:
        model = replace(model, version=run_id[:12])
        finals = np.flatnonzero(held.labels.matured[:, -1])
        y = held.labels.reached[finals, -1]
        for name, probability in held.probability.items():
            steps = {f"{prepared.funnel.final}.caught": capacity_curve(y, probability[finals, -1])}
            tracking.log_child(run_id, name, _params(name, config, held), flat(held.results[name]), steps)
        with tempfile.TemporaryDirectory() as scratch:
            here = Path(scratch)
            _artefacts(config, report, prepared, held, model, here)
            for file in sorted(here.iterdir()):
                tracking.log_parent({}, {}, {"report" if file.suffix == ".png" else "": file})
            params = {
                "leads": len(prepared.histories),
                "landmarks": len(prepared.looks),
                "features": len(model.names),
                "interactions": len(dataset.interactions),
                "cut": datetime.fromtimestamp(held.cut / 1e6, UTC).isoformat(),
                **{f"horizon.{t}": f"{days:g} days" for t, days in prepared.funnel.horizons.items()},
            }
            covered = {f"{name}.interval_coverage": found.inside for name, found in held.coverage.items()}
            tracking.log_parent(params, flat(held.results["model"]) | covered, {})
            champion = tracking.champion_version(config.name)
            newer = _against_champion(config, dataset, prepared, held, here) if champion else None
            verdict = judge(champion, against_rules, newer)
            version = tracking.register(config.name, save(model, here / "model"))
            if verdict.promote:
                tracking.promote(config.name, version)
    return run_id, version, verdict


def _artefacts(config: Config, report: DataReport, prepared: Prepared, held: Held, model: FunnelModel, here: Path) -> None:
    """What a run carries beside its numbers."""
    final = prepared.funnel.final
    rows = np.flatnonzero(held.labels.matured[:, -1])
    y, account = held.labels.reached[rows, -1], prepared.account[held.rows[rows]]
    shown = {name: p[rows, -1] for name, p in held.probability.items() if name in ("model", "rules")}
    plot_reliability(y, shown, account, f"Do probabilities of {final} come true?", here / "reliability.png")
    plot_capacity(y, shown, f"Later {final}s caught at each capacity", here / "capacity.png")
    held.segments.to_csv(here / "calibration_by_segment.csv", index=False)
    texts = {
        "data_report.txt": "\n".join([*report.lines(), *model.notes]) + "\n",
        "config.json": config.model_dump_json(indent=1),
        "audit.json": json.dumps(prepared.audit.to_dict(), indent=1),
        "audit.md": prepared.audit.markdown(),
    }
    for name, text in texts.items():
        (here / name).write_text(text, encoding="utf-8")


def _params(name: str, config: Config, held: Held) -> dict[str, object]:
    if name == "model":
        return {f"{t.target}.{key}": value for t in held.fit.transitions for key, value in t.log.items()}
    if name == "rules":
        return {"rules": str(config.rules or "default")}
    return {"learner": name}


def _against_champion(config: Config, dataset: Dataset, prepared: Prepared, held: Held, scratch: Path) -> Difference | None:
    """Challenger (as fitted at the cut) against champion, on held-out leads looked at after all the champion has seen."""
    champion = load_model(tracking.download(config.name, scratch / "champion"))
    if champion.funnel.stages != prepared.funnel.stages:
        return None
    newer = prepared.looks.as_of[held.rows] >= champion.metrics["known_at"]
    if newer.sum() < 100:
        return None
    histories = Histories.of(dataset, champion.feature_set.types, champion.feature_set.mail)
    looks = prepared.looks.take(held.rows)
    seen = split(champion, looked(champion, histories, looks))
    theirs = chain(champion.transitions, seen.x, looks.stage)[1]
    return _next_difference(prepared, held, held.probability["model"], theirs, newer)
