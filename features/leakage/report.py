"""The result of an audit: all verdicts, the worst first, and their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from features.leakage.verdict import Verdict


@dataclass(frozen=True)
class Audit:
    """Verdicts on attribute columns and on interaction types, the worst first; `notes` on the data as a whole."""

    columns: tuple[Verdict, ...]
    interactions: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def blocked(self) -> tuple[str, ...]:
        """The blocked columns, as "lead.budget"."""
        return tuple(v.subject for v in self.columns if v.level == "block")

    @property
    def usable(self) -> tuple[str, ...]:
        """The columns from which something could be learned, blocked ones among them."""
        return tuple(v.subject for v in self.columns if not v.idle)

    def lines(self) -> list[str]:
        """What is worth reading at the end of a training."""
        return [
            *(
                f"{'left out' if v.level == 'block' else 'worth a look'}: {v}"
                for v in (*self.columns, *self.interactions)
                if v.level != "ok"
            ),
            *self.notes,
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        parts = (("columns", self.columns), ("interactions", self.interactions))
        verdicts = {
            part: [{"subject": v.subject, "verdict": v.level, "evidence": list(v.evidence)} for v in part_verdicts]
            for part, part_verdicts in parts
        }
        return {**verdicts, "notes": list(self.notes)}

    def markdown(self) -> str:
        """A table of all verdicts that say something; columns without anything in them are only named."""
        active = [v for v in (*self.columns, *self.interactions) if not v.idle]
        rows = [f"| {_cell(v.subject)} | {v.level} | {_cell('; '.join(v.evidence))} |" for v in active]
        idle = [v.subject for v in self.columns if v.idle]
        remarks = [*self.notes, *([f"empty or the same in every row: {', '.join(idle)}"] if idle else [])]
        head = ["# Leakage audit", "", "| column or interaction | verdict | evidence |", "|---|---|---|"]
        return "\n".join([*head, *rows, "", *(f"- {note}" for note in remarks), ""])


def _cell(text: str) -> str:
    """A bar would begin another cell."""
    return text.replace("|", "\\|")
