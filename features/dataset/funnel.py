"""The funnel: the ordered lead stages of one business, its exits and a horizon per transition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from features.common.errors import ConfigError, nearest

DEFAULT_STAGES = ("lead", "mql", "sql", "customer")
DEFAULT_EXITS = ("disqualified", "lost")


@dataclass(frozen=True)
class Funnel:
    """Ordered lead stages, exits, and `horizons`: for each lead stage but the first, the days within which it must be reached.

    A horizon may be left out; `features.dataset.labels.choose_horizons` then picks it from the data.

    Raises
    ------
    ConfigError
        for fewer than two lead stages, a name used twice, or a horizon that is not positive or of an unknown lead stage.
    """

    stages: tuple[str, ...] = DEFAULT_STAGES
    exits: tuple[str, ...] = DEFAULT_EXITS
    horizons: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [*self.stages, *self.exits]
        if len(self.stages) < 2:
            raise ConfigError(
                f"A funnel needs at least two lead stages, got {list(self.stages)}.",
                "Name where leads start and what counts as success, for example [lead, customer].",
            )
        duplicates = sorted({n for n in names if names.count(n) > 1})
        if duplicates:
            raise ConfigError(f"The funnel names {duplicates[0]!r} twice.", "Every lead stage and exit needs its own name.")
        for stage, days in self.horizons.items():
            if stage not in self.stages[1:]:
                raise ConfigError(
                    f"There is a horizon for {stage!r}, which is no lead stage that can be reached: "
                    f"{nearest(stage, self.stages[1:])}"
                )
            if not days > 0:
                raise ConfigError(f"The horizon of {stage!r} is {days} days.", "Give a positive number of days.")

    @property
    def targets(self) -> tuple[str, ...]:
        """The lead stages that can be reached: all but the first."""
        return self.stages[1:]

    @property
    def final(self) -> str:
        return self.stages[-1]

    @property
    def open_stages(self) -> tuple[str, ...]:
        """The lead stages in which a lead can still progress: all but the last."""
        return self.stages[:-1]

    def position(self, stage: str) -> int:
        """0 for the first lead stage, and so on.

        Raises
        ------
        ConfigError
            if the funnel has no such lead stage.
        """
        if stage not in self.stages:
            raise ConfigError(
                f"{stage!r} is no lead stage of the funnel {' → '.join(self.stages)}: {nearest(stage, self.stages)}"
            )
        return self.stages.index(stage)

    def with_horizons(self, horizons: Mapping[str, float]) -> Funnel:
        """The same funnel with these horizons for the lead stages that have none yet."""
        return Funnel(self.stages, self.exits, {**horizons, **self.horizons})
