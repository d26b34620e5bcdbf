"""What the audit says of one column or interaction type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["block", "warn", "ok"]
IN_TIME = "where it was known in time, `audit: {insist: [...]}` keeps the column"  # what to do about a block
ORDER: tuple[Level, ...] = ("block", "warn", "ok")


@dataclass(frozen=True)
class Verdict:
    """`subject` is a column ("lead.budget") or an interaction type; `evidence` are sentences with the figures.

    `idle`: the column is empty or the same in every row, so nothing can be learned from it, leak or not.
    """

    subject: str
    level: Level
    evidence: tuple[str, ...]
    idle: bool = False

    @property
    def column(self) -> str:
        return self.subject.partition(".")[2]

    def __str__(self) -> str:
        return f"{self.subject}: {'; '.join(self.evidence)}"


@dataclass(frozen=True)
class Finding:
    """One signal's word on one column: how grave it is, and the sentence with its figures."""

    level: Level
    sentence: str


def gravest_verdict(subject: str, findings: list[Finding]) -> Verdict:
    """The gravest finding is the verdict, and the evidence begins with it; what to do about it is said once."""
    ranked = sorted(findings, key=lambda f: ORDER.index(f.level))
    sentences = [f.sentence for f in ranked]
    remedied = [n for n, sentence in enumerate(sentences) if sentence.endswith(IN_TIME)]
    for n in remedied[1:]:
        sentences[n] = sentences[n].removesuffix(IN_TIME).rstrip("; ")
    return Verdict(subject, ranked[0].level if ranked else "ok", tuple(sentences))
