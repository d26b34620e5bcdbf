"""A linter: what is doubtful in a rules file, with its lines: for the marketer who wrote it, before it goes live."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from features.common.errors import ConfigError, nearest
from features.common.settings import explain
from models.rules.rules import Rules, check_thresholds
from models.rules.schema import FitRule, RuleBook

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Doubt:
    """One thing worth a look: the line of the file it stands in (None: the whole), and a sentence."""

    line: int | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"line {self.line}: {self.sentence}"


def read_with_lines(path: Path) -> tuple[Rules, dict[Place, int]]:
    """The rules of a file and the line of each place in it, such as ("behaviour", 3, "points").

    Raises
    ------
    ConfigError
        if the file is missing or wrong; every problem is named with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = _lines(yaml.compose(text, Loader=yaml.SafeLoader))
        book = RuleBook.model_validate(yaml.safe_load(text))
    except OSError as error:
        raise ConfigError(f"The rules file {path} cannot be read: {error.strerror}.", "Check RULES=….") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"The rules file {path} is not valid YAML: {error}.", "Mend it at that line.") from error
    except ValidationError as error:
        at = sorted({found for e in error.errors() if (found := _line_of(lines, e["loc"]))})
        where = f"{path}, line{'s' if len(at) > 1 else ''} {', '.join(map(str, at))}" if at else str(path)
        raise explain(error, RuleBook, where) from error
    return Rules(book), lines


def doubts(
    rules: Rules,
    lines: Mapping[Place, int],
    stages: Sequence[str],
    types: Collection[str] | None = None,
    columns: Collection[str] | None = None,
) -> list[Doubt]:
    """Everything that is allowed and yet hardly meant. `types` and `columns` are those of the data, where they are known.

    Raises
    ------
    ConfigError
        if the thresholds name no lead stage of the funnel `stages`, or do not rise along it.
    """
    check_thresholds(rules, stages)
    found = [*_reach(rules, lines), *_caps(rules, lines), *_twice(rules, lines), *_bands(rules, lines)]
    if types is not None:
        found += _unknown_types(rules, lines, types)
    if columns is not None:
        found += [
            Doubt(
                lines.get(("fit", i, "attribute")),
                f"no attribute {fit.attribute!r} in the data: {nearest(fit.attribute, columns)}",
            )
            for i, fit in enumerate(rules.book.fit)
            if fit.attribute not in columns
        ]
    return sorted(found, key=lambda doubt: doubt.line or 0)


def _unknown_types(rules: Rules, lines: Mapping[Place, int], types: Collection[str]) -> list[Doubt]:
    return [
        Doubt(lines.get(("behaviour", i, "interaction")), f"no interaction {name!r} in the data: {nearest(name, types)}")
        for i, rule in enumerate(rules.book.behaviour)
        for name in rule.types
        if name not in types
    ]


def most(rules: Rules) -> tuple[float, float]:
    """The most points that engagement and fit can give, caps included."""
    book = rules.book
    engagement = sum(rule.most for rule in book.behaviour)
    fit = sum(max(rule.points, 0.0) for rule in book.fit)
    return min(engagement, book.caps.engagement or float("inf")), min(fit, book.caps.fit or float("inf"))


def _reach(rules: Rules, lines: Mapping[Place, int]) -> list[Doubt]:
    engagement, fit = most(rules)
    found = [
        Doubt(
            lines.get(("thresholds", stage)),
            f"nobody can become {stage} with {needed:g} points: all rules together give at most {engagement + fit:g} "
            f"({engagement:g} for engagement, {fit:g} for fit); lower it, or raise caps or points",
        )
        for stage, needed in rules.thresholds
        if engagement + fit < needed
    ]
    grades = rules.book.grades
    for name, edges, reach in (("fit", grades.fit, fit), ("engagement", grades.engagement, engagement)) if grades else ():
        for grade, needed in edges.items():
            if reach < needed:
                where = lines.get(("grades", name, str(grade))) or lines.get(("grades", name)) or lines.get(("grades",))
                found.append(
                    Doubt(where, f"nobody can be graded {grade} with {needed:g} points of {name}: they are at most {reach:g}")
                )
    return found


def _caps(rules: Rules, lines: Mapping[Place, int]) -> list[Doubt]:
    """A rule that alone may give more than its group."""
    found = []
    for group, cap in (("behaviour", rules.book.caps.engagement), ("fit", rules.book.caps.fit)):
        for i, rule in enumerate(getattr(rules.book, group)):
            own = rule.points if group == "fit" else (rule.at_most if rule.at_most is not None else rule.points)
            if cap is not None and own > cap:
                line = lines.get((group, i, "at_most")) or lines.get((group, i))
                found.append(Doubt(line, f"this rule may give {own:g} points, its whole group no more than {cap:g}"))
    return found


def _twice(rules: Rules, lines: Mapping[Place, int]) -> list[Doubt]:
    """Two rules that count the same thing in the same way, where one was meant to replace the other."""
    found = []
    for group in ("behaviour", "fit"):
        seen: dict[str, int] = {}
        for i, rule in enumerate(getattr(rules.book, group)):
            key = str(rule.model_dump(exclude={"points", "at_most"} if group == "behaviour" else {"points"}))
            if key in seen:
                first = lines.get((group, seen[key]))
                found.append(Doubt(lines.get((group, i)), f"the same condition as in line {first}: both give their points"))
            seen.setdefault(key, i)
    return found


def _bands(rules: Rules, lines: Mapping[Place, int]) -> list[Doubt]:
    """Bands of a number, each with both ends, that overlap: whoever lies in both gets the points of both."""
    bands = [(i, rule) for i, rule in enumerate(rules.book.fit) if rule.at_least is not None and rule.at_most is not None]
    found = []
    for place, (i, one) in enumerate(bands):
        if _width(one) < 0:
            found.append(Doubt(lines.get(("fit", i)), f"nobody is at least {one.at_least:g} and at most {one.at_most:g}"))
        for j, other in bands[place + 1 :]:
            low, high = max(one.at_least or 0, other.at_least or 0), min(one.at_most or 0, other.at_most or 0)
            if one.attribute == other.attribute and low <= high:
                both = f"{low:g}" if low == high else f"{low:g} to {high:g}"
                first = lines.get(("fit", i))
                found.append(
                    Doubt(lines.get(("fit", j)), f"this band overlaps that of line {first}: {both} gets the points of both")
                )
    return found


def _width(rule: FitRule) -> float:
    return (rule.at_most or 0.0) - (rule.at_least or 0.0)


def _lines(node: Any, place: Place = ()) -> dict[Place, int]:
    """Every place of a YAML document and the line (from 1) where it begins."""
    if node is None:
        return {}
    found = {place: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found |= _lines(value, (*place, str(key.value)))
            found[(*place, str(key.value))] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found |= _lines(value, (*place, i))
    return found


def _line_of(lines: Mapping[Place, int], place: Place) -> int | None:
    """The line of a place, or of the nearest thing around it."""
    for end in range(len(place), 0, -1):
        if place[:end] in lines:
            return lines[place[:end]]
    return None
