"""History week by week: held-out leads that sales did not have yet, seen by the model of the cut, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, WEEK, Moments
from features.dataset.labels import label
from features.dataset.landmarks import Landmarks, open_leads
from models.batch import scoring_input
from models.common.types import Flags, Floats
from models.decision.recommend import Situation
from models.model import FunnelModel
from models.score import Predictions, predict, situations
from training.data.prepare import Prepared
from training.evaluation.holdout import Holdout

MOST_WEEKS = 26  # the newest whose outcome is known

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Weekly:
    """Looks (n,) at leads of held-out accounts, one per lead and week while the lead is before the hand-over.

    `moments` (weeks,) are the moments, `share` (weeks,) the part of all such leads that is here, `week` (n,) the week of each
    look. `situations` (n,) are what the policy sees. `with_sales` and `customer` (n,): the lead stage of the hand-over, the
    final one was reached within its horizon; `revenue` (n,): what the lead brought then, in the deals' currency, 0 without.
    `reached` (n,): when the lead came to sales in fact, in the same spell. `rules_chance` (n,): P(final) as the points and the
    lead stage give it.
    """

    moments: Moments
    share: Floats
    week: Ints
    looks: Landmarks
    predictions: Predictions
    situations: list[Situation]
    with_sales: Flags
    customer: Flags
    revenue: Floats
    reached: Moments
    rules_chance: Floats

    def __len__(self) -> int:
        return len(self.week)


def weekly(prepared: Prepared, holdout: Holdout, model: FunnelModel) -> Weekly | None:
    """Look at the held-out leads every week since the cut whose final horizon has passed; None with fewer than two such weeks.

    `model` is the one fitted as of the cut.
    """
    horizon = int(prepared.funnel.horizons[prepared.funnel.final] * DAY)
    moments = (
        np.arange(holdout.cut, prepared.extracted_at - horizon + 1, WEEK)[-MOST_WEEKS:] if prepared.dated else np.zeros(0, int)
    )
    if len(moments) < 2:
        return None
    holdout_leads = ~np.isin(prepared.histories.account, np.unique(prepared.account[holdout.train_rows]))
    parts, share = [], []
    for moment in moments.tolist():
        open_landmarks = open_leads(prepared.path, moment)
        open_landmarks = open_landmarks.take(np.flatnonzero(open_landmarks.stage < model.sales_from))
        holdout_landmarks = open_landmarks.take(np.flatnonzero(holdout_leads[open_landmarks.lead]))
        parts.append(holdout_landmarks)
        share.append(len(holdout_landmarks) / max(len(open_landmarks), 1))
    looks, week = _joined(parts)
    if not len(looks):
        return None
    inputs = scoring_input(model, prepared.histories, looks)
    lead_predictions = predict(model, inputs)
    labels = label(prepared.path, looks, prepared.funnel, prepared.extracted_at)
    customer = labels.reached[:, -1]
    return Weekly(
        moments=moments.astype(np.int64),
        share=np.array(share),
        week=week,
        looks=looks,
        predictions=lead_predictions,
        situations=situations(model, inputs, lead_predictions),
        with_sales=labels.reached[:, model.sales_from - 1],
        customer=customer,
        revenue=np.where(customer, _worth(prepared, model)[looks.lead], 0.0),
        reached=prepared.path.reached[prepared.path.spells(looks.lead, looks.as_of), model.sales_from],
        rules_chance=model.rule_odds.probabilities(lead_predictions.inputs.points.points, looks.stage, len(model.transitions))[
            :, -1
        ],
    )


def _joined(parts: list[Landmarks]) -> tuple[Landmarks, Ints]:
    """All weeks in one, sorted as landmarks are, and the week of each."""
    looks = Landmarks.concatenate(parts)
    week = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    order = np.lexsort((looks.as_of, looks.lead))
    return looks.take(order), week[order]


def _worth(prepared: Prepared, model: FunnelModel) -> Floats:
    """(leads,) what each lead brings as a customer: its own first deal, the mean where it has none, times the lifetime."""
    if not model.value:
        return np.zeros(len(prepared.histories))
    amount = prepared.deals.of_leads(len(prepared.histories))[0]
    return np.where(np.isnan(amount), float(prepared.deals.amount.mean()), amount) * model.value.lifetime
