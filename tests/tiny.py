"""A model made by hand in a tenth of a second: for tests that need some model, not a good one."""

from __future__ import annotations

import numpy as np

from features.attributes.encoders import AttributeEncoder
from features.catalogue import DataProfile, catalogue
from features.common.clock import DAY
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from models.calibration.calibrator import Calibrator
from models.calibration.intervals import Interval
from models.calibration.reference import Reference
from models.calibration.timing import Timing, Timings
from models.calibration.transition import Transition
from models.common.types import Examples
from models.decision.recommend import Policy
from models.decision.value import Value
from models.learners.gbm import BinnedExamples, gbm_learner
from models.model import FunnelModel
from models.rules.odds import RuleOdds
from models.rules.rules import Rules
from tests.models.learners.worlds import linear_learner

TYPES = ("page_view", "product_video", "form_submitted", "email_sent", "email_opened", "trial_requested")
FUNNEL = Funnel(("lead", "mql", "sql", "customer"), ("disqualified", "lost"), {"mql": 60.0, "sql": 90.0, "customer": 180.0})
ENCODERS = (
    AttributeEncoder("lead", "source", "category", ("ads", "webinar")),
    AttributeEncoder("lead", "job_title", "seniority"),
    AttributeEncoder("lead", "job_title", "function", ("it", "sales")),
    AttributeEncoder("lead", "email_domain", "free_mail"),
    AttributeEncoder("lead", "registered", "date"),
    AttributeEncoder("company", "industry", "category", ("retail", "software")),
    AttributeEncoder("company", "employees", "number", log=True),
    AttributeEncoder("company", "listed", "flag"),
)


def tiny_feature_set() -> FeatureSet:
    """The catalogue over six interaction types, with an attribute of every kind."""
    seen = DataProfile(TYPES, ("product_video",), frozenset(("in", "out")), contents=True, accounts=True)
    return FeatureSet(tuple(catalogue(seen, FUNNEL)), ENCODERS, TYPES)


def tiny_model(seed: int = 0) -> FunnelModel:
    """Learners fitted to noise with a signal in a few columns; everything a real model has, and quick."""
    random = np.random.default_rng(seed)
    features = tiny_feature_set()
    transitions = tuple(_transition(target, random, len(features.names) + 1) for target in FUNNEL.targets)
    final = random.beta(2, 20, 500)
    sums = random.normal(size=(2, 500))
    return FunnelModel(
        name="tiny",
        funnel=FUNNEL,
        feature_set=features,
        transitions=transitions,
        rules=Rules.read(),
        rule_odds=RuleOdds({(0, 0): Calibrator("platt", slope=0.5, shift=-2.0)}),
        timings=tiny_timings(),
        reference=Reference.learn(final, sums[0], sums[1], random.integers(0, 3, 500), 3),
        policy=Policy("sql", {"sql": 0.1}, deal_value=1_000.0, cost_per_contact=25.0),
        value=Value("EUR", 1_000.0, None, 0.2, 0.4, 2.5),
        version="1",
        trained_at="2026-01-01T00:00:00+00:00",
    )


def tiny_timings() -> Timings:
    """Those who convert do so evenly up to the horizon, hot ones sooner."""
    found = {}
    for begin in range(len(FUNNEL.targets)):
        for target in range(begin, len(FUNNEL.targets)):
            horizon = FUNNEL.horizons[FUNNEL.targets[target]]
            found[begin, target] = Timing((0.0, horizon), (0.0, 1.0), (-0.3, 0.1), (0.0, 2.0), (1.0, 1.0))
    return Timings(found)


def _transition(target: str, random: np.random.Generator, columns: int, rows: int = 600) -> Transition:
    x = np.abs(random.normal(size=(rows, columns))).astype(np.float32)
    y = x[:, 0] + x[:, -1] + random.normal(size=rows) > 2
    as_of = np.arange(rows) * DAY
    train = Examples(x, y, np.ones(rows), as_of, np.arange(rows), as_of + 90 * DAY)
    linear = linear_learner(train, 0.01)
    gbm = gbm_learner(BinnedExamples(train), {"num_threads": 1}, trees=5)
    return Transition(
        target, linear, (gbm,), (0.6, 0.4), 0.0, Calibrator("platt", slope=0.9, shift=-0.2), Interval((0.0,), (0.2,))
    )
