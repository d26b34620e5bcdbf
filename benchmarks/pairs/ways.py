"""Ways of learning a transition, to be judged on all pairs: the present one first. An idea is one more function."""

from __future__ import annotations

import numpy as np

from benchmarks.pairs.cases import Case
from models.calibration.chain import Conditional
from training.common.config import Search
from training.evaluation.holdout import sides
from training.fit.funnel_fit import fit_funnel
from training.fit.transition_fit import fit_transition

SEARCH = Search(minutes=60)  # bounded by its trials: a busy machine gives the same
SEED = 7
SHARE = 0.2  # of the landmarks after the cut: the default


def present(case: Case) -> Conditional:
    """As a training does it: settings found at its cut, then all that is known; without what unripe landmarks add."""
    early = case.train.select(case.early.nonzero()[0])
    if not len(early):
        return anew(case)
    settings = fit_transition(case.name, early, SEARCH, SEED).settings
    return fit_transition(case.name, case.train, SEARCH, SEED, known_settings=settings).transition


def whole(case: Case) -> Conditional:
    """As a training does it, with unripe landmarks; needs `--whole`."""
    prepared = case.prepared
    if prepared is None:
        raise ValueError("`whole` needs all landmarks before the origin: add --whole")
    cut, early, _ = sides(prepared, SHARE)
    settings = fit_funnel(prepared, cut, early, SEARCH, SEED).settings
    every = np.ones(len(prepared.looks), bool)
    return fit_funnel(prepared, prepared.extracted_at, every, SEARCH, SEED, known_settings=settings).transitions[case.target]


def anew(case: Case) -> Conditional:
    """Settings found anew on all that is known."""
    return fit_transition(case.name, case.train, SEARCH, SEED).transition
