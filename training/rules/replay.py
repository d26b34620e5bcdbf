"""Two rule sets on the same history: the same held-out leads, the same day, the same capacity of sales."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.engine.build import attribute, build
from models.common.types import Flags, Floats
from models.rules.rules import Rules
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.capacity import capacity_share, capture_difference
from training.evaluation.evaluate import Slice, capacity_curve, evaluate_slices, slices
from training.evaluation.gate import Difference, compare
from training.evaluation.holdout import sides
from training.evaluation.summary import Results
from training.fit.funnel_fit import fit_rule_odds


@dataclass(frozen=True)
class Replay:
    """One rule set on the held-out landmarks: points and the lead stage they give (n,), and what the points came to mean
    as probabilities (n, targets)."""

    rules: Rules
    points: Floats
    lead_stage: npt.NDArray[np.int64]
    probability: Floats


@dataclass(frozen=True)
class Comparison:
    """Two rule sets, `now` and `new`, on the same held-out leads.

    `loss`: new minus now on the final lead stage. `caught`: share of all later customers that `new` meets minus that of
    `now` when sales takes `capacity` % of the leads, with a 90 % interval over accounts.
    """

    results: Results
    steps: dict[str, dict[int, float]]
    loss: Difference
    caught: Difference
    capacity: float
    moved: dict[str, int]
    leads: int
    notes: tuple[str, ...]


def with_rules(prepared: Prepared, rules: Rules) -> Prepared:
    """The same landmarks with the points of other rules."""
    rules = rules.among(prepared.feature_set.turning_away)
    plan = prepared.feature_set.plan(rules.features)
    rows = build(plan, (), prepared.histories, prepared.looks) if rules.features else np.zeros((0, len(prepared.looks)))
    looks, histories = prepared.looks, prepared.histories
    points = rules.points(rows, lambda entity, column: attribute(histories, looks, entity, column))
    return replace(prepared, rules=rules, points=points)


def compare_rules(prepared: Prepared, new_rules: Rules, config: Config) -> Comparison:
    """`prepared` has the rules as they are; replay both on what was known at the cut of a training, and judge them after it."""
    cut, train_rows, rows = sides(prepared, config.test_share)
    labels = prepared.labels(prepared.extracted_at).take(rows)
    questions = slices(prepared.funnel, prepared.looks.stage[rows], labels.matured)
    replays = {
        "now": _replayed(prepared, cut, train_rows, rows),
        "new": _replayed(with_rules(prepared, new_rules), cut, train_rows, rows),
    }
    results = {name: evaluate_slices(questions, labels.reached, r.probability, prepared.funnel) for name, r in replays.items()}
    final_rows = np.flatnonzero(labels.matured[:, -1])
    y, account = labels.reached[final_rows, -1], prepared.account[rows[final_rows]]
    final = {name: r.probability[final_rows, -1] for name, r in replays.items()}
    capacity = capacity_share(prepared, config)
    ranked = {name: replays[name].points[final_rows] for name in replays}
    return Comparison(
        results=results,
        steps={name: capacity_curve(y, final[name]) for name in replays},
        loss=compare(y, final["new"], final["now"], account),
        caught=capture_difference(y, ranked["new"], ranked["now"], capacity, account),
        capacity=capacity,
        moved=_moved(prepared, replays["now"], replays["new"]),
        leads=len(np.unique(prepared.looks.lead[rows])),
        notes=_notes(questions, y, config, prepared),
    )


def _replayed(prepared: Prepared, cut: int, train_rows: Flags, rows: npt.NDArray[np.intp]) -> Replay:
    odds = fit_rule_odds(prepared, cut, train_rows)
    points, stage = prepared.points.points[rows], prepared.looks.stage[rows]
    edges = [threshold for _, threshold in prepared.rules.thresholds]
    positions = [prepared.funnel.position(name) for name, _ in prepared.rules.thresholds]
    reached = np.array([0, *positions])[np.searchsorted(edges, points, side="right")] if edges else np.zeros(len(rows), int)
    return Replay(
        prepared.rules, points, reached.astype(np.int64), odds.probabilities(points, stage, len(prepared.funnel.targets))
    )


def _moved(prepared: Prepared, current_replay: Replay, new_replay: Replay) -> dict[str, int]:
    """How many held-out landmarks get which lead stage from both: "lead → mql": 12."""
    names = prepared.funnel.stages
    counts: dict[str, int] = {}
    for old_stage, new_stage in zip(current_replay.lead_stage.tolist(), new_replay.lead_stage.tolist(), strict=True):
        if old_stage != new_stage:
            key = f"{names[old_stage]} → {names[new_stage]}"
            counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _notes(questions: list[Slice], y: Flags, config: Config, prepared: Prepared) -> tuple[str, ...]:
    """What limits the judgement."""
    notes = []
    if not y.any():
        notes.append(
            f"Nobody among the held-out leads became {prepared.funnel.final} in time, so customers caught cannot be compared; "
            "look at the earlier lead stages."
        )
    if not any(q.target == prepared.funnel.final for q in questions):
        notes.append(f"Fewer than 30 held-out landmarks have matured for {prepared.funnel.final}.")
    if config.sales.capacity_per_week and capacity_share(prepared, config) >= 100:
        notes.append("Sales can take more leads than come: every lead can be called, and the ranking changes nothing.")
    return tuple(notes)
