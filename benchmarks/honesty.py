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
from models.learners.linear import linear_learner
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
    own = prepared.looks.stage == target
    known = own & labels.matured[:, target]
    if known.sum() < 300:
        return None
    horizon = int(prepared.funnel.horizons[prepared.funnel.targets[target]] * DAY)
    moments = np.quantile(as_of[known], np.linspace(0.3, 0.9, 25)).astype(np.int64)
    shares = np.array([(as_of[known & (as_of < m)] > m - horizon).mean() for m in moments])
    best = int(np.argmin(np.abs(shares - share)))
    early, late = separate_accounts(own & (as_of < moments[best]), known & (as_of >= moments[best]), prepared.account)
    rows = np.flatnonzero(late)
    return Cut(prepared, target, int(moments[best]), early, rows, labels.reached[rows, target], float(shares[best]))


def rivals(cut: Cut) -> dict[str, float]:
    """Log loss on later rows by each way of treating unripe landmarks; settings are the same for all."""
    p, target = cut.prepared, cut.target
    known, final = p.labels(cut.moment), p.labels(p.extracted_at)
    rows, examples = p.usable(target, known, cut.early), p.examples(target, known, cut.early)
    if min(int(examples.y.sum()), int((~examples.y).sum())) < 40:
        return {}
    fitted = fit_transition("x", examples, SEARCH, 7)
    seen = OutOfFold(rows[fitted.validation_rows], fitted.margin)
    late = censored_landmarks(p.looks, p.deadline, target, cut.moment, cut.early)
    now = CensoredState.from_landmarks(p.path, p.looks.take(late), target, cut.moment)
    first = fitted.transition
    margin = first.calibrator.margin(first.margin(p.x(late)))
    pace = ConversionSpeed.learn(p, target, seen.rows, known.reached[seen.rows, target], seen.margin)
    yes, no = censoring_weights(now, margin, pace, newest_shift(now, margin, pace))
    ones, truth = np.ones(len(late)), final.reached[late, target].astype(float)

    def added(as_yes: Floats, as_no: Floats) -> Examples:
        return with_censored(examples, CensoredExamples(p.x(late), as_yes, as_no, p.looks.as_of[late], p.account[late]))

    x = p.x(cut.late)
    found = {
        "matured": first.probability(x),
        "ipcw": relearn(fitted, ipcw(cut, examples, rows, late, now)).probability(x),
        "hazard": hazard(cut, fitted, rows, late).clip(1e-6, 1 - 1e-6),
        "naive": relearn(fitted, added(now.reached.astype(float), np.subtract(1.0, now.reached))).probability(x),
        "evidence": relearn(fitted, added(yes, no)).probability(x),
        "oracle": relearn(fitted, added(truth, np.subtract(ones, truth))).probability(x),
    }
    return {name: log_loss(cut.y, said) for name, said in found.items()}


def _taken(cut: Cut, rows: Rows) -> Floats:
    """Days until the target was reached, endless where it was not."""
    p = cut.prepared
    reached = p.path.reached[p.looks.lead[rows], cut.target + 1].astype(np.float64)
    days = (reached - p.looks.as_of[rows]) / DAY
    return np.where(reached <= cut.moment, days, np.inf)


def ipcw(cut: Cut, examples: Examples, rows: Rows, late: Rows, now: CensoredState) -> Examples:
    """Weights 1 / P(not censored before the event or the horizon), by when the landmarks were looked at (Robins 1993)."""
    p = cut.prepared
    horizon = p.funnel.horizons[p.funnel.targets[cut.target]]
    follow = np.sort((cut.moment - p.looks.as_of[cut.early]) / DAY)
    hit = np.flatnonzero(now.reached)
    every = np.append(rows, late[hit])
    until = np.minimum(_taken(cut, every), horizon)
    weight = 1 / np.maximum(1 - np.searchsorted(follow, until) / len(follow), 0.02)
    both = with_censored(
        examples,
        CensoredExamples(p.x(late[hit]), np.ones(len(hit)), np.zeros(len(hit)), p.looks.as_of[late[hit]], p.account[late[hit]]),
    )
    return replace(both, weight=weight / weight.mean())


