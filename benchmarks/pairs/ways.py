"""Ways of learning a transition, to be judged on all pairs: the present one first. An idea is one more function; so is an
ablation: what is lost without one of its parts."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import ModuleType
from unittest.mock import patch

import numpy as np

from benchmarks.pairs.cases import Case
from models.calibration import blend
from models.calibration.calibrator import Calibrator
from models.calibration.chain import Conditional
from models.calibration.transition import Transition
from training.common.config import Search
from training.evaluation.holdout import sides
from training.fit import linear_candidates, transition_fit
from training.fit.funnel_fit import fit_funnel
from training.fit.search import DEFAULT_PARAMS
from training.fit.transition_fit import fit_transition

SEARCH = Search()
SEED = 7
TREES = {"num_leaves": 4, **DEFAULT_PARAMS}
SHARE = 0.2  # of the landmarks after the cut: the default


def present(case: Case) -> Conditional:
    """As a training does it: trees' hyperparameters found at its cut, all else chosen anew on all that is known; without what
    unripe landmarks add."""
    early = case.train.select(case.early.nonzero()[0])
    trees = fit_transition(case.name, early, SEARCH, SEED).settings.trees if len(early) else None
    return fit_transition(case.name, case.train, SEARCH, SEED, params=trees.params if trees else None).transition


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


def usual(case: Case) -> Transition:
    """As `anew`, with small trees instead of a search: what ablations are held against."""
    return fit_transition(case.name, case.train, SEARCH, SEED, params=TREES).transition


def one_memory(case: Case) -> Conditional:
    """Without linear learners that fade."""
    return _changed(case, (linear_candidates, "SHARES", (None,)))


def one_strength(case: Case) -> Conditional:
    """One regularisation, of the middle."""
    return _changed(case, (linear_candidates, "STRENGTHS", (0.03,)), (linear_candidates, "CARRIES", (100,)))


def blocks_alike(case: Case) -> Conditional:
    """Later rows of old blocks count as much as those of the newest."""
    return _changed(case, (transition_fit, "NEWER", 1e12))


def any_sum(case: Case) -> Conditional:
    """Weights may add up to more than one."""
    return _changed(case, (blend, "EXCESS_PULL", 0.0))


def hardly_pulled(case: Case) -> Conditional:
    """Weights by the later rows alone."""
    return _changed(case, (blend, "PULL", 1.0))


def linear_alone(case: Case) -> Conditional:
    """Without trees."""
    return _changed(case, (transition_fit, "LINEAR_ONLY", 10**9))


def uncalibrated(case: Case) -> Conditional:
    """The blend as it is."""
    return replace(usual(case), calibrator=Calibrator())


def _changed(case: Case, *constants: tuple[ModuleType, str, object]) -> Conditional:
    """`usual` with other constants."""
    with ExitStack() as stack:
        for module, name, value in constants:
            stack.enter_context(patch.object(module, name, value))
        return usual(case)
