"""Pretend today is the cut: fit on what was known then, for other accounts, and look at what came true afterwards."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.errors import DataError
from features.dataset.labels import Labels
from models.calibration.chain import Conditional, chain
from models.calibration.intervals import chain_intervals
from models.common.types import Flags, Floats
from models.decision.value import Value
from training.common.config import Config
from training.common.progress import Steps
from training.data.nothing import nothing_matured
from training.data.prepare import Prepared
from training.evaluation.coverage import Coverage, coverage
from training.evaluation.evaluate import Slice, evaluate_slices, slices
from training.evaluation.gate import Difference, compare
from training.evaluation.segments import by_segment
from training.evaluation.summary import Results
from training.evaluation.value_check import ValueCheck, check_value
from training.fit.baselines import BASELINES, fit_baseline
from training.fit.funnel_fit import Fit, fit_funnel, ticks
from training.fit.rules_fit import fit_rules
from training.fit.splits import cut_for, separate_accounts
from training.fit.value_fit import WonDeals, fit_value, lifetime

LEARNED = "learned"  # the source that was learned, where the rules serve in its place


@dataclass(frozen=True)
class Holdout:
    """The held-out side: what became of it, and every source's probabilities (n, targets) for the landmarks `rows`.

    `train_rows` (landmarks,) are those that could be trained on; `seconds` is what the fit took, `amounts`
    what customers bring, learned as of the cut. `learned_worse`: by how much what was learned is worse than the rules, beyond
    doubt; `fit` and the source "model" are then the rules alone. None where what was learned serves.
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
    train_rows: Flags
    seconds: float
    value: ValueCheck | None
    amounts: Value | None
    learned_worse: Difference | None = None


def hold_out(prepared: Prepared, config: Config, steps: Steps) -> Holdout:
    """Fit as known at the cut, on one side of time and accounts; predict the other. Where the rules are better at that beyond
    doubt, they are the model.

    Raises
    ------
    DataError
        if no landmark has matured.
    """
    cut, train_rows, rows = sides(prepared, config.test_share)
    tick = steps.counter("Fitting as of the cut", ticks(prepared.funnel.targets, config.search.trials))
    began = time.perf_counter()
    fit = fit_funnel(prepared, cut, train_rows, config.search, config.seed, tick=tick)
    seconds = time.perf_counter() - began
    stage, x = prepared.looks.stage[rows], prepared.x(rows)
    sources: dict[str, Floats] = {}
    sources["rules"] = fit.rule_odds.probabilities(prepared.points.points[rows], stage, len(prepared.funnel.targets))
    cut_labels = prepared.labels(cut)
    for name in BASELINES:
        with steps.phase(f"Baseline {name}"):
            fitted: list[Conditional] = [
                fit_baseline(name, prepared.examples(t, cut_labels, train_rows), config.seed)
                for t in range(len(prepared.funnel.targets))
            ]
            sources[name] = chain(fitted, x, stage)[1]
    predicted = chain(fit.transitions, x, stage)
    test_labels = prepared.labels(prepared.extracted_at).take(rows)
    against_rules = next_difference(prepared, rows, test_labels, predicted[1], sources["rules"])
    learned_worse = against_rules if against_rules.verdict == "worse" else None
    if learned_worse:
        sources[LEARNED] = predicted[1]
        with steps.phase("The rules in the model's place"):
            fit = fit_rules(prepared, cut, train_rows, config.search, config.seed)
            predicted = chain(fit.transitions, x, stage)
    held_out = _judged(prepared, config, (cut, train_rows, rows), test_labels, fit, predicted, sources)
    return replace(held_out, seconds=seconds, learned_worse=learned_worse)


def _judged(
    prepared: Prepared,
    config: Config,
    sides_of_cut: tuple[int, Flags, npt.NDArray[np.intp]],
    test_labels: Labels,
    fit: Fit,
    predicted: tuple[Floats, Floats],
    other_sources: Mapping[str, Floats],
) -> Holdout:
    """What a fit says of the held-out rows (`predicted`, as `chain` gives it), beside the other sources."""
    cut, train_rows, rows = sides_of_cut
    as_of, account = prepared.looks.as_of, prepared.account
    stage = prepared.looks.stage[rows]
    conditional, by_model = predicted
    sources = {"model": by_model, **other_sources}
    questions = slices(prepared.funnel, stage, test_labels.matured)
    results = {name: evaluate_slices(questions, test_labels.reached, p, prepared.funnel) for name, p in sources.items()}
    low, high = chain_intervals([t.interval for t in fit.transitions], conditional, by_model)
    coverages = {
        name: group_coverage
        for target, name in enumerate(prepared.funnel.targets)
        if (group_coverage := coverage(by_model, low, high, test_labels, stage, target, as_of[rows], account[rows]))
    }
    per_segment = by_segment(prepared, rows, test_labels, by_model)
    won = WonDeals.from_landmarks(prepared, prepared.deals, train_rows, cut)
    value = fit_value(won, prepared.deals.currency, lifetime(config, prepared.deals), config.seed)
    first_deal_value = replace(value, lifetime=1.0) if value else None
    value_result = (
        check_value(first_deal_value, won, prepared, rows, test_labels, by_model[:, -1], (low[:, -1], high[:, -1]))
        if first_deal_value
        else None
    )
    return Holdout(
        cut,
        rows,
        test_labels,
        questions,
        sources,
        results,
        coverages,
        per_segment,
        fit,
        train_rows,
        0.0,
        value_result,
        value,
    )


def sides(prepared: Prepared, share: float) -> tuple[int, Flags, npt.NDArray[np.intp]]:
    """The cut before the newest `share` of the matured landmarks, those that may be learned from (n,), and the rows to
    judge on.

    Raises
    ------
    DataError
        if no landmark has matured, or those after the cut are all of accounts from before it.
    """
    labels = prepared.labels(prepared.extracted_at)
    final = labels.matured[:, -1]
    if not final.any():
        raise nothing_matured(prepared)
    as_of = prepared.looks.as_of
    cut = cut_for(as_of, final, share)
    later = (as_of >= cut) & labels.matured.any(axis=1)
    train_rows, test_rows = separate_accounts((as_of < cut), later, prepared.account)
    if not test_rows.any():
        raise DataError(
            f"All {int(later.sum()):,} landmarks to judge a model on belong to accounts that are also learned from: there are "
            f"{len(np.unique(prepared.account)):,} accounts for {len(np.unique(prepared.looks.lead)):,} leads.",
            "If `company_id` names groups rather than companies, do not map it; else collect leads of more companies.",
        )
    return cut, train_rows, np.flatnonzero(test_rows)


def next_difference(
    prepared: Prepared, rows: npt.NDArray[np.intp], labels: Labels, a: Floats, b: Floats, subset: Flags | None = None
) -> Difference:
    """Log loss of `a` minus `b` (n, targets) on each landmark's own next lead stage; `rows` (n,): which landmarks."""
    stage = prepared.looks.stage[rows]
    matured = labels.matured[np.arange(len(stage)), stage]
    use = np.flatnonzero(matured if subset is None else matured & subset)
    next_stage = stage[use]
    account = prepared.account[rows[use]]
    return compare(labels.reached[use, next_stage], a[use, next_stage], b[use, next_stage], account)
