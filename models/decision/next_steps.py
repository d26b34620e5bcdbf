"""Which content step has gone before progress for leads like this one: an association with its counts, never a promise."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.words import Language, spell, type_words
from features.feature import InteractionFilter
from features.spec import Count

MAX_STEPS = 3


@dataclass(frozen=True)
class Step:
    """What became of leads in `lead_stage`, with P(next lead stage) from `low` up to `high`, that took this step for the first
    time, and of those that had not taken it.

    `leads` took it, a `progressed` share of them reached the next lead stage within its horizon; `others` did not take it, an
    `others_progressed` share did. Both shares lie in 0 … 1; the second is weighted to leads scored alike. `gap_low` is the low
    end of the 90 % interval of their difference.
    """

    type: str
    lead_stage: str
    low: float
    high: float
    leads: int
    progressed: float
    others: int
    others_progressed: float
    gap_low: float

    def words(self, target: str, days: float, language: Language) -> str:
        """The association in a sentence that promises nothing."""
        label = type_words(self.type, language)
        count = [spell(n, 0, language) for n in (self.leads, self.others)]
        if language == "de":
            return (
                f"{label}: Von {count[0]} ähnlichen Leads, die das erstmals taten, wurden {self.progressed:.0%} "
                f"in {days:g} Tagen {target}, von {count[1]} ohne {self.others_progressed:.0%}. "
                "Ein Zusammenhang, kein Versprechen."
            )
        return (
            f"{label}: of {count[0]} leads like this one that did so for the first time, {self.progressed:.0%} became {target} "
            f"within {days:g} days; of {count[1]} that did not, {self.others_progressed:.0%}. An association, not a promise."
        )


@dataclass(frozen=True)
class NextSteps:
    """Next best actions: all steps worth naming, and the interactions by which their leads turned offers away.

    `type_defaults`: per interaction type its usual direction (in, out, or None) and value, for what-if questions.
    """

    steps: tuple[Step, ...] = ()
    opt_outs: tuple[str, ...] = ()
    type_defaults: Mapping[str, tuple[str | None, float | None]] = field(default_factory=dict)

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The interaction types whose counts `best` asks for."""
        return tuple(dict.fromkeys([*(s.type for s in self.steps), *self.opt_outs]))

    @property
    def features(self) -> tuple[Count, ...]:
        """One count per watched type."""
        return tuple(Count(InteractionFilter(name, (name,))) for name in self.watched)

    def best(self, lead_stage: str, chance: float, done_types: Collection[str], limit: int = MAX_STEPS) -> list[Step]:
        """For a lead with P(next lead stage) `chance` that has done `done_types`: the steps it has not taken, the
        largest sure gap first; none for one that opted out."""
        bits = sum(1 << position for position, name in enumerate(self.watched) if name in done_types)
        return self.offered(lead_stage, int(self.bands(np.array([chance]))[0]), bits, limit)

    def offered(self, lead_stage: str, band: int, bits: int, limit: int = MAX_STEPS) -> list[Step]:
        """As `best` for a lead whose chance lies in this one of the `bands`; the bits of `watched` say what it has done."""
        if bits & self._refused:
            return []
        steps = []
        for bit, step in self._band_steps(lead_stage, band):
            if not bits & bit:
                steps.append(step)
                if len(steps) == limit:
                    break
        return steps

    def bands(self, chances: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """The band (n,) of each chance: leads of one lead stage that did the same are offered the same within a band."""
        return np.searchsorted(self._edges, chances, side="right")

    @cached_property
    def _edges(self) -> npt.NDArray[np.float64]:
        return np.array(sorted({edge for s in self.steps for edge in (s.low, s.high)}), np.float64)

    @cached_property
    def _refused(self) -> int:
        return sum(1 << self.watched.index(name) for name in self.opt_outs)

    def _band_steps(self, lead_stage: str, band: int) -> tuple[tuple[int, Step], ...]:
        """The steps of a lead stage for chances in a band, each with its bit, the largest sure gap first."""
        band_steps = self._sorted.get((lead_stage, band))
        if band_steps is None:
            chance = self._edges[band - 1] if band else -np.inf  # where a band begins, a step does or does not
            stage_steps = [s for s in self._by_stage.get(lead_stage, ()) if s.low <= chance < s.high]
            stage_steps.sort(key=lambda s: -s.gap_low)
            band_steps = self._sorted[lead_stage, band] = tuple((1 << self.watched.index(s.type), s) for s in stage_steps)
        return band_steps

    @cached_property
    def _sorted(self) -> dict[tuple[str, int], tuple[tuple[int, Step], ...]]:
        return {}

    @cached_property
    def _by_stage(self) -> dict[str, list[Step]]:
        stages: dict[str, list[Step]] = {}
        for step in self.steps:
            stages.setdefault(step.lead_stage, []).append(step)
        return stages

    def to_dict(self) -> dict[str, Any]:
        return {
            "steps": [asdict(s) for s in self.steps],
            "opt_outs": list(self.opt_outs),
            "usual": {k: list(v) for k, v in self.type_defaults.items()},
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NextSteps:
        type_defaults: dict[str, Sequence[Any]] = saved["usual"]
        return cls(
            tuple(Step(**s) for s in saved["steps"]),
            tuple(saved["opt_outs"]),
            {k: (v[0], v[1]) for k, v in type_defaults.items()},
        )
