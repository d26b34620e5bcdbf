"""The linear learners that later rows choose among: every regularisation with every memory. Their mixture is one again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.common.types import Examples, Floats, margin_loss
from models.learners.linear import STRENGTHS, Linear, linear_paths, mixture
from training.fit.memory import SHARES, half_life, half_life_of_points, remembered, with_decay

CARRIES = (3, 30, 100, 300)  # accounts with the rarer outcome from which a regularisation of `STRENGTHS` is half believed in
LEAST_SHARE = 0.01  # of the mixture; a candidate with less is left out

Side = tuple[Examples, Examples]


@dataclass(frozen=True)
class Candidate:
    """A linear learner's hyperparameters: inverse regularisation, half-life of rows (microseconds; None: all count alike), and
    its share: how far it is believed in before any later row, or in a mixture what it adds."""

    strength: float
    half_life: float | None
    share: float


def candidates(examples: Examples, rarer: int) -> list[Candidate]:
    """All of them; shares sum to 1. `rarer` accounts have an outcome of the rarer kind.

    A weaker regularisation has more to learn, a shorter memory less to learn it from: the share is e / (e + c), with e the
    outcomes that the memory keeps and c those that the regularisation asks for.
    """
    shares = SHARES if half_life(examples, 1.0) else (None,)  # rows of one moment do not fade
    every = [
        Candidate(strength, half_life(examples, share), remembered(rarer, share) / (remembered(rarer, share) + carries))
        for share in shares
        for strength, carries in zip(STRENGTHS, CARRIES, strict=True)
    ]
    return shared_out(every, np.array([c.share for c in every]))


def points_alone(examples: Examples) -> list[Candidate]:
    """Where outcomes are too few to choose by: the strongest regularisation, which keeps close to the rules."""
    return [Candidate(STRENGTHS[0], half_life_of_points(examples), 1.0)]


def shared_out(chosen: Sequence[Candidate], weights: Floats) -> list[Candidate]:
    """The candidates with shares that sum to 1 in the proportion of `weights`; with no weight at all, alike."""
    weights = weights if weights.sum() > 0 else np.ones(len(weights))
    shares = np.where(weights < LEAST_SHARE * weights.sum(), 0.0, weights)
    return [
        Candidate(c.strength, c.half_life, float(share / shares.sum()))
        for c, share in zip(chosen, shares, strict=True)
        if share
    ]


def fit_candidates(train: Examples, chosen: Sequence[Candidate]) -> list[Linear]:
    """The learners, in the order of the candidates."""
    strengths: dict[float | None, list[float]] = {}
    for candidate in sorted(chosen, key=lambda c: c.strength):
        strengths.setdefault(candidate.half_life, []).append(candidate.strength)
    paths = linear_paths(train, [(with_decay(train, memory).weight, each) for memory, each in strengths.items()])
    fitted = dict(zip(strengths, paths, strict=True))
    return [fitted[c.half_life][strengths[c.half_life].index(c.strength)] for c in chosen]


def fit_mixture(train: Examples, chosen: Sequence[Candidate]) -> Linear:
    """The candidates as one learner, each with its share."""
    return mixture(fit_candidates(train, chosen), [c.share for c in chosen])


def later_margins(sides: Sequence[Side], chosen: Sequence[Candidate]) -> Floats:
    """Log-odds (rows, candidates) for the later rows of all sides, one after the other, by learners of its earlier rows."""
    return np.concatenate(
        [np.column_stack([f.margin(later.x) for f in fit_candidates(train, chosen)]) for train, later in sides]
    )


def loss_of_prior(margins: Floats, chosen: Sequence[Candidate], later: Sequence[Examples]) -> float:
    """Mean log loss on later rows of the candidates as they are believed in beforehand, from their log-odds `margins` (rows,
    candidates)."""
    y, weight = (np.concatenate([getattr(rows, name) for rows in later]) for name in ("y", "weight"))
    return margin_loss(y, margins @ np.array([c.share for c in chosen]), weight)
