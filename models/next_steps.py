"""Which content step has gone before progress for leads like this one: an association with its counts, never a promise."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from features.spec import Acts, Count
from features.words import Language, spell, type_words

MOST = 3

# what turns mails and offers away; a lead that did it is offered nothing
OPT_OUTS = ("unsubscribed", "opted_out", "unsubscribe", "opt_out")


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
        what = type_words(self.type, language)
        count = [spell(n, 0, language) for n in (self.leads, self.others)]
        if language == "de":
            return (
                f"{what}: Von {count[0]} ähnlichen Leads, die das erstmals taten, wurden {self.progressed:.0%} "
                f"in {days:g} Tagen {target}, von {count[1]} ohne {self.others_progressed:.0%}. "
                "Ein Zusammenhang, kein Versprechen."
            )
        return (
            f"{what}: of {count[0]} leads like this one that did so for the first time, {self.progressed:.0%} became {target} "
            f"within {days:g} days; of {count[1]} that did not, {self.others_progressed:.0%}. An association, not a promise."
        )


@dataclass(frozen=True)
class NextSteps:
    """All steps worth naming, and the interactions by which their leads turned offers away.

    `usual`: per interaction type its usual direction (in, out, or None) and value, for what-if questions.
    """

    steps: tuple[Step, ...] = ()
    opt_outs: tuple[str, ...] = ()
    usual: Mapping[str, tuple[str | None, float | None]] = field(default_factory=dict)

    @cached_property
    def watched(self) -> tuple[str, ...]:
        """The interaction types whose counts `best` asks for."""
        return tuple(dict.fromkeys([*(s.type for s in self.steps), *self.opt_outs]))

    @property
    def features(self) -> tuple[Count, ...]:
        """One count per watched type."""
        return tuple(Count(Acts(name, (name,))) for name in self.watched)

    def best(self, lead_stage: str, chance: float, done: Collection[str], most: int = MOST) -> list[Step]:
        """For a lead with P(next lead stage) `chance` that has `done` these types: the steps it has not taken, the largest
        sure gap first; none for one that opted out."""
        if any(name in done for name in self.opt_outs):
            return []
        mine = [s for s in self._by_stage.get(lead_stage, ()) if s.type not in done and s.low <= chance < s.high]
        return sorted(mine, key=lambda s: -s.gap_low)[:most]

    def band(self, chance: float) -> int:
        """Leads of one lead stage that did the same and whose chances lie in one band are offered the same."""
        return bisect_right(self._edges, chance)

    @cached_property
    def _edges(self) -> list[float]:
        return sorted({edge for s in self.steps for edge in (s.low, s.high)})

    @cached_property
    def _by_stage(self) -> dict[str, list[Step]]:
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.lead_stage, []).append(step)
        return found

    def to_dict(self) -> dict[str, Any]:
        return {
            "steps": [asdict(s) for s in self.steps],
            "opt_outs": list(self.opt_outs),
            "usual": {k: list(v) for k, v in self.usual.items()},
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NextSteps:
        usual: dict[str, Sequence[Any]] = saved["usual"]
        return cls(
            tuple(Step(**s) for s in saved["steps"]), tuple(saved["opt_outs"]), {k: (v[0], v[1]) for k, v in usual.items()}
        )
