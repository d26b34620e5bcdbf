"""What the audit says of one column or interaction type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["block", "warn", "ok"]
ORDER: tuple[Level, ...] = ("block", "warn", "ok")


@dataclass(frozen=True)
class Verdict:
    """`subject` is a column ("lead.budget") or an interaction type; `evidence` are sentences with the figures."""

    subject: str
    level: Level
    evidence: tuple[str, ...]

    @property
    def column(self) -> str:
        return self.subject.partition(".")[2]

    def __str__(self) -> str:
        return f"{self.subject}: {'; '.join(self.evidence)}"
