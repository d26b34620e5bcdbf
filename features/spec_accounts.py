"""Features of the buying group: what the other people of a lead's account did, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass

from features.common.words import Language, phrase
from features.feature import Feature, InteractionFilter, window_name


@dataclass(frozen=True)
class ColleaguesCount(Feature):
    """Interactions of the other people of the account in the `days` before as_of. Whole number, 0 without colleagues."""

    what: InteractionFilter
    days: float | None = None
    integral = True

    @property
    def name(self) -> str:
        return f"colleagues.{self.what.name}.count_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return "colleagues"

    def label(self, language: Language = "en") -> str:
        return phrase("colleagues_count", language, self.days, what=self.what.words(language))

    def unit(self, language: Language = "en") -> str:
        return phrase("times", language)


@dataclass(frozen=True)
class ColleaguesActive(Feature):
    """How many other people of the account did anything in the `days` before as_of. NaN for accounts over 50 people."""

    days: float

    @property
    def name(self) -> str:
        return f"colleagues.active_{window_name(self.days)}"

    @property
    def group(self) -> str:
        return "colleagues"

    def label(self, language: Language = "en") -> str:
        return phrase("colleagues_active", language, self.days)

    def unit(self, language: Language = "en") -> str:
        return phrase("people", language)


@dataclass(frozen=True)
class ColleaguesSilence(Feature):
    """Days since any colleague did anything; NaN when none ever did, or for accounts over 50 people."""

    @property
    def name(self) -> str:
        return "colleagues.days_since_last"

    @property
    def group(self) -> str:
        return "colleagues"

    def label(self, language: Language = "en") -> str:
        return phrase("colleagues_silence", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("days", language)


@dataclass(frozen=True)
class GroupSize(Feature):
    """People of the account known before as_of, the lead included. Whole number, at least 1."""

    integral = True

    @property
    def name(self) -> str:
        return "colleagues.group_size"

    @property
    def group(self) -> str:
        return "colleagues"

    def label(self, language: Language = "en") -> str:
        return phrase("group_size", language)

    def unit(self, language: Language = "en") -> str:
        return phrase("people", language)
