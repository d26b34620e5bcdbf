"""Learn which content steps have gone before progress, from first times in history.

A lead that takes a step is looked at from that moment; it is set against leads in the same lead stage, scored alike, that
had not taken it by then. Both are followed from their own moment for the same horizon, so that nobody is ahead for having
lived longer. What the score does not see can still make the difference: it is an association.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, NO_MOMENT, Moments
from features.common.errors import ConfigError, nearest
from features.engine.index import DIRECTIONS, HistoryIndex
from features.turning_away import TurningAway, turning_away
from models.common.types import Flags, Floats
from models.decision.next_steps import NextSteps, Step
from models.model import FunnelModel
from training.common.config import Config
from training.data.prepare import Prepared

# a type whose name holds one of these is something marketing can offer
OFFERS = (
    "webinar", "whitepaper", "case_study", "ebook", "download", "video", "trial", "demo", "event_attended", "newsletter",
    "course", "calculator", "survey", "podcast", "brochure",
)  # fmt: skip
BANDS = 3
MIN_LEADS = 30  # leads that took the step
LEVEL_90 = 1.645  # one-sided 95 %: the low end of a 90 % interval


@dataclass(frozen=True)
class Stretch:
    """Stretches (n,) of leads' lives in one lead stage, from a landmark to the next one: begin, end, P(next lead stage)."""

    lead: npt.NDArray[np.intp]
    begin: Moments
    end: Moments
    chance: Floats
    progressed: Moments


def next_steps(prepared: Prepared, config: Config, model: FunnelModel) -> NextSteps:
    """Steps for all lead stages before the hand-over, each with at least 30 leads that took it and a gap that is above zero
    beyond doubt.

    Raises
    ------
    ConfigError
        if `nurturing: steps:` names an interaction type that the data do not hold.
    """
    types, index = prepared.feature_set.types, prepared.histories.people.history
    away = prepared.feature_set.turning_away
    offered = _offered(config, types, away)
    opt_outs = tuple(t for t in types if t in away.types and turning_away(t) != "bounce")
    steps: list[Step] = []
    if prepared.dated:
        first_times = {name: _first_time(index, types.index(name)) for name in offered}
        for stage in range(model.sales_from):
            stretch = _stretches(prepared, model, stage)
            horizon = int(prepared.funnel.horizons[prepared.funnel.targets[stage]] * DAY)
            for name in offered:
                steps += _steps(name, prepared.funnel.stages[stage], stretch, first_times[name], horizon, prepared.extracted_at)
    return NextSteps(tuple(steps), opt_outs, _typical_interactions(index, types))


def _offered(config: Config, types: tuple[str, ...], away: TurningAway) -> list[str]:
    named = config.nurturing.steps
    if named is None:
        return [t for t in types if any(offer in t.casefold() for offer in OFFERS) and t not in away.types]
    for name in named:
        if name not in types:
            raise ConfigError(f"nurturing: steps: no interaction type {name!r}: {nearest(name, types)}", "Name one of them.")
    return named


