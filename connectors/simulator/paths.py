"""What happens to every lead day by day: hidden state, touches, lead stages and exits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from connectors.simulator.hazards import FITS, Hazards
from connectors.simulator.interest import (
    COOLS_DOWN,
    FALL,
    FIRST,
    HEATS_UP,
    LEVELS,
    RISE,
    STATES,
    WARM_AT_FIRST,
    touch_chance,
)
from connectors.simulator.kinds import CUSTOMER, NEVER, OPEN, Array
from connectors.simulator.world import World


@dataclass(frozen=True)
class Paths:
    """`state` and `touched` of shape (days, leads), meaningless before arrival; `entered`: the day on which each lead stage was
    entered, shape (leads, lead stages), `left`: the day of the exit, shape (leads,); NEVER for what did not happen.
    """

    state: Array
    touched: Array
    entered: Array
    left: Array

    @property
    def closed(self) -> Array:
        """The day on which the lead became a customer or left; NEVER while it is open."""
        return np.minimum(self.entered[:, CUSTOMER], self.left)

    def lead_stage(self, lead: Array, day: Array) -> Array:
        """The number of the lead stage on these days; -1 before arrival and after an exit."""
        reached = (self.entered[lead] <= day[:, None]).sum(axis=1) - 1
        return np.where(self.left[lead] <= day, -1, reached)


class _Walk:
    """The leads on one day; arrays of shape (leads,), of which the first `here` have arrived."""

    def __init__(self, world: World, hazards: Hazards, rng: np.random.Generator) -> None:
        leads = len(world.arrival)
        self.world, self.hazards, self.rng = world, hazards, rng
        self.heat = np.zeros(len(world.first_day), dtype=np.int64)
        self.level = np.zeros(leads, dtype=np.int64)
        self.state = np.zeros(leads, dtype=np.int64)
        self.touched = np.zeros(leads, dtype=bool)
        self.entered = np.full((leads, CUSTOMER + 1), NEVER, dtype=np.int32)
        self.left = np.full(leads, NEVER, dtype=np.int32)
        self.stage = np.zeros(leads, dtype=np.int64)
        self.open = np.zeros(leads, dtype=bool)
        self.here = 0

    def step(self, day: int) -> None:
        """Lead stages move by the state of the day that ends; independently of that the state moves on."""
        who = np.flatnonzero(self.open[: self.here])
        cell = (self.stage[who] * len(FITS) + self.world.fit[who]) * STATES + self.state[who]
        advance = self.hazards.advance[:, day - 1].ravel()[cell]
        leave = self.hazards.leave[:, day - 1].ravel()[cell]
        u = self.rng.random(len(who))
        forward, out = who[u < advance], who[(u >= advance) & (u < advance + leave)]
        self.stage[forward] += 1
        self.entered[forward, self.stage[forward]] = day
        self.left[out] = day
        self.open[out] = False
        self.open[self.stage >= OPEN] = False
        state, touched = self.state[: self.here], self.touched[: self.here].astype(np.int64)
        u = self.rng.random(self.here)
        fall = FALL[touched, state]
        self.level[: self.here] += (u >= 1 - RISE[touched, state]).astype(np.int64) - (u < fall)

    def warm(self, day: int) -> None:
        """Companies warm up and cool down; each starts when its first lead arrives."""
        u = self.rng.random(len(self.heat))
        moved = np.where(self.heat == 1, u >= COOLS_DOWN, u < HEATS_UP)
        self.heat = np.where(self.world.first_day == day, u < WARM_AT_FIRST, moved).astype(np.int64)

    def arrive(self, day: int) -> None:
        before, self.here = self.here, int(np.searchsorted(self.world.arrival, day, side="right"))
        new = slice(before, self.here)
        edges = np.cumsum(FIRST, axis=1)[self.heat[self.world.unit[new]]]
        draws = self.rng.random(self.here - before)
        self.level[new] = np.minimum((draws[:, None] >= edges).sum(axis=1), LEVELS - 1)
        self.entered[new, 0] = day
        self.open[new] = True

    def settle(self, factor: float) -> None:
        """The state of the day, and whether the lead is touched on it."""
        here = slice(0, self.here)
        self.state[here] = self.heat[self.world.unit[here]] * LEVELS + self.level[here]
        self.touched[here] = self.rng.random(self.here) < touch_chance(self.state[here], np.array(factor))


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
        state[day, : walk_.here] = walk_.state[: walk_.here]
        touched[day, : walk_.here] = walk_.touched[: walk_.here]
        if progress and (day % 30 == 29 or day == days - 1):
            progress(day + 1, days)
    return Paths(state, touched, walk_.entered, walk_.left)
