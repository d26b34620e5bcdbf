"""Score leads of a dataset in batch, with the same code as a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pandas as pd

from features.build import attribute, build
from features.clock import DAY, moment
from features.dataset import Dataset
from features.histories import Histories
from features.landmarks import Landmarks, Path, open_leads
from models.model import FunnelModel
from models.reasons import Explainer
from models.recommend import Action, Previous
from models.scoring import Looked, Scores, score

CHUNK = 5_000  # leads scored at once
REASONS = 3


def looked(model: FunnelModel, histories: Histories, looks: Landmarks) -> Looked:
    """What `models.scoring.score` needs for these looks."""
    rows = build(model.plan, model.feature_set.encoders, histories, looks)
    age = (looks.as_of - histories.people.created[looks.lead]) / DAY
    in_stage = (looks.as_of - looks.entered) / DAY
    return Looked(rows, looks.stage, age, in_stage, lambda entity, column: attribute(histories, looks, entity, column))


def score_open(
    model: FunnelModel,
    dataset: Dataset,
    as_of: pd.Timestamp,
    progress: Callable[[int, int], None] | None = None,
    previous: Mapping[str, tuple[Action, pd.Timestamp]] | None = None,
) -> pd.DataFrame:
    """One row per lead that is open at `as_of` and has not opted out → its scores, ranked by P(final lead stage).

    Columns: lead_id, lead_stage, score, grade, p_<target>, low_<target>, high_<target>, p_<target>_<days>d by so many days,
    expected_days_<target> where it converts, points, rules_grade, rules_<target>, expected_value, low_value, high_value,
    expected_amount, low_amount, high_amount (empty without deals), status (scored, uncertain), action,
    recommended_lead_stage, why, next_steps, reasons, as_of. `previous`: lead_id → what was recommended before, and when, so
    that noise alone changes nothing.
    """
    histories = Histories.of(dataset, model.feature_set.types, model.feature_set.mail)
    path = Path.of(histories.leads, dataset.lead_stages, model.funnel)
    looks = open_leads(path, moment(as_of))
    opted_out = histories.leads["opted_out"].fillna(False).to_numpy(bool)
    looks = looks.take(np.flatnonzero(~opted_out[looks.lead]))
    parts = []
    explainer = Explainer.of(model)
    for begin, chunk in _chunks(looks, histories):
        what = looked(model, histories, chunk)
        before = _previous(histories, chunk, previous or {}, as_of)
        parts.append(_rows(model, histories, chunk, what, score(model, what, previous=before), explainer))
        if progress:
            progress(begin + len(chunk), len(looks))
    found = pd.concat(parts, ignore_index=True) if parts else nobody(model)
    found["as_of"] = as_of.isoformat()
    return found.sort_values([f"p_{model.funnel.final}", "lead_id"], ascending=[False, True], ignore_index=True)


def _previous(
    histories: Histories, looks: Landmarks, known: Mapping[str, tuple[Action, pd.Timestamp]], as_of: pd.Timestamp
) -> list[Previous | None]:
    ids = histories.leads["lead_id"].to_numpy(object)[looks.lead]
    told = [known.get(str(name)) for name in ids]
    return [Previous(one[0], (as_of - one[1]) / pd.Timedelta(days=1)) if one else None for one in told]


def _chunks(looks: Landmarks, histories: Histories) -> Iterator[tuple[int, Landmarks]]:
    for begin in range(0, len(looks), CHUNK):
        yield begin, looks.take(np.arange(begin, min(begin + CHUNK, len(looks))))


def nobody(model: FunnelModel) -> pd.DataFrame:
    """Scores where no lead is open."""
    return pd.DataFrame({"lead_id": pd.Series(dtype="str"), f"p_{model.funnel.final}": pd.Series(dtype="float64")})


def _rows(
    model: FunnelModel, histories: Histories, looks: Landmarks, what: Looked, scores: Scores, explainer: Explainer
) -> pd.DataFrame:
    columns: dict[str, object] = {
        "lead_id": histories.leads["lead_id"].to_numpy(object)[looks.lead],
        "lead_stage": [model.funnel.stages[s] for s in looks.stage],
        "score": scores.score,
        "grade": scores.grade,
    }
    for i, target in enumerate(model.funnel.targets):
        columns[f"p_{target}"] = scores.probability[:, i]
        columns[f"low_{target}"] = scores.low[:, i]
        columns[f"high_{target}"] = scores.high[:, i]
        if scores.curves:
            for day, chance in zip(scores.curves.days[i][:-1], scores.curves.chance[i].T, strict=False):
                columns[f"p_{target}_{day:g}d"] = chance
            columns[f"expected_days_{target}"] = scores.curves.expected[:, i]
    columns["points"] = scores.points.points
    columns["rules_grade"] = scores.points.grade or [None] * len(looks)
    for i, target in enumerate(model.funnel.targets):
        columns[f"rules_{target}"] = scores.rule_probability[:, i]
    columns |= _value(scores)
    columns["status"] = ["uncertain" if a.uncertain else "scored" for a in scores.advice]
    columns["action"] = [a.action for a in scores.advice]
    columns["recommended_lead_stage"] = [a.lead_stage for a in scores.advice]
    columns["why"] = [a.why for a in scores.advice]
    columns["next_steps"] = ["; ".join(step.type for step in steps) for steps in scores.steps]
    columns["reasons"] = [
        "; ".join(f"{r.label}{'' if r.value is None else f' = {r.value:g}'} ({r.effect:+.2f})" for r in lead.reasons)
        for lead in explainer.explain(
            scores.contributions, scores.x, looks.stage.tolist(), scores.next_conditional, REASONS, "en"
        )
    ]
    return pd.DataFrame(columns)


def _value(scores: Scores) -> dict[str, object]:
    """What the leads are worth and what their deals would bring, with their intervals."""
    found = scores.expected
    nothing = np.full(len(scores.stage), np.nan)
    return {
        "expected_value": found.value if found else nothing,
        "low_value": found.low if found else nothing,
        "high_value": found.high if found else nothing,
        "expected_amount": found.amounts.mean if found else nothing,
        "low_amount": found.amounts.low if found else nothing,
        "high_amount": found.amounts.high if found else nothing,
    }
