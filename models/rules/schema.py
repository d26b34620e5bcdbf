"""The contents of a rules file: rules for behaviour and fit, caps, grades, thresholds, checked as they are read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from features.attributes.titles import parse_title
from features.attributes.values import FREE_MAIL, NO_WORDS, YES_WORDS, is_missing
from features.common.settings import Settings
from features.common.words import Language, type_words
from features.feature import Feature, InteractionFilter
from features.spec import Count, Decayed


class BehaviourRule(Settings):
    """Points each time a lead does something."""

    interaction: str | list[str]
    points: float
    days: float | None = Field(None, gt=0, description="only the last so many days; omitted: ever")
    at_most: float | None = Field(None, ge=0, description="most points this rule gives or takes")
    half_life: float | None = Field(None, gt=0, description="days in which a point fades to half")
    times: int | None = Field(None, ge=2, description="points are given once, when it happened so many times in `days`")

    @model_validator(mode="after")
    def _one_clock(self) -> Self:
        if self.days is not None and self.half_life is not None:
            raise ValueError("give either `days` or `half_life`, not both: a point that fades needs no window")
        if self.half_life is not None and self.times is not None:
            raise ValueError("give either `times` or `half_life`, not both: what fades cannot be counted")
        return self

    @property
    def types(self) -> tuple[str, ...]:
        return (self.interaction,) if isinstance(self.interaction, str) else tuple(self.interaction)

    @property
    def feature(self) -> Feature:
        interactions = InteractionFilter("+".join(self.types), self.types)
        return Decayed(interactions, self.half_life) if self.half_life else Count(interactions, self.days)

    @property
    def max_points(self) -> float:
        """The most points it can give; endless without `at_most` or `times`."""
        if self.points <= 0:
            return 0.0
        limit = np.inf if self.times is None else self.points
        return float(limit if self.at_most is None else min(limit, self.at_most))

    def words(self, language: Language = "en") -> str:
        label = " + ".join(type_words(t, language) for t in self.types)
        return label if self.times is None else f"{label} ≥ {self.times}"


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _equals(value: object, expected: str | list[str]) -> bool:
    names = [expected] if isinstance(expected, str) else expected
    if isinstance(value, (bool, np.bool_)):  # "Yes" in the rules means a flag that is set, however the data spell it
        return any(name.strip().casefold() in (YES_WORDS if value else NO_WORDS) for name in names)
    return str(value).strip().casefold() in {n.strip().casefold() for n in names}


def _seniority(value: object) -> float:
    level = parse_title(str(value)).seniority
    return float("nan") if level is None else level


def _free_mail(value: object, expected: bool) -> bool:
    return (str(value).strip().casefold() in FREE_MAIL) == expected


def _number_at_least(value: object, expected: float) -> bool:
    return _number(value) >= expected


def _number_at_most(value: object, expected: float) -> bool:
    return _number(value) <= expected


def _senior_at_least(value: object, expected: int) -> bool:
    return _seniority(value) >= expected


def _senior_at_most(value: object, expected: int) -> bool:
    return _seniority(value) <= expected


def _function(value: object, expected: str | list[str]) -> bool:
    return _equals(parse_title(str(value)).function, expected)


@dataclass(frozen=True)
class Condition:
    """What a field of a fit rule asks of a value, given what the rule says. Its function has a name, since rules that have been
    asked are sent to other processes with what they remember."""

    holds: Callable[[object, Any], bool]


class FitRule(Settings):
    """Points for what a lead or its company is. All conditions given must hold."""

    attribute: str = Field(pattern=r"^(lead|company)\..+")
    points: float
    at_least: Annotated[float | None, Condition(_number_at_least)] = None
    at_most: Annotated[float | None, Condition(_number_at_most)] = None
    equals: Annotated[str | list[str] | None, Condition(_equals)] = None
    seniority_at_least: Annotated[int | None, Condition(_senior_at_least)] = None
    seniority_at_most: Annotated[int | None, Condition(_senior_at_most)] = None
    function: Annotated[str | list[str] | None, Condition(_function)] = None
    free_mail: Annotated[bool | None, Condition(_free_mail)] = None

    @model_validator(mode="after")
    def _some_condition(self) -> Self:
        if not self.conditions:
            raise ValueError("a fit rule needs a condition, such as `at_least: 50` or `equals: Germany`")
        return self

    @cached_property
    def conditions(self) -> dict[str, Any]:
        return {k: v for k, v in self.model_dump(exclude={"attribute", "points"}).items() if v is not None}

    @cached_property
    def entity_column(self) -> tuple[str, str]:
        entity, _, column = self.attribute.partition(".")
        return entity, column

    def holds(self, value: object) -> bool:
        """Whether all conditions hold for this value; a missing value fulfils none."""
        if is_missing(value):
            return False
        for condition, expected in self._conditions:  # noqa: SIM110  a generator costs more than a condition
            if not condition(value, expected):
                return False
        return True

    @cached_property
    def _conditions(self) -> tuple[tuple[Callable[[object, Any], bool], Any], ...]:
        return tuple((CONDITIONS[name], expected) for name, expected in self.conditions.items())

    def words(self) -> str:
        return f"{self.attribute} " + ", ".join(f"{k.replace('_', ' ')} {_plain(v)}" for k, v in self.conditions.items())


def condition_functions() -> dict[str, Callable[[object, Any], bool]]:
    """Field of `FitRule` → what it asks.

    Raises
    ------
    TypeError
        for a condition that does not say it: rules could name it and would never be judged.
    """
    functions = {}
    for name, field in FitRule.model_fields.items():
        if name not in ("attribute", "points"):
            conditions = [mark.holds for mark in field.metadata if isinstance(mark, Condition)]
            if len(conditions) != 1:
                raise TypeError(f"The field {name!r} of a fit rule must say with one Condition(…) what it asks of a value.")
            functions[name] = conditions[0]
    return functions


CONDITIONS = condition_functions()


class Caps(Settings):
    """The most points a group of rules gives together."""

    engagement: float | None = Field(None, gt=0)
    fit: float | None = Field(None, gt=0)


class Grades(Settings):
    """Points from which a lead is of which grade: `fit` A or B (else C), `engagement` 1 or 2 (else 3)."""

    fit: dict[Literal["A", "B"], float]
    engagement: dict[Literal["1", "2"], float]

    @field_validator("engagement", mode="before")
    @classmethod
    def _as_text(cls, edges: object) -> object:
        """YAML reads 1 as a number, JSON keeps only text."""
        return {str(key): value for key, value in edges.items()} if isinstance(edges, dict) else edges

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for name, best, second in (("fit", "A", "B"), ("engagement", "1", "2")):
            edges: dict[Any, float] = getattr(self, name)
            if set(edges) != {best, second}:
                raise ValueError(f"give `{name}` both edges, {best} and {second}; below the second a lead is the third grade")
            if edges[best] <= edges[second]:
                raise ValueError(
                    f"the bands of `{name}` overlap: {best} needs more points than {second}, "
                    f"not {edges[best]:g} against {edges[second]:g}"
                )
        return self


class RuleBook(Settings):
    """The contents of a rules file; who wrote it when, and whether it is in use, is for its readers."""

    version: Literal[1] = 1
    status: Literal["draft", "active"] = "active"
    author: str | None = None
    date: dt.date | None = None
    note: str | None = None
    thresholds: dict[str, float] = Field(default_factory=dict, description="lead stage → points from which it is recommended")
    caps: Caps = Caps()
    grades: Grades | None = None
    behaviour: list[BehaviourRule] = Field(default_factory=list)
    fit: list[FitRule] = Field(default_factory=list)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.behaviour and not self.fit:
            raise ValueError("there is no rule in it; give `behaviour:` or `fit:` rules")
        return self
