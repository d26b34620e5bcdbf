"""A linter: what is doubtful in a rules file, with its lines: for the marketer who wrote it, before it goes live."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from features.attributes.values import is_missing, read_key
from features.common.countries import same_country
from features.common.errors import ConfigError, nearest
from features.common.settings import explain
from features.turning_away import BY_NAME, TurningAway
from models.rules.rules import Rules, check_thresholds
from models.rules.schema import FitRule, RuleBook

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Doubt:
    """One thing worth a look: the line of the file it stands in (None: the whole), and a sentence."""

    line: int | None
    sentence: str

    def __str__(self) -> str:
        return self.sentence if self.line is None else f"line {self.line}: {self.sentence}"


def read_with_lines(path: Path) -> tuple[Rules, dict[KeyPath, int]]:
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
        line_numbers = sorted({line for e in error.errors() if (line := _line_of(lines, e["loc"]))})
        source = (
            f"{path}, line{'s' if len(line_numbers) > 1 else ''} {', '.join(map(str, line_numbers))}"
            if line_numbers
            else str(path)
        )
        raise explain(error, RuleBook, source) from error
    return Rules(book), lines


def doubts(
    rules: Rules,
    lines: Mapping[KeyPath, int],
    stages: Sequence[str],
    types: Collection[str] | None = None,
    columns: Collection[str] | None = None,
    turning_away: TurningAway = BY_NAME,
    values: Mapping[str, Collection[object]] | None = None,
) -> list[Doubt]:
    """Everything that is allowed and yet hardly meant. `types` and `columns` are those of the data, where they are known, and
    `values` what the columns hold; `turning_away`: which of its types turn away, others by their names.

    Raises
    ------
    ConfigError
        if the thresholds name no lead stage of the funnel `stages`, or do not rise along it.
    """
    check_thresholds(rules, stages)
    findings = [*_reach(rules, lines), *_caps(rules, lines), *_duplicates(rules, lines), *_bands(rules, lines)]
    findings += _turning_away(rules, lines, turning_away)
    if types is not None:
        findings += _unknown_types(rules, lines, types)
    if columns is not None:
        findings += [
            Doubt(
                lines.get(("fit", i, "attribute")),
                f"no attribute {fit.attribute!r} in the data: {nearest(fit.attribute, columns)}",
            )
            for i, fit in enumerate(rules.book.fit)
            if fit.attribute not in columns
        ]
    findings += _unheld(rules, lines, values or {})
    return sorted(findings, key=lambda doubt: doubt.line or 0)


def _unheld(rules: Rules, lines: Mapping[KeyPath, int], values: Mapping[str, Collection[object]]) -> list[Doubt]:
    """Fit rules that no value of the data fulfils, and words of a list that none is."""
    findings = []
    for i, fit in enumerate(rules.book.fit):
        data_values = [value for value in values.get(fit.attribute, ()) if not is_missing(value)]
        if not data_values:
            continue
        line, equals = lines.get(("fit", i)), fit.conditions.get("equals")
        words = [equals] if isinstance(equals, str) else list(equals or ())
        lacking = [word for word in words if read_key(word) not in {read_key(value) for value in data_values}]
        for word in lacking:
            country = same_country(word, map(str, data_values))
            remedy = f"did you mean {country!r}?" if country else nearest(word, data_values)
            findings.append(Doubt(line, f"no {fit.attribute!r} in the data is {word!r}: {remedy}"))
        if not lacking and not any(fit.holds(value) for value in data_values):
            findings.append(
                Doubt(line, f"nobody in the data fulfils this rule: {fit.attribute!r} holds {_held_values(data_values)}")
            )
    return findings


def _held_values(values: Sequence[object]) -> str:
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) == len(values):
        return f"{min(numbers):g} to {max(numbers):g}"
    return ", ".join(repr(value) for value in values[:5]) + (f" and {len(values) - 5} more" if len(values) > 5 else "")


def _unknown_types(rules: Rules, lines: Mapping[KeyPath, int], types: Collection[str]) -> list[Doubt]:
    return [
        Doubt(lines.get(("behaviour", i, "interaction")), f"no interaction {name!r} in the data: {nearest(name, types)}")
        for i, rule in enumerate(rules.book.behaviour)
        for name in rule.types
        if name not in types
    ]


def _turning_away(rules: Rules, lines: Mapping[KeyPath, int], turning_away: TurningAway) -> list[Doubt]:
    """Points for what speaks against a lead."""
    return [
        Doubt(
            lines.get(("behaviour", i, "points")),
            f"{name!r} is turning away, and this rule gives points for it: did you mean {-rule.points:g}? "
            "The rules count it as written, the model does not learn from it",
        )
        for i, rule in enumerate(rules.book.behaviour)
        for name in rule.types
        if rule.points > 0 and turning_away.of_other(name)
    ]


def max_points(rules: Rules) -> tuple[float, float]:
    """The most points that engagement and fit can give, caps included."""
    book = rules.book
    engagement = sum(rule.max_points for rule in book.behaviour)
    fit = sum(max(rule.points, 0.0) for rule in book.fit)
    return min(engagement, book.caps.engagement or float("inf")), min(fit, book.caps.fit or float("inf"))


def _reach(rules: Rules, lines: Mapping[KeyPath, int]) -> list[Doubt]:
    engagement, fit = max_points(rules)
    findings = [
        Doubt(
            lines.get(("thresholds", stage)),
            f"nobody can become {stage} with {threshold:g} points: all rules together give at most {engagement + fit:g} "
            f"({engagement:g} for engagement, {fit:g} for fit); lower it, or raise caps or points",
        )
        for stage, threshold in rules.thresholds
        if engagement + fit < threshold
    ]
    grades = rules.book.grades
    for name, edges, reach in (("fit", grades.fit, fit), ("engagement", grades.engagement, engagement)) if grades else ():
        for grade, threshold in edges.items():
            if reach < threshold:
                line = lines.get(("grades", name, str(grade))) or lines.get(("grades", name)) or lines.get(("grades",))
                findings.append(
                    Doubt(line, f"nobody can be graded {grade} with {threshold:g} points of {name}: they are at most {reach:g}")
                )
    return findings


def _caps(rules: Rules, lines: Mapping[KeyPath, int]) -> list[Doubt]:
    """A rule that alone may give more than its group."""
    findings = []
    for group, cap in (("behaviour", rules.book.caps.engagement), ("fit", rules.book.caps.fit)):
        for i, rule in enumerate(getattr(rules.book, group)):
            rule_points = rule.points if group == "fit" else (rule.at_most if rule.at_most is not None else rule.points)
            if cap is not None and rule_points > cap:
                line = lines.get((group, i, "at_most")) or lines.get((group, i))
                findings.append(Doubt(line, f"this rule may give {rule_points:g} points, its whole group no more than {cap:g}"))
    return findings


def _duplicates(rules: Rules, lines: Mapping[KeyPath, int]) -> list[Doubt]:
    """Two rules that count the same thing in the same way, where one was meant to replace the other."""
    findings = []
    for group in ("behaviour", "fit"):
        first_index: dict[str, int] = {}
        for i, rule in enumerate(getattr(rules.book, group)):
            key = str(rule.model_dump(exclude={"points", "at_most"} if group == "behaviour" else {"points"}))
            if key in first_index:
                first_line = lines.get((group, first_index[key]))
                findings.append(
                    Doubt(lines.get((group, i)), f"the same condition as in line {first_line}: both give their points")
                )
            first_index.setdefault(key, i)
    return findings


def _bands(rules: Rules, lines: Mapping[KeyPath, int]) -> list[Doubt]:
    """Bands of a number, each with both ends, that overlap: whoever lies in both gets the points of both."""
    bands = [(i, rule) for i, rule in enumerate(rules.book.fit) if rule.at_least is not None and rule.at_most is not None]
    findings = []
    for position, (i, band) in enumerate(bands):
        if _width(band) < 0:
            findings.append(Doubt(lines.get(("fit", i)), f"nobody is at least {band.at_least:g} and at most {band.at_most:g}"))
        for j, other_band in bands[position + 1 :]:
            low, high = max(band.at_least or 0, other_band.at_least or 0), min(band.at_most or 0, other_band.at_most or 0)
            if band.attribute == other_band.attribute and low <= high:
                overlap = f"{low:g}" if low == high else f"{low:g} to {high:g}"
                first_line = lines.get(("fit", i))
                findings.append(
                    Doubt(
                        lines.get(("fit", j)),
                        f"this band overlaps that of line {first_line}: {overlap} gets the points of both",
                    )
                )
    return findings


def _width(rule: FitRule) -> float:
    return (rule.at_most or 0.0) - (rule.at_least or 0.0)


def _lines(node: Any, key_path: KeyPath = ()) -> dict[KeyPath, int]:
    """Every place of a YAML document and the line (from 1) where it begins."""
    if node is None:
        return {}
    lines = {key_path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            lines |= _lines(value, (*key_path, str(key.value)))
            lines[(*key_path, str(key.value))] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            lines |= _lines(value, (*key_path, i))
    return lines


def _line_of(lines: Mapping[KeyPath, int], key_path: KeyPath) -> int | None:
    """The line of a place, or of the nearest thing around it."""
    for end in range(len(key_path), 0, -1):
        if key_path[:end] in lines:
            return lines[key_path[:end]]
    return None
