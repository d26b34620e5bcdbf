"""What all other columns reach together: the measure for one that claims to know more than all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.leakage.strength import Flags, Floats, Ints, auc, entropy_gain, half

RIDGE = 1.0  # regularisation (L2) on columns of unit spread
STEPS, HALVINGS = 8, 6  # of Newton's method; it converges in fewer
FEWEST = 3  # other columns; less is no crowd to be compared with


def joint_strength(odds: Sequence[Floats], y: Flags, account: Ints) -> tuple[float, float] | None:
    """AUC and gain (see `Strength`) of columns' log-odds (n,) each, added up with weights learned on the other half of the
    accounts; None for fewer than `FEWEST` columns."""
    if len(odds) < FEWEST:
        return None
    joint_odds = ridge_odds(odds, y, account)
    return auc(joint_odds, y, account)[0], entropy_gain(joint_odds, y)[0]


def ridge_odds(odds: Sequence[Floats], y: Flags, account: Ints) -> Floats:
    """Out-of-fold log-odds beyond the base rate (n,) by ridge logistic regression (le Cessie and van Houwelingen 1992)."""
    x = np.column_stack((*odds, np.ones(len(y))))
    part = half(account)
    joint_odds = np.zeros(len(y))
    for learn in (part, ~part):
        if y[learn].any() and not y[learn].all():
            base = float(y[learn].mean())
            joint_odds[~learn] = x[~learn] @ _weights(x[learn], y[learn]) - np.log(base / (1 - base))
    return joint_odds


def _weights(x: Floats, y: Flags) -> Floats:
    """Newton's method from the base rate, each step halved until it helps; the intercept, last, is not shrunk."""
    scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    x = x / scale
    weights = np.zeros(x.shape[1])
    weights[-1] = np.log(y.mean() / (1 - y.mean()))
    shrink = np.append(np.full(x.shape[1] - 1, RIDGE), 0.0)
    loss = _loss(x, y, weights, shrink)
    for _ in range(STEPS):
        step = _step(x, y, weights, shrink)
        for _ in range(HALVINGS):
            new_loss = _loss(x, y, weights + step, shrink)
            if new_loss < loss:
                break
            step = step / 2
        else:
            break
        weights, loss = weights + step, new_loss
    return np.asarray(weights / scale)


def _step(x: Floats, y: Flags, weights: Floats, shrink: Floats) -> Floats:
    p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
    # einsum, not @: BLAS wakes its threads for a product this small, which took 50 times as long on a busy machine
    curve = np.einsum("ij,ik->jk", x * (p * (1 - p))[:, None], x) + np.diag(shrink + 1e-9)
    return np.asarray(np.linalg.solve(curve, x.T @ (y - p) - shrink * weights))


def _loss(x: Floats, y: Flags, weights: Floats, shrink: Floats) -> float:
    margin = x @ weights
    return float(np.logaddexp(0, np.where(y, -margin, margin)).sum() + (shrink * weights**2).sum() / 2)
