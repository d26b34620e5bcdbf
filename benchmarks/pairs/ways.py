"""Ways of learning a transition, to be judged on all pairs: the present one first. An idea is one more function."""

from __future__ import annotations

import numpy as np

from benchmarks.pairs.cases import Case
from models.calibration.chain import Conditional
from training.common.config import Search
from training.evaluation.holdout import sides
from training.fit.funnel_fit import fit_funnel
from training.fit.transition_fit import fit_transition

SEARCH = Search()
SEED = 7
SHARE = 0.2  # of the landmarks after the cut: the default


def present(case: Case) -> Conditional:
    """As a training does it: trees' hyperparameters found at its cut, all else chosen anew on all that is known; without what
    unripe landmarks add."""
    early = case.train.select(case.early.nonzero()[0])
    boosters = fit_transition(case.name, early, SEARCH, SEED).settings.boosters if len(early) else None
    return fit_transition(case.name, case.train, SEARCH, SEED, params=boosters.params if boosters else None).transition


def whole(case: Case) -> Conditional:
    """As a training does it, with unripe landmarks; needs `--whole`."""
    prepared = case.prepared
    if prepared is None:
        raise ValueError("`whole` needs all landmarks before the origin: add --whole")
    cut, early, _ = sides(prepared, SHARE)
    settings = fit_funnel(prepared, cut, early, SEARCH, SEED).settings
    every = np.ones(len(prepared.looks), bool)
    return fit_funnel(prepared, prepared.extracted_at, every, SEARCH, SEED, earlier=settings).transitions[case.target]


def anew(case: Case) -> Conditional:
    """Everything chosen anew on all that is known."""
    return fit_transition(case.name, case.train, SEARCH, SEED).transition
