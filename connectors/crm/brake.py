"""A brake before a mass change: how much of what stands in the CRM a write-back would empty or move for good.

Scores drift a little every day; that alone is no mass change. A lead moves where sales would see it: another recommended lead
stage, action or grade, or a score that is `NOTICEABLE` points off.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from connectors.crm.score_fields import Value
from features.common.errors import DataError

WORDS = ("lead_stage", "action", "grade")
VISIBLE = ("score", *WORDS)
NOTICEABLE = 10.0  # points of the score
ALLOWED = 20  # so many may change whatever share they are
EXAMPLES = 3  # leads that are shown

Visible = Mapping[str, Value]


class MassChangeError(DataError):
    """More would change at once than is allowed."""


@dataclass(frozen=True)
class Upheaval:
    """What a write-back would do to the `standing` leads that have a score in the CRM: `emptied` of them, and those that
    `moved`: lead → (as it stands, as it would be)."""

    standing: int
    emptied: Sequence[str]
    moved: Mapping[str, tuple[Visible, Visible]]

    def without(self, barred: Container[str]) -> Upheaval:
        """The same, but for leads that are not written."""
        emptied = [name for name in self.emptied if name not in barred]
        return Upheaval(self.standing, emptied, {name: pair for name, pair in self.moved.items() if name not in barred})

    def excess(self, most_changed: float) -> str:
        """In words, where it is more than the share `most_changed`; else ""."""
        if len(self.emptied) + len(self.moved) <= max(ALLOWED, most_changed * self.standing):
            return ""
        examples = [f"{name}: {_difference(*pair)}" for name, pair in list(self.moved.items())[:EXAMPLES]]
        examples += [f"{name}: emptied" for name in self.emptied[:EXAMPLES]]
        return (
            f"Of {self.standing:,} leads that have a score in the CRM {len(self.emptied):,} would be emptied and "
            f"{len(self.moved):,} moved noticeably, more than {most_changed:.0%} at once ({'; '.join(examples)})."
        )

    def stop(self, most_changed: float) -> None:
        """Nothing is written where it is more than the share `most_changed`.

        Raises
        ------
        MassChangeError
            with a few of the leads, and how to go on.
        """
        if excess := self.excess(most_changed):
            raise MassChangeError(
                excess,
                "Look at the model and the last import. If it is meant, as after a new model, set "
                "`most_changed: 1` in `write_back:` under `source:` for a run.",
            )


def visible(values: Mapping[str, Value]) -> dict[str, Value]:
    """Of a lead's values those that a move is seen by."""
    return {key: values[key] for key in VISIBLE if key in values}


def moves(standing: Visible, new: Visible) -> bool:
    """Would sales see another lead? What was not written before is no difference."""
    if any(standing[key] != new[key] for key in WORDS if key in standing and key in new):
        return True
    before, after = standing.get("score"), new.get("score")
    both = isinstance(before, int | float) and isinstance(after, int | float)
    return abs(before - after) >= NOTICEABLE if both else False  # type: ignore[operator]


def _difference(standing: Visible, new: Visible) -> str:
    return ", ".join(f"{key} {standing[key]} → {new[key]}" for key in standing if key in new and standing[key] != new[key])