def hazard(cut: Cut, fitted: Fitted, rows: Rows, late: Rows) -> Floats:
    """Discrete-time hazards over `PERIODS` of the horizon (Singer and Willett 1993): each landmark gives a row for each period
    it was at risk in, with the period as a column; linear and LightGBM learners, averaged in log-odds."""
    p = cut.prepared
    every = np.append(rows, late)
    horizon = p.funnel.horizons[p.funnel.targets[cut.target]]
    left = p.path.exited_at[p.looks.lead[every]].astype(np.float64)
    gone = np.where(left <= cut.moment, (left - p.looks.as_of[every]) / DAY, np.inf)
    until = np.minimum(np.minimum(_taken(cut, every), gone), (cut.moment - p.looks.as_of[every]) / DAY)
    parts = []
    for period in range(PERIODS):
        begin, end = period * horizon / PERIODS, (period + 1) * horizon / PERIODS
        at_risk = np.flatnonzero((until > begin) & ((until >= end) | (_taken(cut, every) <= end) | (gone <= end)))
        event = (_taken(cut, every)[at_risk] <= end) & (_taken(cut, every)[at_risk] <= gone[at_risk])
        x = p.x(every[at_risk])
        parts.append((np.column_stack((x, np.full(len(x), period, x.dtype))), event, every[at_risk]))
    x, y = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    lead = np.concatenate([part[2] for part in parts])
    as_of = p.looks.as_of[lead]
    train = Examples(x, y, np.ones(len(y)), as_of, p.account[lead], as_of)
    linear = linear_learner(train, fitted.settings.strength)
    trees = max(fitted.settings.trees, 1)
    gbm = gbm_learner(BinnedExamples(train), fitted.settings.params, trees=trees)
    later = p.x(cut.late)
    survived = np.ones(len(later))
    for period in range(PERIODS):
        z = np.column_stack((later, np.full(len(later), period, later.dtype)))
        survived *= 1 - sigmoid(0.5 * linear.margin(z) + 0.5 * gbm.margin(z))
    return 1 - survived


def subsets(cut: Cut, count: int, draw: int) -> npt.NDArray[np.bool_] | None:
    """The earlier landmarks of accounts drawn until `count` landmarks of them converted; None if there are too few."""
    p = cut.prepared
    labels = p.labels(cut.moment)
    mine = cut.early & labels.matured[:, cut.target]
    yes = np.zeros(int(p.account.max()) + 1, np.int64)
    np.add.at(yes, p.account[mine], labels.reached[mine, cut.target])
    accounts = np.random.default_rng(draw).permutation(np.unique(p.account[mine]))
    total = np.cumsum(yes[accounts])
    if total[-1] < count:
        return None
    most = int(np.searchsorted(total, count, side="right")) if count == 0 else int(np.searchsorted(total, count)) + 1
    chosen = np.zeros(len(yes), bool)
    chosen[accounts[: max(most, 8)]] = True
    if count == 0:
        chosen &= yes == 0
    return cut.early & chosen[p.account]


def little(cut: Cut) -> Iterator[tuple[int, float, float, float]]:
    """(conversions, model, rules, base rate): log loss on later rows, the mean of `DRAWS` draws of accounts."""
    p, target = cut.prepared, cut.target
    known = p.labels(cut.moment)
    x, points = p.x(cut.late), p.points.points
    for count in COUNTS:
        losses = []
        for draw in range(DRAWS):
            among = subsets(cut, count, draw)
            if among is None:
                return
            examples, rows = p.examples(target, known, among), p.usable(target, known, among)
            fitted = fit_transition("x", examples, Search(trials=2, minutes=0.05), draw)
            odds, _ = points_calibrator(points[rows], examples.y, examples.as_of, examples.known_at, examples.account)
            rate = np.full(len(cut.y), (examples.y.sum() + 0.5) / (len(examples) + 1))
            said = (fitted.transition.probability(x), odds.probability(points[cut.late] / SCALE), rate)
            losses.append([log_loss(cut.y, p_) for p_ in said])
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
    given = parser.parse_args()
    censoring, curves = [], {}
    for name, prepared in tasks(given.data.resolve(), given.leads):
        for target, stage in enumerate(prepared.funnel.targets):
            cut = cut_at(prepared, target) if prepared.dated else None
            losses = rivals(cut) if cut else {}
            if cut and losses:
                censoring.append((f"{name}, {stage}", cut, losses))
                print(name, stage, {k: round(v, 4) for k, v in losses.items()}, flush=True)
        first = 1 if name in ("simulator", "bpic2012") else 0
        cut = cut_at(prepared, first, 0.0 if not prepared.dated else SHARE)
        if cut:
            curves[f"{name}, {prepared.funnel.targets[first]}"] = list(little(cut))
    _write(censoring, curves)


def _write(
    censoring: list[tuple[str, Cut, dict[str, float]]], curves: dict[str, list[tuple[int, float, float, float]]]
) -> None:
    shown = Table("transition", "unripe", "later rows", *RIVALS, title="Log loss on later leads")
    lines = []
    for name, cut, losses in censoring:
        best = min(losses[r] for r in RIVALS if r != "oracle")
        cells = [f"**{losses[r]:.4f}**" if losses[r] == best else f"{losses[r]:.4f}" for r in RIVALS]
        row = [name, f"{cut.share:.0%}", f"{len(cut.late):,}", *cells]
        shown.add_row(*(c.replace("**", "") for c in row))
        lines.append("| " + " | ".join(row) + " |")
    Console(width=130).print(shown)
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
