"""Three questions of honesty, answered with numbers: unripe labels, little data, and the coverage of intervals.

`make bench-honesty [DATA=folder]` writes docs/benchmarks/honesty.md and its pictures.

Unripe labels: landmarks in one lead stage are cut so that about 30 % of those before the cut have not matured, and judged on
the later ones. Rivals for the unripe: left out (`matured`), inverse-probability-of-censoring weights (`ipcw`), a person-period
discrete-time hazard (`hazard`), taken as a "no" (`naive`), Ripeline's (`evidence`), and what no one can have: the true later
labels (`oracle`).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.common.clock import DAY
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from models.common.types import Examples, Floats, log_loss, sigmoid
from models.learners.gbm import BinnedExamples, gbm_learner
from models.rules.odds import SCALE, points_calibrator
from models.rules.rules import Rules
from training.common.config import Config, Search
from training.data.load import load
from training.data.prepare import Prepared, prepare
from training.fit.censoring import (
    CensoredExamples,
    CensoredState,
    ConversionSpeed,
    censored_landmarks,
    censoring_weights,
    newest_shift,
    with_censored,
)
from training.fit.funnel_fit import OutOfFold
from training.fit.linear_candidates import fit_mixture
from training.fit.splits import separate_accounts
from training.fit.transition_fit import Fitted, fit_transition, relearn

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks"
RIVALS = ("matured", "ipcw", "hazard", "naive", "evidence", "oracle")
SHARE = 0.3
PERIODS = 6
COUNTS = (0, 2, 5, 10, 20, 35, 50, 100, 200)
DRAWS = 5
SEARCH = Search(trials=4)
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Cut:
    """Landmarks of one transition: matured examples, unripe `rows`, and later rows with their outcome."""

    prepared: Prepared
    target: int
    moment: int
    early: npt.NDArray[np.bool_]
    late: Rows
    y: npt.NDArray[np.bool_]
    share: float


def cut_at(prepared: Prepared, target: int, share: float = SHARE) -> Cut | None:
    """The cut at which `share` of the earlier landmarks of this lead stage are unripe; None where hardly anything is left."""
    labels, as_of = prepared.labels(prepared.extracted_at), prepared.looks.as_of
    in_stage = prepared.looks.stage == target
    matured = in_stage & labels.matured[:, target]
    if matured.sum() < 300:
        return None
    horizon = int(prepared.funnel.horizons[prepared.funnel.targets[target]] * DAY)
    moments = np.quantile(as_of[matured], np.linspace(0.3, 0.9, 25)).astype(np.int64)
    shares = np.array([(as_of[matured & (as_of < m)] > m - horizon).mean() for m in moments])
    nearest = int(np.argmin(np.abs(shares - share)))
    early, late = separate_accounts(
        in_stage & (as_of < moments[nearest]), matured & (as_of >= moments[nearest]), prepared.account
    )
    rows = np.flatnonzero(late)
    return Cut(prepared, target, int(moments[nearest]), early, rows, labels.reached[rows, target], float(shares[nearest]))


def rivals(cut: Cut) -> dict[str, float]:
    """Log loss on later rows by each way of treating unripe landmarks; settings are the same for all."""
    p, target = cut.prepared, cut.target
    labels, final_labels = p.labels(cut.moment), p.labels(p.extracted_at)
    rows, examples = p.usable(target, labels, cut.early), p.examples(target, labels, cut.early)
    if min(int(examples.y.sum()), int((~examples.y).sum())) < 40:
        return {}
    fitted = fit_transition("x", examples, SEARCH, 7)
    out_of_fold = OutOfFold(rows[fitted.validation_rows], fitted.margin)
    unripe = censored_landmarks(p.looks, p.deadline, target, cut.moment, cut.early)
    state = CensoredState.from_landmarks(p.path, p.looks.take(unripe), target, cut.moment)
    transition = fitted.transition
    margin = transition.calibrator.margin(transition.margin(p.x(unripe)))
    speed = ConversionSpeed.learn(p, target, out_of_fold.rows, labels.reached[out_of_fold.rows, target], out_of_fold.margin)
    reached_weight, missed_weight = censoring_weights(state, margin, speed, newest_shift(state, margin, speed))
    ones, truth = np.ones(len(unripe)), final_labels.reached[unripe, target].astype(float)

    def with_unripe(event: Floats, no_event: Floats) -> Examples:
        return with_censored(examples, CensoredExamples(p.x(unripe), event, no_event, p.looks.as_of[unripe], p.account[unripe]))

    x = p.x(cut.late)
    probabilities = {
        "matured": transition.probability(x),
        "ipcw": relearn(fitted, ipcw(cut, examples, rows, unripe, state)).probability(x),
        "hazard": hazard(cut, fitted, rows, unripe).clip(1e-6, 1 - 1e-6),
        "naive": relearn(fitted, with_unripe(state.reached.astype(float), np.subtract(1.0, state.reached))).probability(x),
        "evidence": relearn(fitted, with_unripe(reached_weight, missed_weight)).probability(x),
        "oracle": relearn(fitted, with_unripe(truth, np.subtract(ones, truth))).probability(x),
    }
    return {name: log_loss(cut.y, probability) for name, probability in probabilities.items()}


def _days_to_target(cut: Cut, rows: Rows) -> Floats:
    """Days until the target was reached, endless where it was not."""
    p = cut.prepared
    reached = p.path.reached[p.spell[rows], cut.target + 1].astype(np.float64)
    days = (reached - p.looks.as_of[rows]) / DAY
    return np.where(reached <= cut.moment, days, np.inf)


def ipcw(cut: Cut, examples: Examples, rows: Rows, unripe: Rows, state: CensoredState) -> Examples:
    """Weights 1 / P(not censored before the event or the horizon), by when the landmarks were looked at (Robins 1993)."""
    p = cut.prepared
    horizon = p.funnel.horizons[p.funnel.targets[cut.target]]
    follow_up = np.sort((cut.moment - p.looks.as_of[cut.early]) / DAY)
    converted = np.flatnonzero(state.reached)
    landmarks = np.append(rows, unripe[converted])
    until = np.minimum(_days_to_target(cut, landmarks), horizon)
    weight = 1 / np.maximum(1 - np.searchsorted(follow_up, until) / len(follow_up), 0.02)
    combined = with_censored(
        examples,
        CensoredExamples(
            p.x(unripe[converted]),
            np.ones(len(converted)),
            np.zeros(len(converted)),
            p.looks.as_of[unripe[converted]],
            p.account[unripe[converted]],
        ),
    )
    return replace(combined, weight=weight / weight.mean())


def hazard(cut: Cut, fitted: Fitted, rows: Rows, unripe: Rows) -> Floats:
    """Discrete-time hazards over `PERIODS` of the horizon (Singer and Willett 1993): each landmark gives a row for each period
    it was at risk in, with the period as a column; linear and LightGBM learners, averaged in log-odds."""
    p = cut.prepared
    landmarks = np.append(rows, unripe)
    horizon = p.funnel.horizons[p.funnel.targets[cut.target]]
    exited_at = p.path.exited_at[p.spell[landmarks]].astype(np.float64)
    days_to_exit = np.where(exited_at <= cut.moment, (exited_at - p.looks.as_of[landmarks]) / DAY, np.inf)
    until = np.minimum(np.minimum(_days_to_target(cut, landmarks), days_to_exit), (cut.moment - p.looks.as_of[landmarks]) / DAY)
    person_periods = []
    for period in range(PERIODS):
        begin, end = period * horizon / PERIODS, (period + 1) * horizon / PERIODS
        at_risk = np.flatnonzero(
            (until > begin) & ((until >= end) | (_days_to_target(cut, landmarks) <= end) | (days_to_exit <= end))
        )
        event = (_days_to_target(cut, landmarks)[at_risk] <= end) & (
            _days_to_target(cut, landmarks)[at_risk] <= days_to_exit[at_risk]
        )
        x = p.x(landmarks[at_risk])
        person_periods.append((np.column_stack((x, np.full(len(x), period, x.dtype))), event, landmarks[at_risk]))
    x, y, at_risk_landmarks = (np.concatenate(columns) for columns in zip(*person_periods, strict=True))
    as_of = p.looks.as_of[at_risk_landmarks]
    train = Examples(x, y, np.ones(len(y)), as_of, p.account[at_risk_landmarks], as_of)
    linear, trees = fit_mixture(train, fitted.settings.linear), fitted.settings.trees
    gbm = gbm_learner(BinnedExamples(train), trees.params, trees=trees.count) if trees else linear
    later_x = p.x(cut.late)
    survived = np.ones(len(later_x))
    for period in range(PERIODS):
        x_of_period = np.column_stack((later_x, np.full(len(later_x), period, later_x.dtype)))
        survived *= 1 - sigmoid(0.5 * linear.margin(x_of_period) + 0.5 * gbm.margin(x_of_period))
    return 1 - survived


def subsets(cut: Cut, count: int, draw: int) -> npt.NDArray[np.bool_] | None:
    """The earlier landmarks of accounts drawn until `count` landmarks of them converted; None if there are too few."""
    p = cut.prepared
    labels = p.labels(cut.moment)
    matured = cut.early & labels.matured[:, cut.target]
    conversions = np.zeros(int(p.account.max()) + 1, np.int64)
    np.add.at(conversions, p.account[matured], labels.reached[matured, cut.target])
    accounts = np.random.default_rng(draw).permutation(np.unique(p.account[matured]))
    total = np.cumsum(conversions[accounts])
    if total[-1] < count:
        return None
    accounts_needed = int(np.searchsorted(total, count, side="right")) if count == 0 else int(np.searchsorted(total, count)) + 1
    chosen = np.zeros(len(conversions), bool)
    chosen[accounts[: max(accounts_needed, 8)]] = True
    if count == 0:
        chosen &= conversions == 0
    return cut.early & chosen[p.account]


def little(cut: Cut) -> Iterator[tuple[int, float, float, float]]:
    """(conversions, model, rules, base rate): log loss on later rows, the mean of `DRAWS` draws of accounts."""
    p, target = cut.prepared, cut.target
    labels = p.labels(cut.moment)
    x, points = p.x(cut.late), p.points.points
    for count in COUNTS:
        losses = []
        for draw in range(DRAWS):
            subset = subsets(cut, count, draw)
            if subset is None:
                return
            examples, rows = p.examples(target, labels, subset), p.usable(target, labels, subset)
            fitted = fit_transition("x", examples, Search(trials=2), draw)
            odds, _ = points_calibrator(points[rows], examples.y, examples.as_of, examples.known_at, examples.account)
            rate = np.full(len(cut.y), (examples.y.sum() + 0.5) / (len(examples) + 1))
            probabilities = (fitted.transition.probability(x), odds.probability(points[cut.late] / SCALE), rate)
            losses.append([log_loss(cut.y, probability) for probability in probabilities])
        model, rules, base = np.mean(losses, axis=0)
        yield count, float(model), float(rules), float(base)


def tasks(data: Path, leads: int) -> Iterator[tuple[str, Prepared]]:
    """The simulator (three years, so that the longest horizon matures) and the real data with dates."""
    simulation = simulate(SimulatorSettings(leads=leads, days=1_095))
    config = Config.read(ROOT / "training" / "default.yaml")
    yield "simulator", _prepared(validate(simulation.dataset, simulation.funnel)[0], config, Rules.read())
    for name in ("olist", "bpic2012", "x-education"):
        config = Config.read(ROOT / "benchmarks" / "real" / f"{name}.yaml")
        if not (data / name).is_dir():
            print(f"{name}: skipped, there is no folder {data / name}.")
            continue
        rules = Rules.read(config.path(config.rules)) if config.rules else Rules.read()
        yield name, _prepared(load(config, folder=data / name)[0], config, rules)


def _prepared(dataset: Dataset, config: Config, rules: Rules) -> Prepared:
    return prepare(dataset, config, config.funnel.build(), rules)


def plot_little(curves: dict[str, list[tuple[int, float, float, float]]], path: Path) -> None:
    """Log loss against conversions, one panel per task."""
    figure = Figure(figsize=(4.2 * len(curves), 4), layout="constrained")
    for place, (name, rows) in enumerate(curves.items(), start=1):
        axes = figure.add_subplot(1, len(curves), place)
        counts, model, rules, base = (list(column) for column in zip(*rows, strict=True))
        steps = range(len(counts))
        axes.plot(steps, rules, "o-", color="#e08214", label="rules, calibrated", markersize=4)
        axes.plot(steps, model, "o-", color="#1b7837", label="model", markersize=4)
        axes.plot(steps, base, ":", color="#7f7f7f", label="base rate")
        axes.set(title=name, xlabel="landmarks that converted", ylabel="log loss on later leads" if place == 1 else "")
        axes.set_xticks(list(steps), [str(c) for c in counts])
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with one folder per task")
    parser.add_argument("--leads", type=int, default=5_000, help="simulated leads")
    arguments = parser.parse_args()
    censoring, curves = [], {}
    for name, prepared in tasks(arguments.data.resolve(), arguments.leads):
        for target, stage in enumerate(prepared.funnel.targets):
            cut = cut_at(prepared, target) if prepared.dated else None
            losses = rivals(cut) if cut else {}
            if cut and losses:
                censoring.append((f"{name}, {stage}", cut, losses))
                print(name, stage, {k: round(v, 4) for k, v in losses.items()}, flush=True)
        curve_target = 1 if name in ("simulator", "bpic2012") else 0
        cut = cut_at(prepared, curve_target, 0.0 if not prepared.dated else SHARE)
        if cut:
            curves[f"{name}, {prepared.funnel.targets[curve_target]}"] = list(little(cut))
    _write(censoring, curves)


def _write(
    censoring: list[tuple[str, Cut, dict[str, float]]], curves: dict[str, list[tuple[int, float, float, float]]]
) -> None:
    table = Table("transition", "unripe", "later rows", *RIVALS, title="Log loss on later leads")
    lines = []
    for name, cut, losses in censoring:
        best = min(losses[r] for r in RIVALS if r != "oracle")
        cells = [f"**{losses[r]:.4f}**" if losses[r] == best else f"{losses[r]:.4f}" for r in RIVALS]
        row = [name, f"{cut.share:.0%}", f"{len(cut.late):,}", *cells]
        table.add_row(*(c.replace("**", "") for c in row))
        lines.append("| " + " | ".join(row) + " |")
    Console(width=130).print(table)
    OUT.mkdir(parents=True, exist_ok=True)
    plot_little(curves, OUT / "little_data.png")
    text = [
        "# Unripe labels and little data",
        "",
        f"Written by `make bench-honesty` on {time.strftime('%Y-%m-%d')}.",
        "",
        "## Unripe labels",
        "",
        "Log loss on later leads of other accounts, by how landmarks are treated whose horizon had not passed at the cut. The",
        "settings of the learners are the same for all but `hazard`. `oracle` has the later labels, which nobody has. Bold:",
        "best without them.",
        "",
        "| transition | unripe | later rows | " + " | ".join(RIVALS) + " |",
        "|" + "---|" * (3 + len(RIVALS)),
        *lines,
        "",
        "## Little data",
        "",
        f"Log loss on the same later leads when only so many landmarks that converted are known; the mean of {DRAWS} draws of",
        "accounts. The rules' points are calibrated on the same few leads.",
        "",
        "![Log loss against conversions](little_data.png)",
        "",
        "| transition | conversions | model | rules | base rate |",
        "|---|---|---|---|---|",
        *(f"| {name} | {n} | {m:.4f} | {r:.4f} | {b:.4f} |" for name, rows in curves.items() for n, m, r, b in rows),
        "",
    ]
    (OUT / "honesty.md").write_text("\n".join(text), encoding="utf-8")
    print(f"Written to {OUT / 'honesty.md'}.")


if __name__ == "__main__":
    main()
