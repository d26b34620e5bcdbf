"""A simulated business: its dataset, and the exact probability of every label, which only the simulator knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from connectors.simulator.hazards import Tempo, hazards
from connectors.simulator.interest import transitions
from connectors.simulator.kinds import FUNNEL, Array
from connectors.simulator.paths import Paths
from connectors.simulator.seasons import calendar
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.truth import probabilities
from connectors.simulator.world import World
from features.common.errors import ConfigError, DataError, nearest
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel

_DAYS_AT_ONCE = 200  # bounds the memory of the tables of chances


@dataclass(frozen=True)
class Simulation:
    """`dataset` is what a CRM would hold; `bots` says of each row of `dataset.interactions` whether a mail scanner made it.

    `truth` answers from the hidden state, which is nowhere in the dataset.
    """

    dataset: Dataset = field(repr=False)
    bots: Array = field(repr=False)
    settings: SimulatorSettings
    _world: World = field(repr=False)
    _paths: Paths = field(repr=False)
    funnel: Funnel = FUNNEL

    def truth(self, landmarks: pd.DataFrame, funnel: Funnel) -> pd.DataFrame:
        """Landmarks (lead_id, as_of, lead_stage) → the true probability of each label, one column per target lead stage.

        The label of a target is 1 if every lead stage after the landmark's, up to the target, is reached after as_of and at
        most its horizon later. The probability is given everything up to as_of, hidden state included, and nothing after it.
        It is exact where as_of lies a microsecond (or a few) into a day of the lead's own clock, so at its creation plus whole
        days; in between it is that of the beginning of this day. NaN for targets at or below the landmark's lead stage. The
        index is kept.

        Raises
        ------
        ConfigError
            if the funnel has other lead stages than the simulated one, or lacks a horizon.
        DataError
            for an unknown lead or lead stage, an as_of before the creation of the lead or after extraction, or a lead that was
            not in that lead stage then.
        """
        horizons = _horizons(funnel)
        lead, day, stage = self._locate(landmarks)
        out = np.full((len(landmarks), len(funnel.targets)), np.nan)
        unique_days = np.unique(day)
        for begin in range(0, len(unique_days), _DAYS_AT_ONCE):
            chunk = unique_days[begin : begin + _DAYS_AT_ONCE]
            rows = np.flatnonzero((day >= chunk[0]) & (day <= chunk[-1]))
            self._fill(out, rows, chunk, horizons, (lead[rows], day[rows], stage[rows]))
        return pd.DataFrame(out, index=landmarks.index, columns=list(funnel.targets))

    def _fill(self, out: Array, rows: Array, days: Array, horizons: Sequence[int], located: tuple[Array, Array, Array]) -> None:
        lead, day, stage = located
        first_day, length = int(days[0]), int(days[-1]) + max(horizons)
        seasons = calendar(self.settings.first_day, length, self.settings.seed)
        chances, moves = (
            hazards(seasons.hazard[first_day:], Tempo.from_settings(self.settings)),
            transitions(seasons.touch[first_day:]),
        )
        for target in range(1, len(horizons) + 1):
            table = probabilities(days - first_day, horizons[:target], chances, moves)
            below_target = np.flatnonzero((stage >= 0) & (stage < target))
            cell = (np.searchsorted(days, day), self._world.fit[lead], self._paths.state[day, lead])
            out[rows[below_target], target - 1] = table[(stage[below_target], *(index[below_target] for index in cell))]

    def _locate(self, landmarks: pd.DataFrame) -> tuple[Array, Array, Array]:
        """The lead, the day of its own clock and the lead stage of each landmark, as numbers."""
        ids = pd.Index(self.dataset.leads["lead_id"])
        lead = ids.get_indexer(pd.Index(landmarks["lead_id"].astype(str)))
        _refuse(landmarks, lead < 0, "no such lead was simulated", "Take landmarks of this simulation's dataset.")
        stage = pd.Index(self.funnel.stages).get_indexer(pd.Index(landmarks["lead_stage"].astype(str)))
        known_stages = f"known are: {', '.join(self.funnel.stages)}"
        _refuse(landmarks, stage < 0, "there is no such lead stage", f"{known_stages}; a lead that left has no landmark.")
        as_of = pd.to_datetime(landmarks["as_of"], utc=True).dt.as_unit("us")
        moments = as_of.to_numpy(dtype="datetime64[us]").astype(np.int64)
        day = self._world.clock.day_of(lead, moments)
        before_creation, after_extraction = day < self._world.arrival[lead], (as_of > self.dataset.extracted_at).to_numpy()
        _refuse(landmarks, before_creation, "the lead was not yet created", "Look at it from its created_at on.")
        _refuse(
            landmarks, after_extraction, "that is after extraction", f"Look at it at {self.dataset.extracted_at} at the latest."
        )
        really = self._paths.lead_stage(lead, day)
        _refuse(
            landmarks, really != stage, "the lead was not in this lead stage then", "Take the lead stage from `lead_stages`."
        )
        return lead, day, stage


def _horizons(funnel: Funnel) -> list[int]:
    """Whole steps of a day within each horizon."""
    if funnel.stages != FUNNEL.stages:
        unknown_stage = next((s for s in funnel.stages if s not in FUNNEL.stages), funnel.final)
        raise ConfigError(
            f"The funnel {' → '.join(funnel.stages)} is not the simulated one: {nearest(unknown_stage, FUNNEL.stages)}",
            f"The simulator knows {' → '.join(FUNNEL.stages)}.",
        )
    missing = [target for target in funnel.targets if target not in funnel.horizons]
    if missing:
        raise ConfigError(f"The funnel has no horizon for {missing[0]!r}.", "Give the days within which it must be reached.")
    return [int(funnel.horizons[target] + 1e-9) for target in funnel.targets]


def _refuse(landmarks: pd.DataFrame, wrong: Array, fact: str, hint: str) -> None:
    if wrong.any():
        row = landmarks.iloc[int(np.flatnonzero(wrong)[0])]
        raise DataError(f"Landmark {row['lead_id']!r}, {row['as_of']}, {row['lead_stage']!r}: {fact}.", hint)
