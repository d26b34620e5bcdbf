"""The kinds of features: each a frozen dataclass of parameters, with its column name, label and unit.

A feature never touches data. `features.engine.plan` compiles a list of them into instructions for one walk along the history;
the tests hold a second, naive implementation of each. Those of the account stand in `features.spec_accounts`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from features.common.errors import ModelError, nearest
from features.common.words import Language, phrase
from features.feature import Feature, InteractionFilter, window_name
from features.spec_accounts import ColleaguesActive, ColleaguesCount, ColleaguesSilence, GroupSize


@dataclass(frozen=True)
class Count(Feature):
    """How often, in the `days` before as_of (None: ever). Whole number, 0 for an empty history."""

    what: InteractionFilter
    days: float | None = None
    integral = True

    @property
    def name(self) -> str:
        return f"{self.what.name}.count_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("count", language, self.days, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return phrase("times", language)


@dataclass(frozen=True)
class Total(Feature):
    """Sum of the interactions' `value` in the `days` before as_of, exact to a thousandth; 0 for an empty history."""

    what: InteractionFilter
    days: float | None = None

    @property
    def name(self) -> str:
        return f"{self.what.name}.total_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("total", language, self.days, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return ""


@dataclass(frozen=True)
class DaysSince(Feature):
    """Days from the last such interaction to as_of; NaN when there was none. `first` asks for the first instead."""

    what: InteractionFilter
    first: bool = False

    @property
    def name(self) -> str:
        return f"{self.what.name}.days_since_{'first' if self.first else 'last'}"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("since_first" if self.first else "since_last", language, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return phrase("days", language)


@dataclass(frozen=True)
class Decayed(Feature):
    """Exponential decay: sum over earlier interactions of 2^(-age / half-life), frequency and recency in one; 0 when none."""

    what: InteractionFilter
    half_life_days: float

    @property
    def name(self) -> str:
        return f"{self.what.name}.decayed_{self.half_life_days:g}d"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("decayed", language, self.half_life_days, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return ""


@dataclass(frozen=True)
class Share(Feature):
    """Count of `what` over count of `of` in the same window, such as clicks per mail sent; NaN when there was no `of`."""

    what: InteractionFilter
    of: InteractionFilter
    days: float | None = None

    @property
    def name(self) -> str:
        return f"{self.what.name}.per_{self.of.name}_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("share", language, self.days, what=self.what.words(language), of=self.of.words(language))

    def unit(self, language: Language = "en") -> str:
        return ""


@dataclass(frozen=True)
class Trend(Feature):
    """log2((1 + count in the last `days`) / (1 + count in the `days` before those)): 0 steady, 1 about doubled, -1 halved."""

    what: InteractionFilter
    days: float

    @property
    def name(self) -> str:
        return f"{self.what.name}.trend_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return self.what.name

    def label(self, language: Language = "en") -> str:
        return phrase("trend", language, self.days, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return phrase("doublings", language)


@dataclass(frozen=True)
class Gap(Feature):
    """Rhythm of visits: days between one and the next, on average, or with `spread` their standard deviation.

    Gaps are whole minutes. NaN with fewer than two visits (spread: three).
    """

    spread: bool = False

    @property
    def name(self) -> str:
        return f"visit.gap_{'spread' if self.spread else 'mean'}"

    @property
    def group(self) -> str:
        return "visit"

    def label(self, language: Language = "en") -> str:
        return phrase("gap_spread" if self.spread else "gap_mean", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("days", language)


@dataclass(frozen=True)
class Silence(Feature):
    """Days since the last visit over the mean gap of the lead's own visits: 1 is its usual rhythm, 5 unusually quiet.

    NaN with fewer than two visits or a mean gap under a minute.
    """

    @property
    def name(self) -> str:
        return "visit.silence"

    @property
    def group(self) -> str:
        return "visit"

    def label(self, language: Language = "en") -> str:
        return phrase("silence", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("ratio", language)


@dataclass(frozen=True)
class Variety(Feature):
    """How many different interaction types, ever or in the `days` before as_of. Whole number."""

    days: float | None = None
    integral = True

    @property
    def name(self) -> str:
        return f"variety.types_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return "variety"

    def label(self, language: Language = "en") -> str:
        return phrase("variety", language, self.days)

    def unit(self, language: Language = "en") -> str:
        return ""


@dataclass(frozen=True)
class Topics(Feature):
    """How many different contents the lead has touched, or with `deepest` how often the one it touched most."""

    deepest: bool = False
    integral = True

    @property
    def name(self) -> str:
        return "topic.depth" if self.deepest else "topic.breadth"

    @property
    def group(self) -> str:
        return "topic"

    def label(self, language: Language = "en") -> str:
        return phrase("topic_depth" if self.deepest else "topic_breadth", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("times", language) if self.deepest else ""


@dataclass(frozen=True)
class Age(Feature):
    """Days from creation, or with `in_stage` from entering the lead stage, to as_of."""

    in_stage: bool = False
    part = "timing"

    @property
    def name(self) -> str:
        return "age.lead_stage" if self.in_stage else "age.lead"

    def label(self, language: Language = "en") -> str:
        return phrase("stage_age" if self.in_stage else "lead_age", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("days", language)


@dataclass(frozen=True)
class InStage(Feature):
    """1 when the lead is in this lead stage at as_of, else 0."""

    lead_stage: str
    position: int
    part = "timing"
    integral = True

    @property
    def name(self) -> str:
        return f"lead_stage={self.lead_stage}"

    @property
    def group(self) -> str:
        return "lead_stage"

    def label(self, language: Language = "en") -> str:
        return phrase("in_stage", language, stage=self.lead_stage)

    def unit(self, language: Language = "en") -> str:
        return ""


@dataclass(frozen=True)
class CreatedOn(Feature):
    """When the lead came: `weekday` 0 (Monday) … 6, or `hour` 0 … 23, both UTC. Whole number."""

    field: Literal["weekday", "hour"]
    part = "timing"
    integral = True

    @property
    def name(self) -> str:
        return f"created.{self.field}"

    def label(self, language: Language = "en") -> str:
        return phrase(f"created_{self.field}", language)

    def unit(self, language: Language = "en") -> str:
        return ""


_KINDS: dict[str, type[Feature]] = {
    kind.__name__: kind
    for kind in (
        Count, Total, DaysSince, Decayed, Share, Trend, Gap, Silence, Variety, Topics,
        ColleaguesCount, ColleaguesActive, ColleaguesSilence, GroupSize, Age, InStage, CreatedOn,
    )
}  # fmt: skip


def feature_from_dict(saved: dict[str, Any]) -> Feature:
    """The way back from `Feature.to_dict`.

    Raises
    ------
    ModelError
        for a kind of feature that this Ripeline does not know.
    """
    parameters = dict(saved)
    kind = parameters.pop("feature", None)
    if kind not in _KINDS:
        raise ModelError(
            f"The feature spec names the unknown kind {kind!r}: {nearest(str(kind), _KINDS)}",
            "The model was made by another version of Ripeline: train anew, or use that version.",
        )
    for key in ("what", "of"):
        if key in parameters:
            parameters[key] = InteractionFilter(**{**parameters[key], "types": tuple(parameters[key]["types"])})
    return _KINDS[kind](**parameters)