def _first_time(index: HistoryIndex, code: int) -> Moments:
    """(leads,) when each lead did this for the first time; `NO_MOMENT` where it did not."""
    rows = np.flatnonzero(index.kind // 3 == code)
    first_times = np.full(len(index.start) - 1, NO_MOMENT)
    lead = np.searchsorted(index.start, rows, side="right") - 1
    np.minimum.at(first_times, lead, index.time[rows])
    return first_times


def _stretches(prepared: Prepared, model: FunnelModel, stage: int) -> Stretch:
    rows = np.flatnonzero(prepared.looks.stage == stage)
    looks = prepared.looks.take(rows)
    spell = prepared.spell[rows]
    progressed = prepared.path.reached[spell, stage + 1]
    stage_end = np.minimum(progressed, prepared.path.exited_at[spell])
    end = np.minimum(stage_end, prepared.extracted_at)
    same_lead = looks.lead[:-1] == looks.lead[1:]
    end[:-1][same_lead] = np.minimum(end[:-1][same_lead], looks.as_of[1:][same_lead])
    chance = model.transitions[stage].probability(prepared.x(rows))
    return Stretch(looks.lead, looks.as_of, end, chance, progressed)


def _steps(name: str, lead_stage: str, stretch: Stretch, first_times: Moments, horizon: int, known_at: int) -> list[Step]:
    """The step in each band of chances, or over all of them where a band has too few."""
    step_time = first_times[stretch.lead]
    took_step = (step_time >= stretch.begin) & (step_time < stretch.end)
    zero = np.where(took_step, step_time, stretch.begin)
    use = (step_time >= stretch.begin) & (zero + horizon <= known_at)
    progress = (stretch.progressed > zero) & (stretch.progressed <= zero + horizon)
    edges = np.quantile(stretch.chance, np.linspace(0, 1, BANDS + 1)) if len(stretch.chance) else np.zeros(BANDS + 1)
    edges[0], edges[-1] = -np.inf, np.inf
    band = np.clip(np.searchsorted(edges, stretch.chance, side="right") - 1, 0, BANDS - 1)
    steps: list[Step] = []
    short: list[int] = []
    for b in range(BANDS):
        band_rows, reach = use & (band == b), (max(float(edges[b]), 0.0), min(float(edges[b + 1]), 2.0))
        step = _step(name, lead_stage, reach, band_rows & took_step, band_rows & ~took_step, progress, stretch.lead)
        if step:
            steps.append(step)
        else:
            short.append(b)
    overall = _overall(name, lead_stage, use, took_step, progress, band, stretch.lead) if short else None
    if overall:
        steps += [_banded_step(overall, edges, b) for b in short]
    return [step for step in steps if step.gap_low > 0]


def _banded_step(step: Step, edges: Floats, band: int) -> Step:
    return Step(**{**step.__dict__, "low": max(float(edges[band]), 0.0), "high": min(float(edges[band + 1]), 2.0)})


def _step(
    name: str,
    lead_stage: str,
    reach: tuple[float, float],
    took_step: Flags,
    controls: Flags,
    progress: Flags,
    lead: npt.NDArray[np.intp],
) -> Step | None:
    leads, control_count = int(took_step.sum()), len(np.unique(lead[controls]))
    if leads < MIN_LEADS or control_count < MIN_LEADS:
        return None
    rate, control_rate = float(progress[took_step].mean()), float(progress[controls].mean())
    return Step(
        name, lead_stage, *reach, leads, rate, control_count, control_rate, _gap_low(rate, leads, control_rate, control_count)
    )


def _overall(
    name: str,
    lead_stage: str,
    use: Flags,
    took_step: Flags,
    progress: Flags,
    band: npt.NDArray[np.intp],
    lead: npt.NDArray[np.intp],
) -> Step | None:
    """Over all bands; the others count as the bands of those who took the step do (direct standardisation)."""
    leads, controls = int((use & took_step).sum()), use & ~took_step
    control_count = len(np.unique(lead[controls]))
    if leads < MIN_LEADS or control_count < MIN_LEADS:
        return None
    rates = np.array([progress[controls & (band == b)].mean() if (controls & (band == b)).any() else 0.0 for b in range(BANDS)])
    rate, control_rate = (
        float(progress[use & took_step].mean()),
        float(np.average(rates, weights=np.bincount(band[use & took_step], minlength=BANDS))),
    )
    return Step(
        name, lead_stage, 0.0, 2.0, leads, rate, control_count, control_rate, _gap_low(rate, leads, control_rate, control_count)
    )


def _gap_low(rate: float, leads: int, control_rate: float, control_count: int) -> float:
    """Low end of the 90 % interval of a difference of shares, one success and one failure added to each side (Agresti and
    Caffo 2000, doi:10.1080/00031305.2000.10474560)."""
    a, b = (rate * leads + 1) / (leads + 2), (control_rate * control_count + 1) / (control_count + 2)
    return a - b - LEVEL_90 * float(np.sqrt(a * (1 - a) / (leads + 2) + b * (1 - b) / (control_count + 2)))


def _typical_interactions(index: HistoryIndex, types: tuple[str, ...]) -> dict[str, tuple[str | None, float | None]]:
    """The direction that most interactions of a type have, and its median value where it has any."""
    names = {code: name for name, code in DIRECTIONS.items()}
    typical: dict[str, tuple[str | None, float | None]] = {}
    counts = np.bincount(index.kind, minlength=3 * (len(types) + 2)).reshape(-1, 3)
    order = np.argsort(index.kind // 3, kind="stable")
    ends = np.cumsum(counts.sum(axis=1))
    for code, name in enumerate(types):
        value = index.value[order[ends[code] - counts[code].sum() : ends[code]]]
        nonzero_values = value[value != 0]
        typical[name] = (
            names.get(int(counts[code].argmax())),
            float(np.median(nonzero_values)) / 1000 if len(nonzero_values) else None,
        )
    return typical
