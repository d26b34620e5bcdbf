"""L2-penalised logistic regression on top of given log-odds, within bounds: projected Newton steps.

A Newton step costs one product of the columns with each other and then holds for many: the second derivatives of neighbouring
strengths, and of the next steps, are close to it. A quasi-Newton method needs ten times as many looks at all rows where columns
hang together, and stops at another place for each place it began.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.common.types import Flags, Floats, Matrix, sigmoid

TOLERANCE = 1e-5  # of the mean slope per row, in log-odds
MOST_STEPS = 60
STALE = 0.2  # a step that leaves more of the slope than this asks for new second derivatives
LEAST_STEP = 1e-3  # of a Newton step; a shorter one gains nothing more
BATCH = 8_192  # rows multiplied at once
SAMPLE = 20_000  # rows that second derivatives are taken from at the most: a step need not be exact, the slope that ends it is

Bounds = tuple[Floats, Floats]
Evaluation = tuple[float, Floats, Floats]


class Penalised:
    """Rows `z` (n, columns) with outcomes, weights and log-odds `start` (n,) to add to; solved for one strength after another.

    The penalty is half the sum of squares of the coefficients and the constant; the losses count `strength` times.
    `bounds` are the lowest and the highest coefficients (columns,).
    """

    def __init__(self, z: Matrix, y: Flags, weight: Floats, start: Floats, bounds: Bounds | None = None) -> None:
        self.z, self.y, self.weight, self.start = z, y, weight, start
        low, high = bounds or (np.full(z.shape[1], -np.inf), np.full(z.shape[1], np.inf))
        self.low, self.high = np.append(low, -np.inf), np.append(high, np.inf)
        self._curvature: Floats | None = None

    def solve(self, strength: float, initial: Floats) -> Floats:
        """Coefficients (columns,) and a constant, from `initial` on.

        With outcomes of one kind alone it is `initial`: the constant would run away, and the start already says what so many
        rows of one kind mean.
        """
        if self.y.all() or not self.y.any():
            return initial
        tolerance = TOLERANCE * strength * float(self.weight.sum())
        v = np.clip(initial, self.low, self.high)
        value, gradient, row_curvature = self._evaluate(v, strength)
        for _ in range(MOST_STEPS):
            free = ~(((v <= self.low) & (gradient > 0)) | ((v >= self.high) & (gradient < 0)))
            slope = float(np.abs(gradient[free]).max(initial=0.0))
            if slope <= tolerance:
                break
            fresh = self._curvature is None
            if self._curvature is None:
                self._curvature = self._second_derivatives(row_curvature)
            step = _newton_step(self._curvature, strength, gradient, free)
            lower = self._line_search(v, step, value, strength)
            if lower is None and fresh:
                break  # as low as numbers of this precision tell
            if lower is not None:
                v, (value, gradient, row_curvature) = lower
            if lower is None or float(np.abs(gradient[free]).max(initial=0.0)) > STALE * slope:
                self._curvature = None
        return v

    def _line_search(self, v: Floats, step: Floats, value: float, strength: float) -> tuple[Floats, Evaluation] | None:
        """A point along the step where the loss is no higher than `value`, halving the step where it is too long; None if there
        is none."""
        length = 1.0
        while length >= LEAST_STEP:
            point = np.clip(v + length * step, self.low, self.high)
            evaluation = self._evaluate(point, strength)
            if evaluation[0] <= value:
                return point, evaluation
            length /= 2
        return None

    def _evaluate(self, v: Floats, strength: float) -> Evaluation:
        """The penalised loss, its slope (columns + 1,), and how much each row's slope changes with its log-odds (n,)."""
        margin = self.start + self.z @ v[:-1].astype(self.z.dtype) + v[-1]
        p = sigmoid(margin)
        losses = np.logaddexp(0.0, np.where(self.y, -margin, margin))
        residual = strength * self.weight * (p - self.y)
        value = strength * float(self.weight @ losses) + 0.5 * float(v @ v)
        gradient = np.append(residual.astype(self.z.dtype) @ self.z, residual.sum()) + v
        return value, gradient, self.weight * p * (1 - p)

    def _second_derivatives(self, row_curvature: Floats) -> Floats:
        """Of the losses by coefficients and constant: (columns + 1, columns + 1)."""
        width, stride = self.z.shape[1], -(-len(self.z) // SAMPLE)
        z, row_curvature = (self.z[::stride], row_curvature[::stride]) if stride > 1 else (self.z, row_curvature)
        total = np.zeros((width + 1, width + 1))
        for begin in range(0, len(z), BATCH):
            rows, d = z[begin : begin + BATCH], row_curvature[begin : begin + BATCH].astype(z.dtype)
            weighted = rows * d[:, None]
            total[:width, :width] += weighted.T @ rows
            total[width, :width] += weighted.sum(axis=0)
            total[width, width] += d.sum()
        total[:width, width] = total[width, :width]
        return total * (len(self.z) / len(z))


def _newton_step(curvature: Floats, strength: float, gradient: Floats, free: npt.NDArray[np.bool_]) -> Floats:
    """The step (columns + 1,) to the lowest point of a parabola; coefficients that are not free stay at their bound."""
    step = np.zeros(len(gradient))
    hessian = strength * curvature[np.ix_(free, free)]
    hessian[np.diag_indices_from(hessian)] += 1.0
    step[free] = -np.linalg.solve(hessian, gradient[free])
    return step
