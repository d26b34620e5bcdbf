"""The data report: what was found in the data, what was done about it, and how much of everything there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from features.common.persons.texts import without_mail

Level = Literal["note", "warning"]

_PLURAL = re.compile(
    r"\b(row|column|line|value|lead|deal|type|amount|moment|name|lead_id|company_id)s\b(?!\.\w)"
)  # no leads.csv
_COUNTED = re.compile(r"(?<=^rows of )[\d,]+(?= unknown leads$)")  # a count within the words


@dataclass(frozen=True)
class Note:
    """One finding: in which table, what, how many, an example (may be empty), and what was done about it.

    `what` is a plural that says rows or columns of what, as in "rows of unknown leads"; a count of one makes it a singular.
    """

    level: Level
    table: str
    what: str
    count: int
    example: str = ""
    done: str = ""

    @property
    def kind(self) -> tuple[str, ...]:
        """What notes of the same finding have in common, wherever it was made."""
        return self.level, self.table, _COUNTED.sub("", self.what), self.done

    def plus(self, note: Note, times: int) -> Note:
        """Both counts, and those within the words, `note`'s so many times."""
        own_count, note_count = (
            int(match[0].replace(",", "")) if (match := _COUNTED.search(n.what)) else 0 for n in (self, note)
        )
        return replace(
            self, what=_COUNTED.sub(f"{own_count + times * note_count:,}", self.what), count=self.count + times * note.count
        )

    def __str__(self) -> str:
        example = f" (for example {self.example})" if self.example else ""
        action = f"; {self.done}" if self.done else ""
        subject = _PLURAL.sub(r"\1", self.what, count=1) if self.count == 1 else self.what
        return f"{self.table}: {self.count:,} {subject}{example}{action}."


@dataclass
class DataReport:
    """Findings in the order they were made, and the size of the data.

    `rows`: rows per table. `period`: first and last moment, ISO 8601 UTC. `stages`: leads that ever reached each lead stage,
    exits included. `time`: whether moments are dates or only an order of rows. `extraction`: up to when the data are known, and
    by what, as a sentence.
    """

    notes: list[Note] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    period: tuple[str, str] | None = None
    stages: dict[str, int] = field(default_factory=dict)
    time: Literal["dates", "row_order"] = "dates"
    extraction: str = ""

    def note(self, table: str, what: str, count: int, example: object = "", done: str = "") -> None:
        """Add a finding that is worth knowing; none is added for a count of 0."""
        self._add("note", table, what, count, example, done)

    def warn(self, table: str, what: str, count: int, example: object = "", done: str = "") -> None:
        """Add a finding somebody should look at; none is added for a count of 0."""
        self._add("warning", table, what, count, example, done)

    def _add(self, level: Level, table: str, what: str, count: int, example: object, done: str) -> None:
        if count:
            self.notes.append(Note(level, table, what, int(count), without_mail(str(example)), done))

    def merge(self, update: DataReport) -> DataReport:
        """A report of both: the notes in order; sizes are those of `update` where it has them."""
        return DataReport(
            notes=[*self.notes, *update.notes],
            rows={**self.rows, **update.rows},
            period=update.period or self.period,
            stages={**self.stages, **update.stages},
            time=update.time if update.rows else self.time,
            extraction=self.extraction or update.extraction,
        )

    def replace_part(self, old_part: DataReport, new_part: DataReport) -> DataReport:
        """This report of everything, when a part of which `old_part` was the report has become one of which `new_part` is."""
        notes: dict[tuple[str, ...], Note] = {note.kind: note for note in self.notes}
        old_notes = {note.kind: note for note in old_part.notes}
        for kind, note in old_notes.items():
            if kind in notes:
                own_note = notes[kind]
                example = "" if own_note.example == note.example else own_note.example
                notes[kind] = replace(own_note.plus(note, -1), example=example)
        for note in new_part.notes:
            own_note = notes.get(note.kind, replace(note, what=_COUNTED.sub("0", note.what), count=0, example=""))
            notes[note.kind] = replace(own_note.plus(note, 1), example=own_note.example or note.example)

        def sums(counts: dict[str, int], old: dict[str, int], new: dict[str, int]) -> dict[str, int]:
            return {name: counts.get(name, 0) - old.get(name, 0) + new.get(name, 0) for name in {**counts, **new}}

        return replace(
            self,
            notes=[note for note in notes.values() if note.count],
            rows=sums(self.rows, old_part.rows, new_part.rows),
            stages=sums(self.stages, old_part.stages, new_part.stages),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` is the way back."""
        return {**asdict(self), "period": list(self.period) if self.period else None}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> DataReport:
        """The way back from `to_dict`."""
        period = saved["period"]
        notes = [Note(**note) for note in saved["notes"]]
        return cls(**{**saved, "notes": notes, "period": (period[0], period[1]) if period else None})

    def lines(self) -> list[str]:
        """The report in plain sentences: sizes and the extraction first, then warnings, then notes."""
        sentences = []
        if self.rows:
            sentences.append("Rows: " + ", ".join(f"{count:,} {name}" for name, count in self.rows.items() if count) + ".")
        if self.extraction and self.time == "dates":
            sentences.append(self.extraction)
        if self.time == "row_order":
            sentences.append("Time is the order of the rows, not dates: a lead is looked at once, when it came.")
        elif self.period:
            sentences.append(f"Period: {self.period[0]} to {self.period[1]} (UTC).")
        if self.stages:
            sentences.append(
                "Leads that reached: " + ", ".join(f"{name} {count:,}" for name, count in self.stages.items()) + "."
            )
        sentences += [f"Warning – {note}" for note in self.notes if note.level == "warning"]
        return sentences + [f"Note – {note}" for note in self.notes if note.level == "note"]
