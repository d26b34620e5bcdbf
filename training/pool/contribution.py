"""What one business gives to a pool: per transition a base rate and, per column, a coefficient and how much its data say of it.

Numbers over many leads, never a lead: no ids, no values of text that fewer than `LEAST_ACCOUNTS` accounts have, and nothing at
all of a transition with few outcomes. The rules' points take no part, because every business has rules of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from features.engine.feature_set import FeatureSet
from features.spec import CreatedOn, InStage, Share, Trend
from models.common.types import Examples, Flags, Floats, Matrix, sigmoid
from models.learners.linear import SMALLEST, Scaler, coefficient_limits, rules_prior
from models.learners.penalised import Penalised
from training.data.pooled_prior import MISSING
from training.data.prepare import Prepared
from training.fit.transition_fit import rarer_of

LEAST_ACCOUNTS = 20  # that have a value and that have it not, before anything is said of a column
LEAST_LEADS = 100  # accounts of a transition
LEAST_OUTCOMES = 30  # accounts with the rarer outcome of a transition
STRENGTH = 0.03  # inverse regularisation; the same for all, so that their coefficients can be averaged
PLAIN_FEATURES = (
    Trend,
    Share,
    CreatedOn,
    InStage,
)  # features that are taken as they are; all others are amounts, taken as log(1 + x)


@dataclass(frozen=True)
class Column:
    """One column on a common scale: log(1 + x) or not (`log`), `mean` and `deviation` there, share `missing`.

    `coefficient` is in log-odds per deviation, of ridge regression with a prior variance of `STRENGTH`; `variance` is its
    sampling variance; `told`, 0 to 1, the share of it that the data say and not that prior.
    """

    log: bool
    mean: float
    deviation: float
    missing: float
    coefficient: float
    variance: float
    told: float


@dataclass(frozen=True)
class TransitionEstimate:
    """What is said of one transition: from how many accounts, log-odds of the base rate and their variance, columns by name."""

    accounts: int
    outcomes: int
    base: float
    base_variance: float
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Contribution:
    """What one business gives, by target; a target it has too few outcomes for is left out."""

    targets: Mapping[str, TransitionEstimate] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Contribution:
        """The way back from `to_dict`."""
        return cls(
            {
                target: TransitionEstimate(
                    **{**estimate, "columns": {name: Column(**column) for name, column in estimate["columns"].items()}}
                )
                for target, estimate in saved["targets"].items()
            }
        )

    @property
    def digest(self) -> str:
        """SHA-256 of its numbers."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def contribute(prepared: Prepared) -> Contribution:
    """What this business gives, from all of its matured landmarks."""
    labels = prepared.labels(prepared.extracted_at)
    all_landmarks = np.ones(len(prepared.looks), bool)
    names, logs = (*prepared.feature_set.names, ""), np.append(log_columns(prepared.feature_set), False)
    targets = {}
    for number, target in enumerate(prepared.funnel.targets):
        examples = prepared.examples(number, labels, all_landmarks)
        estimate = of_transition(examples, names, logs)
        if estimate:
            targets[target] = estimate
    return Contribution(targets)


def log_columns(features: FeatureSet) -> Flags:
    """Which columns (features,) are taken as log(1 + x): by what they are, so that every business takes the same."""
    attributes = [encoder.kind == "date" for encoder in features.encoders for _ in encoder.names]
    return np.array([*attributes, *(not isinstance(f, PLAIN_FEATURES) for f in features.features)], bool)


