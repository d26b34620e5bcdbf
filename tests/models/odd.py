"""A model made by hand in which every part has the form that real ones seldom take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.calibration.calibrator import Calibrator
from models.calibration.intervals import Interval
from models.model import FunnelModel
from models.rules.odds import RuleOdds
from models.rules.rules import Rules

GRADED = {
    "caps": {"engagement": 60, "fit": 10},
    "grades": {"fit": {"A": 10, "B": 5}, "engagement": {"1": 40, "2": 10}},
    "behaviour": [
        {"interaction": "page_view", "points": 3, "at_most": 20},
        {"interaction": "form_submitted", "points": 20, "times": 2},
        {"interaction": "email_opened", "points": 1, "half_life": 30},
        {"interaction": "email_sent", "points": -1, "days": 30},
    ],
    "fit": [{"attribute": "lead.source", "points": 7, "equals": "webinar"}],
}


def odd(model: FunnelModel) -> FunnelModel:
    """Every way to calibrate, bands of several centres, rules with grades and caps, odds of rules that are not all known."""
    knots = tuple(np.linspace(-6, 2, 9).tolist())
    levels = tuple(np.linspace(0.001, 0.9, 9).tolist())
    ways = (
        Calibrator("isotonic", knots=knots, values=levels),
        Calibrator("beta", slope=0.8, slope_low=1.2, shift=-0.3),
        Calibrator("platt", slope=0.7, shift=0.1),
    )
    bands = (Interval((-3.0, -1.0, 0.5), (0.4, 0.2, 0.6)), Interval(), Interval((-2.0, -1.5), (0.3, 0.5)))
    transitions = tuple(
        replace(t, calibrator=way, interval=band) for t, way, band in zip(model.transitions, ways, bands, strict=True)
    )
    odds = RuleOdds({(0, 0): ways[0], (0, 1): ways[1], (1, 1): ways[2], (2, 2): ways[0]})
    return replace(model, transitions=transitions, rules=Rules.from_dict(GRADED), rule_odds=odds)
