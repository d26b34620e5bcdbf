"""What one can choose about the simulated business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import pandas as pd
from pydantic import Field

from connectors.common.source import SourceSettings
from features.common.errors import ConfigError


@dataclass(frozen=True)
class SimulatorSettings:
    """The size, span and seed of the simulated business.

    `leads` arrive over `days` days that end at `end`, the UTC date at whose midnight the data are extracted. `scanner_share`
    is the share of companies whose mail scanner opens and clicks every mail (0 for none); it changes no other row. `variety` is
    how far (one deviation, in log-odds) this business, drawn by its seed, differs from the usual one in what each attribute is
    worth, and its base rates and slopes in proportion; 0 is the usual one.

    Raises
    ------
    ConfigError
        for a number out of range or an `end` that is no date.
    """

    leads: int = 20_000
    days: int = 730
    seed: int = 7
    end: str = "2026-06-30"
    scanner_share: float = 0.12
    variety: float = 0.0

    def __post_init__(self) -> None:
        if self.leads < 1:
            raise ConfigError(f"The simulator is asked for {self.leads} leads.", "Give `leads` as 1 or more.")
        if self.days < 2:
            raise ConfigError(f"The simulator is asked for {self.days} days.", "Give `days` as 2 or more; 730 are two years.")
        if self.seed < 0:
            raise ConfigError(f"The simulator's seed is {self.seed}.", "Give `seed` as 0 or more.")
        if not 0 <= self.scanner_share <= 1:
            raise ConfigError(f"The simulator's scanner_share is {self.scanner_share}.", "Give a share from 0 to 1.")
        if not 0 <= self.variety <= 1:
            raise ConfigError(f"The simulator's variety is {self.variety}.", "Give a number from 0, the usual business, to 1.")
        try:
            date.fromisoformat(self.end)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"The simulator's end is {self.end!r}, which is no date.", "Write it as year-month-day, for example 2026-06-30."
            ) from error

    @property
    def first_day(self) -> date:
        """The UTC date of day 0."""
        return date.fromisoformat(self.end) - timedelta(days=self.days)

    @property
    def extracted_at(self) -> pd.Timestamp:
        """Midnight UTC at `end`."""
        return pd.Timestamp(self.end, tz="UTC").as_unit("us")


class SimulatorSource(SourceSettings):
    """`source: {kind: simulator}`: a simulated CRM with known truth."""

    kind: Literal["simulator"]
    leads: int = Field(20_000, ge=100)
    days: int = Field(730, ge=200)
    seed: int = 7