def of_transition(examples: Examples, names: Sequence[str], logs: Flags) -> TransitionEstimate | None:
    """What examples (n) with columns `names` say, taken as log(1 + x) where `logs` (features,); None for too few outcomes.

    The column of the points, if any, and those of levels are left out.
    """
    accounts, outcomes = len(np.unique(examples.account)), rarer_of(examples) if len(examples) else 0
    if accounts < LEAST_LEADS or outcomes < LEAST_OUTCOMES:
        return None
    own = (
        np.zeros(len(names), bool) if examples.levels is None else examples.levels != 0
    )  # which level is which, is nobody else's
    kept_columns = np.array([i for i in range(len(names)) if i != examples.points and not own[i]], np.intp)
    x = examples.x[:, kept_columns]
    scaler = Scaler.fit(x, examples.y, log=logs[kept_columns])
    z = scaler.transform(x)
    weight = examples.weight / examples.weight.mean()
    evidence = weight * (accounts / len(examples))
    base = rules_prior(np.zeros(len(z)), examples.y, evidence)[0]
    bounds = None if examples.signs is None else coefficient_limits(examples.signs[kept_columns], z.shape[1])
    penalised = Penalised(z, examples.y, weight, np.full(len(z), base), bounds)
    coefficients = penalised.solve(STRENGTH, np.zeros(z.shape[1] + 1))
    variance, data_shares = _precision(z, evidence, base + coefficients[-1] + z @ coefficients[:-1].astype(z.dtype))
    columns = {}
    for i, sufficient in enumerate(_sufficient_support(x, examples.account)):
        if sufficient:
            columns[names[kept_columns[i]]] = Column(
                bool(scaler.log_scale[i]), *_rounded(scaler.mean[i], scaler.deviation[i], scaler.missing[i]),
                *_rounded(coefficients[i], variance[i], data_shares[i]),
            )  # fmt: skip
    indicator_support = _sufficient_support(np.isnan(x).astype(np.float32), examples.account)
    for j, i in enumerate(scaler.indicated, start=x.shape[1]):
        if indicator_support[i]:
            share = scaler.missing[i]
            columns[MISSING + names[kept_columns[i]]] = Column(
                False, *_rounded(share, 1.0, 0.0), *_rounded(coefficients[j], variance[j], data_shares[j])
            )
    rate = float(sigmoid(base))
    spread = 1 / (float(evidence.sum()) * rate * (1 - rate))
    constant, doubt = _rounded(base, spread)
    return TransitionEstimate(accounts, outcomes, constant, doubt, columns)


def _precision(z: Matrix, evidence: Floats, margin: Floats) -> tuple[Floats, Floats]:
    """(columns,) each: sampling variances of ridge coefficients, and which share of each the data say.

    With the curvature H of the log likelihood and A = (1 + s H)⁻¹, s the prior variance: the posterior variance is s A, that of
    the estimate over samples s (A - A²) (Hoerl and Kennard 1970, doi:10.1080/00401706.1970.10488634).
    """
    p = sigmoid(margin)
    curvature_weight = evidence * p * (1 - p)
    centred = z.astype(np.float64) - np.average(z, axis=0, weights=curvature_weight)
    curvature = (centred * curvature_weight[:, None]).T @ centred
    a = np.linalg.inv(np.eye(z.shape[1]) + STRENGTH * curvature)
    diagonal = np.diag(a)
    return STRENGTH * np.maximum(diagonal - (a * a).sum(axis=1), 0), np.clip(1 - diagonal, 0, 1)


def _sufficient_support(x: Matrix, account: np.ndarray) -> Flags:
    """Columns (features,) of which enough accounts have another value than the most common one, and enough have that one or,
    where values hardly repeat, any."""
    sufficient = np.zeros(x.shape[1], bool)
    for i in range(x.shape[1]):
        present = ~np.isnan(x[:, i])
        values, code, count = np.unique(x[present, i], return_inverse=True, return_counts=True)
        if len(values) < 2 or values[-1] - values[0] < SMALLEST:
            continue
        minority = code != int(np.argmax(count))
        sides = [len(np.unique(account[present][side])) for side in (minority, ~minority if len(values) == 2 else minority)]
        sufficient[i] = min(sides) >= LEAST_ACCOUNTS
    return sufficient


def _rounded(*values: float) -> list[float]:
    """Six digits: enough for a prior."""
    return [float(f"{value:.6g}") for value in values]
