"""What a file is: every kind of export is scored by the headers, and the best one says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from connectors.exports.columns import ColumnProfile, first_filled
from connectors.exports.kinds import Export, fold, squash
from connectors.exports.labels import EXPORTS
from connectors.files.reading import RawFile
from features.attributes.date_text import Order

AGAINST = 4  # points a header costs that such a file never has
STEM = 2  # points for the vendor's own name of the file


@dataclass
class ExportMatch:
    """One file and what it was taken for. `rows` of it; `profiles` by its headers; `exclude`: header → why; `why`: what spoke
    for it; `date_orders`: which of day, month and year come first in the files of the folder whose dates tell."""

    file: RawFile
    export: Export
    columns: dict[str, str]
    dates: dict[str, str]
    companies: dict[str, str]
    exclude: dict[str, str]
    profiles: Mapping[str, ColumnProfile]
    why: str
    outcome: dict[str, str] = field(default_factory=dict)
    skip: dict[str, list[object]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    date_orders: frozenset[Order] = frozenset()

    @property
    def rows(self) -> int:
        return next((p.rows for p in self.profiles.values()), 0)

    @property
    def named(self) -> dict[str, ColumnProfile]:
        """The columns by their squashed headers."""
        return {p.name: p for p in self.profiles.values()}

    @property
    def meanings(self) -> int:
        """How many columns of the file mean something."""
        used = (self.columns, self.dates, self.companies, self.outcome)
        return len({h for mapping in used for h in mapping.values()} | set(self.exclude))


@dataclass(frozen=True)
class Score:
    """How well a kind fits a file: `points`, the headers of its `signature`, the headers `matched` of it, those that
    speak `against` it, and whether the name of the file speaks for it."""

    export: Export
    points: int
    signature: tuple[str, ...]
    matched: tuple[str, ...]
    against: tuple[str, ...]
    stem: bool


def scores(headers: Sequence[str], stem: str) -> list[Score]:
    """The kinds whose signature the file has, the best first; of two that are equal the one of leads,
    then the one of more headers."""
    present = {squash(h): h for h in headers}
    words = fold(stem)
    ranking = []
    for export in EXPORTS:
        signature = max(
            (line for line in export.signature if all(squash(h) in present for h in line)),
            key=lambda line: len(set(line)),
            default=(),
        )
        if not signature:
            continue
        matched = tuple(h for key, h in present.items() if key in export.headers)
        against = tuple(present[key] for h in export.against if (key := squash(h)) in present)
        by_name = any(words == s or words.startswith(f"{s} ") for s in export.stems) or squash(stem) in map(
            squash, export.stems
        )
        points = 2 * len(set(signature)) + len(matched) - AGAINST * len(against) + STEM * by_name
        ranking.append(Score(export, points, tuple(present[squash(h)] for h in signature), matched, against, by_name))
    return sorted(ranking, key=lambda s: (-s.points, s.export.table != "leads", -len(set(s.signature))))


def recognise(file: RawFile, profiles: Mapping[str, ColumnProfile] | None = None) -> ExportMatch | None:
    """What a file is, by its headers and, where `profiles` say what is filled, by these; None for none of the known exports."""
    ranking = scores(file.headers, PurePosixPath(file.name).name.split(".")[0])
    if not ranking or ranking[0].points <= 0:
        return None
    best = ranking[0]
    profiles = profiles or {h: ColumnProfile(h, 0, 0, {}, True, "empty") for h in file.headers}
    return match_of(file, best.export, profiles, _reason(best, ranking[1:], len(file.headers)))


def _reason(best: Score, runners_up: Sequence[Score], headers: int) -> str:
    """Which columns spoke for it, and what it was told apart from."""
    text = (
        f"{', '.join(dict.fromkeys(best.signature))} and the name of the file"
        if best.stem
        else ", ".join(dict.fromkeys(best.signature))
    )
    text = f"has {text}; {len(best.matched)} of {headers} columns known"
    if runners_up and runners_up[0].points > 0 and runners_up[0].export.title != best.export.title:
        second = runners_up[0]
        lacks = f", which has no {second.against[0]}" if second.against else ""
        text += f"; next likely: {second.export.title} ({second.points} against {best.points} points{lacks})"
    return text


def match_of(file: RawFile, export: Export, profiles: Mapping[str, ColumnProfile], why: str) -> ExportMatch:
    """The columns of a file that is of this kind."""
    named = {p.name: p for p in profiles.values()}

    def columns(candidates: Mapping[str, Sequence[str]]) -> dict[str, str]:
        return {target: header for target, names in candidates.items() if (header := first_filled(names, named))}

    exclude = {
        named[key].header: "filled in or changed once the outcome is known"
        for h in export.exclude
        if (key := squash(h)) in named
    }
    mapped = columns(export.columns)
    exclude = {h: reason for h, reason in exclude.items() if h not in mapped.values()}
    return ExportMatch(
        file,
        export,
        mapped,
        columns(export.dates),
        columns(export.companies),
        exclude,
        profiles,
        why,
        columns(export.outcome),
        constants=dict(export.constants),
    )
