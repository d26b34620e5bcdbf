"""What happens to every lead day by day: hidden state, touches, lead stages and exits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from connectors.simulator.hazards import FITS, Hazards
from connectors.simulator.interest import (
    COOLS_DOWN,
    FALL,
    HEATS_UP,
    INITIAL_LEVELS,
    LEVELS,
    RISE,
    STATES,
    WARM_AT_FIRST,
    touch_chance,
)
from connectors.simulator.kinds import CUSTOMER, NO_DAY, OPEN, Array
from connectors.simulator.world import World


@dataclass(frozen=True)
class Paths:
    """`state` and `touched` of shape (days, leads), meaningless before arrival; `entered`: the day on which each lead stage was
    entered, shape (leads, lead stages), `exit_day`: the day of the exit, shape (leads,); NEVER for what did not happen.
    """

    state: Array
    touched: Array
    entered: Array
    exit_day: Array

    @property
    def closed(self) -> Array:
        """The day on which the lead became a customer or left; NEVER while it is open."""
        return np.minimum(self.entered[:, CUSTOMER], self.exit_day)

    def lead_stage(self, lead: Array, day: Array) -> Array:
        """The number of the lead stage on these days; -1 before arrival and after an exit."""
        reached = (self.entered[lead] <= day[:, None]).sum(axis=1) - 1
        return np.where(self.exit_day[lead] <= day, -1, reached)


class _Walk:
    """The leads on one day; arrays of shape (leads,), of which the first `arrived` have arrived."""

    def __init__(self, world: World, hazards: Hazards, rng: np.random.Generator) -> None:
        leads = len(world.arrival)
        self.world, self.hazards, self.rng = world, hazards, rng
        self.heat = np.zeros(len(world.first_day), dtype=np.int64)
        self.level = np.zeros(leads, dtype=np.int64)
        self.state = np.zeros(leads, dtype=np.int64)
        self.touched = np.zeros(leads, dtype=bool)
        self.entered = np.full((leads, CUSTOMER + 1), NO_DAY, dtype=np.int32)
        self.exit_day = np.full(leads, NO_DAY, dtype=np.int32)
        self.stage = np.zeros(leads, dtype=np.int64)
        self.open = np.zeros(leads, dtype=bool)
        self.arrived = 0

    def step(self, day: int) -> None:
        """Lead stages move by the state of the day that ends; independently of that the state moves on."""
        open_leads = np.flatnonzero(self.open[: self.arrived])
        cell = (self.stage[open_leads] * len(FITS) + self.world.fit[open_leads]) * STATES + self.state[open_leads]
        advance = self.hazards.advance[:, day - 1].ravel()[cell]
        leave = self.hazards.leave[:, day - 1].ravel()[cell]
        u = self.rng.random(len(open_leads))
        forward, leavers = open_leads[u < advance], open_leads[(u >= advance) & (u < advance + leave)]
        self.stage[forward] += 1
        self.entered[forward, self.stage[forward]] = day
        self.exit_day[leavers] = day
        self.open[leavers] = False
        self.open[self.stage >= OPEN] = False
        state, touched = self.state[: self.arrived], self.touched[: self.arrived].astype(np.int64)
        u = self.rng.random(self.arrived)
        fall = FALL[touched, state]
        self.level[: self.arrived] += (u >= 1 - RISE[touched, state]).astype(np.int64) - (u < fall)

    def warm(self, day: int) -> None:
        """Companies warm up and cool down; each starts when its first lead arrives."""
        u = self.rng.random(len(self.heat))
        moved = np.where(self.heat == 1, u >= COOLS_DOWN, u < HEATS_UP)
        self.heat = np.where(self.world.first_day == day, u < WARM_AT_FIRST, moved).astype(np.int64)

    def arrive(self, day: int) -> None:
        previous_count, self.arrived = self.arrived, int(np.searchsorted(self.world.arrival, day, side="right"))
        newcomers = slice(previous_count, self.arrived)
        edges = np.cumsum(INITIAL_LEVELS, axis=1)[self.heat[self.world.unit[newcomers]]]
        draws = self.rng.random(self.arrived - previous_count)
        self.level[newcomers] = np.minimum((draws[:, None] >= edges).sum(axis=1), LEVELS - 1)
        self.entered[newcomers, 0] = day
        self.open[newcomers] = True

    def settle(self, factor: float) -> None:
        """The state of the day, and whether the lead is touched on it."""
        arrived_leads = slice(0, self.arrived)
        self.state[arrived_leads] = self.heat[self.world.unit[arrived_leads]] * LEVELS + self.level[arrived_leads]
        self.touched[arrived_leads] = self.rng.random(self.arrived) < touch_chance(self.state[arrived_leads], np.array(factor))


def walk(
    world: World, hazards: Hazards, touch: Array, rng: np.random.Generator, progress: Callable[[int, int], None] | None = None
) -> Paths:
    """The paths of all leads over the days that `touch`, the calendar factor of shape (days,), has."""
    walk_ = _Walk(world, hazards, rng)
    days = len(touch)
    state = np.zeros((days, len(world.arrival)), dtype=np.int8)
    touched = np.zeros(state.shape, dtype=bool)
    for day in range(days):
        if day:
            walk_.step(day)
        walk_.warm(day)
        walk_.arrive(day)
        walk_.settle(touch[day])
        state[day, : walk_.arrived] = walk_.state[: walk_.arrived]
        touched[day, : walk_.arrived] = walk_.touched[: walk_.arrived]
        if progress and (day % 30 == 29 or day == days - 1):
            progress(day + 1, days)
    return Paths(state, touched, walk_.entered, walk_.exit_day)
