"""What every feature is: a frozen dataclass of parameters that computes its own column name and says in words what it means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from features.common.words import Language, type_words

Part = Literal["engagement", "fit", "timing", "rules"]
Mark = Literal["visit", "active_day", "turned_away"]


@dataclass(frozen=True)
class InteractionFilter:
    """Which interactions count: of these types (all when empty), in this direction (any when None).

    `mark` takes instead the interactions that open a visit (inbound, more than 30 minutes after the one before) or a day
    (UTC) with any interaction at all, or those that turn away. Without `types` none that turns away counts but by that mark:
    it is no activity (`features.turning_away`).
    """

    name: str
    types: tuple[str, ...] = ()
    direction: Literal["in", "out"] | None = None
    mark: Mark | None = None

    def words(self, language: Language) -> str:
        return type_words(self.name, language)


VISITS = InteractionFilter("visit", mark="visit")
ACTIVE_DAYS = InteractionFilter("active_day", mark="active_day")
TURNED_AWAY = InteractionFilter("turned_away", mark="turned_away")


@dataclass(frozen=True)
class Feature(ABC):
    """The common face of all features: `name` (the column), `label` and `unit` in words, `group` for reasons, `part`."""

    part: ClassVar[Part] = "engagement"
    integral: ClassVar[bool] = False  # a count: whole numbers, never missing

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    def group(self) -> str:
        """Features of one group tell one story and are summed into one reason."""
        return self.name

    @abstractmethod
    def label(self, language: Language = "en") -> str: ...

    @abstractmethod
    def unit(self, language: Language = "en") -> str: ...

    def to_dict(self) -> dict[str, Any]:
        return {"feature": type(self).__name__, **asdict(self)}


def window_name(days: float | None) -> str:
    """The end of a column's name for a window: `30d`, or `ever`."""
    return "ever" if days is None else f"{days:g}d"
