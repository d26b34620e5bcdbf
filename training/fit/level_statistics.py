"""What earlier leads of a category's levels did, in time: a lead sees outcomes of other accounts that were known at its moment.

Ordered target statistics (Prokhorenkova et al. 2018, arXiv:1706.09516), ordered by when outcomes were known, not by chance: no
lead's outcome is in its own number, and a number means for those who are learned from what it means for those who come later.
Few outcomes are pulled towards what all do. How strongly is what would have foretold the outcomes best, each from those known
before it (prequentially; Dawid 1984, doi:10.2307/2981683); where nothing foretells them beyond doubt, levels say nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.common.clock import NO_MOMENT
from models.common.level_effects import NO_LEVELS, LevelEffects, hidden_levels
from models.common.types import Examples, Flags, Floats

Ints = npt.NDArray[np.int64]

STRENGTHS = np.geomspace(2, 2_000, 16)  # accounts of the kind of all that are added to each level
DOUBT = 3.0  # standard errors by which a strength must foretell better than what all do; the best of many does by one or two


def with_level_statistics(examples: Examples) -> tuple[Examples, LevelEffects]:
    """The examples as learners see them, each with what was known at its own moment, and what later leads get: what all of the
    examples whose outcome is known say, frozen, as it is served."""
    if examples.levels is None:
        return examples, NO_LEVELS
    x, tables = examples.x.copy(), {}
    ripe = examples.known_at < NO_MOMENT
    evidence = len(np.unique(examples.account[ripe])) / max(int(ripe.sum()), 1)
    for column in np.flatnonzero(examples.levels == 1).tolist():
        filled = np.flatnonzero(~np.isnan(x[:, column]))
        filled_examples, level = examples.select(filled), x[filled, column].astype(np.int64)
        ripe_here = ripe[filled]
        in_time = _in_time(filled_examples, level, ripe_here)
        strength = prior_strength(in_time.select(ripe_here), filled_examples.y[ripe_here], evidence)
        x[filled, column] = in_time.log_odds(strength, evidence)
        tables[column] = _of_levels(level[ripe_here], filled_examples.y[ripe_here]).log_odds(strength, evidence)
    hidden = np.flatnonzero(examples.levels == -1)
    x[:, hidden] = 0.0
    return replace(examples, x=x, levels=None), LevelEffects(tables, tuple(hidden.tolist()))


def without_levels(examples: Examples) -> tuple[Examples, LevelEffects]:
    """The same for learners that do without levels."""
    hidden = hidden_levels(examples.levels)
    return replace(examples, x=hidden.apply(examples.x), levels=None), hidden


@dataclass(frozen=True)
class Counts:
    """Outcomes that count for n leads or levels: how many of the same level and how many of all, and who of them `reached`."""

    rows: Ints
    reached: Ints
    all_rows: Ints
    all_reached: Ints

    def select(self, chosen: Flags) -> Counts:
        return Counts(self.rows[chosen], self.reached[chosen], self.all_rows[chosen], self.all_reached[chosen])

    def base(self, evidence: float) -> Floats:
        """Rates of all (n,), half an outcome of each kind added. An outcome is `evidence` of an account."""
        return (self.all_reached * evidence + 0.5) / (self.all_rows * evidence + 1)

    def log_odds(self, strength: float, evidence: float) -> Floats:
        """Log-odds of the levels minus those of all (n,), `strength` accounts of the kind of all added to each; 0 where that is
        endless."""
        rate = self.base(evidence)
        if not np.isfinite(strength):
            return np.zeros(len(rate))
        shrunk = (self.reached * evidence + strength * rate) / (self.rows * evidence + strength)
        return _log_odds(shrunk) - _log_odds(rate)


def _log_odds(rate: Floats) -> Floats:
    return np.asarray(np.log(rate) - np.log1p(-rate), np.float64)


def _of_levels(level: Ints, y: Flags) -> Counts:
    """By level (levels,), all that is known."""
    rows = np.bincount(level)
    reached = np.bincount(level[y], minlength=len(rows))
    return Counts(rows, reached, np.full(len(rows), len(y)), np.full(len(rows), int(y.sum())))


def _in_time(examples: Examples, level: Ints, ripe: Flags) -> Counts:
    """For examples (n) of these levels: what was known, at the moment of each, of the leads of other accounts. Examples
    that are not `ripe` (n,) teach nobody."""
    outcomes = np.column_stack((np.ones(len(ripe), np.int64), examples.y.astype(np.int64)))[ripe]

    def until(group: Ints) -> Ints:
        return sums_until(group[ripe], examples.known_at[ripe], outcomes, group, examples.as_of)

    own = level * (int(examples.account.max(initial=0)) + 1) + examples.account
    of_level = until(level) - until(own)
    of_all = until(np.zeros(len(level), np.int64)) - until(examples.account)
    return Counts(of_level[:, 0], of_level[:, 1], of_all[:, 0], of_all[:, 1])


def sums_until(group: Ints, time: Ints, values: Ints, query_group: Ints, query_time: Ints) -> Ints:
    """Values (n, k) at `time` (n,) summed over their group up to each moment asked for (m,), that moment too → (m, k)."""
    groups, times = np.concatenate((group, query_group)), np.concatenate((time, query_time))
    order = np.lexsort((np.arange(len(groups)) >= len(group), times, groups))
    sorted_groups = groups[order]
    sorted_values = np.concatenate((values, np.zeros((len(query_group), values.shape[1]), np.int64)))[order]
    totals = np.cumsum(sorted_values, axis=0)
    first = np.searchsorted(sorted_groups, sorted_groups, side="left")
    sums = np.empty_like(totals)
    sums[order] = totals - totals[first] + sorted_values[first]
    return sums[len(group) :]


def prior_strength(in_time: Counts, y: Flags, evidence: float) -> float:
    """The strength that foretells outcomes `y` (n,) best from what was known in time; endless where none does beyond doubt."""
    base = _log_odds(in_time.base(evidence))
    loss_of_all, best, strength = _losses(base, y), 0.0, np.inf
    for candidate in STRENGTHS.tolist():
        gain = loss_of_all - _losses(base + in_time.log_odds(candidate, evidence), y)
        error = float(gain.std()) / np.sqrt(max(len(gain) * evidence, 1.0)) if len(gain) else 0.0
        if len(gain) and float(gain.mean()) > max(best, DOUBT * error):
            best, strength = float(gain.mean()), candidate
    return strength


def _losses(margin: Floats, y: Flags) -> Floats:
    return np.asarray(np.logaddexp(0.0, np.where(y, -margin, margin)), np.float64)
