"""Rules: points for behaviour and fit, read from `rules.yaml` and evaluated by the same feature engine as the model."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import ValidationError

from features.common.compiled import compiled, inlined
from features.common.errors import ConfigError, nearest
from features.common.settings import explain
from features.common.words import Language
from features.feature import Feature
from features.turning_away import TurningAway
from models.common.types import Floats, Matrix
from models.rules.schema import BehaviourRule, FitRule, RuleBook

DEFAULT_RULES = Path(__file__).resolve().parents[1] / "rules.yaml"

GRADES = tuple(tuple(letter + number for number in "321") for letter in "CBA")  # by the thirds, or thresholds, reached
FACTORIZE_ROWS = 1_000  # values, from which telling them apart at once is quicker

Values = Callable[[str, str], Sequence[object]]  # (entity, column) → one value per lead


@dataclass(frozen=True)
class Points:
    """What the rules say of n leads: total `points` (n,), and `lines` (n, rules) that with `capped` (n,) sum to them.

    `learned_from` (n,) are the points that a model sees: those of all rules but the `unlearned` ones. `grade` (n,): fit ×
    engagement as "A1" … "C3"; None where the rules have no grades.
    """

    points: Floats
    lines: Floats
    capped: Floats
    learned_from: Floats
    grade: list[str] | None = None


@dataclass(frozen=True)
class Rules:
    """A rule book, or scorecard, ready to be used.

    `turning_away` are the interaction types of the data that speak against a lead. Points that a rule gives for them are the
    customer's word; no model learns from them, so that none can be raised by turning away.
    """

    book: RuleBook
    turning_away: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path | str | None = None) -> Rules:
        """Read a rules file; None is the default one.

        Raises
        ------
        ConfigError
            if the file is missing, is no YAML or breaks a rule of rules; the message names the place.
        """
        file = Path(path) if path else DEFAULT_RULES
        try:
            content = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"The rules file {file} cannot be read: {error.strerror}.", "Check `rules:`.") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"The rules file {file} is not valid YAML: {error}.", "Mend it at that line.") from error
        return cls.from_dict(content, str(file))

    @classmethod
    def from_dict(cls, content: Any, source: str = "rules") -> Rules:
        try:
            return cls(RuleBook.model_validate(content))
        except ValidationError as error:
            raise explain(error, RuleBook, source) from error

    def for_stages(self, stages: Collection[str]) -> Rules:
        """The same rules without thresholds for lead stages that this funnel lacks; for the default rules, not a user's own."""
        thresholds = {stage: points for stage, points in self.book.thresholds.items() if stage in stages}
        return replace(self, book=self.book.model_copy(update={"thresholds": thresholds}))

    def among(self, turning_away: TurningAway) -> Rules:
        """The same rules for data in which these types turn away."""
        return replace(self, turning_away=turning_away.types)

    def drop_attributes(self, attributes: Collection[str]) -> Rules:
        """The same rules without fit rules that look at these attributes ("lead.budget").

        Raises
        ------
        ConfigError
            if no rule is left.
        """
        fit_rules = [rule for rule in self.book.fit if rule.attribute not in attributes]
        if not fit_rules and not self.book.behaviour:
            raise ConfigError(
                f"Every rule looks at a column that is left out ({', '.join(sorted({r.attribute for r in self.book.fit}))}).",
                "Give `rules:` others, or keep a column that was known in time with `audit: {insist: [...]}`.",
            )
        return replace(self, book=self.book.model_copy(update={"fit": fit_rules}))

    def to_dict(self) -> dict[str, Any]:
        return self.book.model_dump(mode="json", exclude_none=True)

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One feature per behaviour rule, in order."""
        return tuple(rule.feature for rule in self.book.behaviour)

    @cached_property
    def unlearned(self) -> npt.NDArray[np.bool_]:
        """Behaviour rules (behaviour rules,) that give points for turning away."""
        return np.array([rule.points > 0 and not self._active(rule) for rule in self.book.behaviour], bool)

    @cached_property
    def takes_for_turning_away(self) -> bool:
        """Whether a rule takes points for turning away: then more points must never lower a chance."""
        return any(rule.points < 0 and not self._active(rule) for rule in self.book.behaviour)

    def _active(self, rule: BehaviourRule) -> bool:
        return not any(name in self.turning_away for name in rule.types)

    @cached_property
    def thresholds(self) -> list[tuple[str, float]]:
        """(lead stage, points), rising."""
        return sorted(self.book.thresholds.items(), key=lambda item: item[1])

    @cached_property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """The (entity, column) that the fit rules look at."""
        return tuple(dict.fromkeys(rule.entity_column for rule in self.book.fit))

    def labels(self, language: Language = "en") -> list[str]:
        """One label per rule, behaviour first."""
        return [*(rule.words(language) for rule in self.book.behaviour), *(rule.words() for rule in self.book.fit)]

    def idle(self, types: Collection[str], columns: Collection[str]) -> list[str]:
        """Sentences on rules that can give no points here, because the data hold no such interaction or attribute."""
        notes = []
        if self.book.behaviour and not types:
            notes.append(
                f"the data hold no interactions: none of the {len(self.book.behaviour)} rules on behaviour gives points"
            )
        for rule in self.book.behaviour if types else ():
            unknown = [t for t in rule.types if t not in types]
            if len(unknown) == len(rule.types):
                notes.append(f"rule on {unknown[0]!r}: no such interaction in the data, {nearest(unknown[0], types)}")
        notes += [
            f"rule on {fit.attribute!r}: no such attribute in the data, {nearest(fit.attribute, columns)}"
            for fit in self.book.fit
            if fit.attribute not in columns
        ]
        return notes

    def points(self, behaviour: Matrix, values: Values) -> Points:
        """Points of n leads from `behaviour` (behaviour rules, n), the values of `features`, and their attributes."""
        count = behaviour.shape[1]
        lines, out = np.empty((count, len(self.book.behaviour) + len(self.book.fit))), np.empty((count, 5))
        rows, places = np.ascontiguousarray(behaviour), np.arange(len(self.book.behaviour))
        _each_lead(rows, places, self.behaviour_table, self.limits, self.fits(values, count), lines, out)
        return Points(out[:, 0], lines, out[:, 1], out[:, 4], self.grades(out[:, 2], out[:, 3]))

    def fits(self, values: Values, count: int) -> Floats:
        """Points of the fit rules (count, fit rules) for the attributes of so many leads."""
        out = np.zeros((count, len(self.book.fit)))
        if count == 1:
            for i, (column, points, holds) in enumerate(self._fit):
                (value,) = values(*column)
                if value is not None and holds(value):
                    out[0, i] = points
            return out
        columns = {column: Column.from_values(values(*column)) for column in self.attributes}
        for i, fit in enumerate(self.book.fit):
            out[:, i] = fit.points * columns[fit.entity_column].holds(fit)
        return out

    @cached_property
    def _fit(self) -> tuple[tuple[tuple[str, str], float, Callable[[object], bool]], ...]:
        """What `fits` asks each fit rule for a lead."""
        return tuple((rule.entity_column, rule.points, rule.holds) for rule in self.book.fit)

    @cached_property
    def behaviour_table(self) -> Floats:
        """Of each behaviour rule, one after the other: points, the times it must have happened (NaN: each time counts), the
        most points (endless), and 1 where a model learns from it."""
        return np.array(
            [
                number
                for rule, unlearned in zip(self.book.behaviour, self.unlearned.tolist(), strict=True)
                for number in (
                    rule.points,
                    np.nan if rule.times is None else rule.times,
                    np.inf if rule.at_most is None else rule.at_most,
                    not unlearned,
                )
            ],
            np.float64,
        )

    @cached_property
    def limits(self) -> Floats:
        """The caps of engagement and fit, then the points for B and A, 2 and 1; endless where there is none."""
        caps, grades = self.book.caps, self.book.grades
        edges = [grades.fit["B"], grades.fit["A"], grades.engagement["2"], grades.engagement["1"]] if grades else [np.inf] * 4
        return np.array([caps.engagement or np.inf, caps.fit or np.inf, *edges], np.float64)

    def grades(self, fit: Floats, engagement: Floats) -> list[str] | None:
        """The grades of n leads from the thresholds that each has reached (n,); None without grades."""
        if self.book.grades is None:
            return None
        return grades_of(fit, engagement)

    def lead_stage(self, points: float) -> str | None:
        """The lead stage the rules recommend: the highest whose threshold is reached."""
        stages = [stage for stage, threshold in self.thresholds if points >= threshold]
        return stages[-1] if stages else None


def grade_of(fit: float, engagement: float) -> str:
    """The grade of the thirds, or thresholds, that were reached (0 … 2)."""
    return GRADES[int(fit)][int(engagement)]


def grades_of(fit: Floats, engagement: Floats) -> list[str]:
    """Those of n leads."""
    return list(map(grade_of, fit.tolist(), engagement.tolist()))


@compiled
def lead_points(behaviour: Any, places: Any, i: Any, table: Any, limits: Any, fits: Any, lines: Any) -> Any:
    """Points of lead i after caps, what the caps took, the thresholds of fit and engagement that it reached (0 … 2), and the
    points that a model sees.

    `behaviour` (rows, n) has the features of the rules in the rows `places`; `table` and `limits` as in `Rules`; `fits` are the
    points of the fit rules. The points of each rule go into `lines`, behaviour first.
    """
    engagement, learned, fit = 0.0, 0.0, 0.0
    for r in range(len(places)):
        lines[r] = _rule_points(np.float64(behaviour[places[r], i]), table[4 * r], table[4 * r + 1], table[4 * r + 2])
        engagement += lines[r]
        if table[4 * r + 3] != 0.0:
            learned += lines[r]
    for r in range(len(fits)):
        lines[len(places) + r] = fits[r]
        fit += fits[r]
    capped_engagement, capped_fit = min(engagement, limits[0]), min(fit, limits[1])
    points = capped_engagement + capped_fit
    letter = np.float64(capped_fit >= limits[2]) + np.float64(capped_fit >= limits[3])
    number = np.float64(capped_engagement >= limits[4]) + np.float64(capped_engagement >= limits[5])
    return points, points - engagement - fit, letter, number, min(learned, limits[0]) + capped_fit


@inlined
def _rule_points(amount: Any, points: Any, times: Any, limit: Any) -> Any:
    """What one behaviour rule gives."""
    if not np.isnan(times):
        amount = 1.0 if amount >= times else 0.0
    return min(max(points * amount, -limit), limit)


@compiled
def _each_lead(behaviour: Any, places: Any, table: Any, limits: Any, fits: Any, lines: Any, out: Any) -> None:
    for i in range(len(out)):
        out[i, 0], out[i, 1], out[i, 2], out[i, 3], out[i, 4] = lead_points(
            behaviour, places, i, table, limits, fits[i], lines[i]
        )


@dataclass(frozen=True)
class Column:
    """The values (n,) of an attribute for rules to look at. Many of one type are told apart once, for all rules."""

    values: Sequence[object]
    codes: npt.NDArray[np.intp] | None = None

    @classmethod
    def from_values(cls, values: Sequence[object]) -> Column:
        if len(values) <= FACTORIZE_ROWS or len(set(map(type, values)) - {type(None)}) > 1:
            return cls(values)
        import pandas as pd  # a request never needs it

        codes, distinct = pd.factorize(np.asarray(values, object))  # missing values have the code -1
        return cls([*distinct], codes)

    def holds(self, rule: FitRule) -> Floats:
        """1 where the rule holds (n,), else 0; each distinct value is judged once."""
        if self.codes is not None:
            return np.append([float(rule.holds(value)) for value in self.values], 0.0)[self.codes]
        judged: dict[tuple[type, object], bool] = {}  # by type too: True, 1 and 1.0 are one key but read differently
        out = np.zeros(len(self.values))
        for i, value in enumerate(self.values):
            key = (type(value), value)
            verdict = judged.get(key)
            if verdict is None:
                verdict = judged[key] = rule.holds(value)
            out[i] = verdict
        return out


def check_thresholds(rules: Rules, stages: Mapping[str, int] | Sequence[str]) -> None:
    """Thresholds must name lead stages of the funnel and rise along it.

    Raises
    ------
    ConfigError
        naming the threshold that does not.
    """
    order = list(stages)
    for stage in rules.book.thresholds:
        if stage not in order[1:]:
            raise ConfigError(
                f"The rules have a threshold for {stage!r}: {nearest(stage, order[1:])}.", "Use the funnel's names."
            )
    rising = [rules.book.thresholds[s] for s in order if s in rules.book.thresholds]
    if rising != sorted(rising):
        raise ConfigError(
            f"The thresholds of the rules do not rise along the funnel: {rules.book.thresholds}.",
            "A later lead stage needs at least as many points as the one before.",
        )
