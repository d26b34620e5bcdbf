"""The days of leads on which something may be seen of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connectors.simulator.interest import LEVELS
from connectors.simulator.kinds import CUSTOMER, SQL, Array
from connectors.simulator.paths import Paths

_MAILS_A_DAY_AFTER_DISQUALIFICATION = 0.012
_VISITS_A_DAY_OF_A_CUSTOMER = 0.03
_VISITS_A_DAY_OF_A_LOST_LEAD = 0.002


def shown_level(state: Array) -> Array:
    """The level that acts show: people of a warm company look at prices and take calls as if two levels higher."""
    level: Array = np.minimum(state % LEVELS + 2 * (state >= LEVELS), LEVELS - 1)
    return level


@dataclass(frozen=True)
class LeadDays:
    """Days of leads, arrays of one shape: lead and day numbers, hidden state, number of the lead stage, touched or not."""

    lead: Array
    day: Array
    state: Array
    stage: Array
    touched: Array

    @property
    def level(self) -> Array:
        """The level of the hidden state."""
        return self.state % LEVELS

    @property
    def shown_level(self) -> Array:
        return shown_level(self.state)

    @property
    def warm(self) -> Array:
        return self.state >= LEVELS

    def append(self, addition: LeadDays) -> LeadDays:
        pairs = zip(vars(self).values(), vars(addition).values(), strict=True)
        return LeadDays(*(np.concatenate(pair) for pair in pairs))

    def take(self, rows: Array) -> LeadDays:
        return LeadDays(self.lead[rows], self.day[rows], self.state[rows], self.stage[rows], self.touched[rows])


def open_days(paths: Paths, arrival: Array) -> LeadDays:
    """Every day on which a lead was open."""
    days = len(paths.state)
    length = np.minimum(paths.closed, days) - arrival
    lead = np.repeat(np.arange(len(arrival), dtype=np.int32), length)
    begin = np.repeat((arrival - (np.cumsum(length) - length)).astype(np.int32), length)
    day = np.arange(len(lead), dtype=np.int32) + begin
    stage = np.zeros(len(lead), dtype=np.int8)
    for entered in paths.entered[:, 1:CUSTOMER].T:
        stage += entered[lead] <= day
    return LeadDays(lead, day, paths.state[day, lead], stage, paths.touched[day, lead])


def quiet_days(paths: Paths, rng: np.random.Generator, ending: str) -> LeadDays:
    """The few days on which something is seen of a closed lead: `ending` is "disqualified", "lost" or "customer".

    What is seen then does not come from the hidden state: it is 0 on these days.
    """
    days = len(paths.state)
    became_sql = paths.entered[:, SQL] < paths.exit_day
    closed_leads, rate = {
        "disqualified": ((paths.exit_day < days) & ~became_sql, _MAILS_A_DAY_AFTER_DISQUALIFICATION),
        "lost": ((paths.exit_day < days) & became_sql, _VISITS_A_DAY_OF_A_LOST_LEAD),
        "customer": (paths.entered[:, CUSTOMER] < days, _VISITS_A_DAY_OF_A_CUSTOMER),
    }[ending]
    begin = np.minimum(paths.closed, days).astype(np.int64)
    lead = np.repeat(np.arange(len(begin)), np.where(closed_leads, rng.poisson(rate * (days - begin)), 0))
    day = begin[lead] + (rng.random(len(lead)) * (days - begin[lead])).astype(np.int64)
    zero_state = np.zeros(len(lead), dtype=np.int8)
    stage = np.full(len(lead), CUSTOMER if ending == "customer" else 0, dtype=np.int8)
    return LeadDays(lead.astype(np.int32), day.astype(np.int32), zero_state, stage, np.ones(len(lead), dtype=bool))
