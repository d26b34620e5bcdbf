"""Companies, their buying groups and the people in them: everything that is fixed when a lead arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from connectors.simulator.clock import DAY, Clock, stream, waking_time
from connectors.simulator.companies import Companies, companies, of_company, pick
from connectors.simulator.hazards import FITS
from connectors.simulator.kinds import Array
from connectors.simulator.people import People, people
from connectors.simulator.seasons import Calendar
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.vocabulary import TOPICS

_GROUP_SIZES = np.array([0.42, 0.22, 0.15, 0.10, 0.07, 0.04])
_NO_COMPANY_SHARE = 0.08  # share of leads whose company is not known
_GAP_DAYS = 25.0  # mean days until a colleague follows
_FIT_CENTRE = 0.49  # brings the sum of effects to about 0


@dataclass(frozen=True)
class World:
    """Leads in order of arrival, arrays of shape (leads,).

    `unit` numbers the companies and, after them, the leads without one; `first_day` is the arrival of each unit's first lead,
    shape (units,). `fit` indexes FITS. `activity` makes some people louder than others; it says nothing about progress.
    """

    companies: Companies
    people: People
    unit: Array
    first_day: Array
    arrival: Array
    clock: Clock
    fit: Array
    topic: Array
    activity: Array

    @property
    def company(self) -> Array:
        """The number of each lead's company, -1 without one."""
        return np.where(self.unit < len(self.companies.scanner), self.unit, -1)

    @property
    def scanned(self) -> Array:
        """Whether a mail scanner reads the lead's mails."""
        return of_company(self.companies.scanner, self.company, False)


def world(settings: SimulatorSettings, calendar: Calendar) -> World:
    """The companies and leads of these settings."""
    rng = stream(settings.seed, "world")
    group = _groups(rng, settings.leads)
    without_company = settings.leads - len(group)
    count = int(group.max(initial=-1)) + 1
    unit = np.concatenate([group, count + np.arange(without_company)])
    first_day, arrival = _arrivals(rng, unit, settings.days, calendar)
    time_of_day = waking_time(rng, settings.leads)
    order = np.lexsort((time_of_day, arrival))
    unit, arrival, time_of_day = unit[order], arrival[order], time_of_day[order]
    clock = Clock((settings.first_day - date(1970, 1, 1)).days * DAY, time_of_day)
    firms = companies(stream(settings.seed, "companies"), count, stream(settings.seed, "scanners"), settings.scanner_share)
    created = clock.moment(np.arange(len(unit)), arrival)
    company = np.where(unit < count, unit, -1)
    persons = people(stream(settings.seed, "people"), company, firms, created)
    return World(
        companies=firms,
        people=persons,
        unit=unit,
        first_day=first_day,
        arrival=arrival,
        clock=clock,
        fit=np.abs((persons.fit + tastes(settings, persons, firms, company) - _FIT_CENTRE)[:, None] - FITS).argmin(axis=1),
        topic=pick(rng, np.ones(len(TOPICS)), int(unit.max()) + 1)[unit],
        activity=np.exp(0.35 * rng.standard_normal(len(unit))),
    )


def tastes(settings: SimulatorSettings, persons: People, firms: Companies, company: Array) -> Array:
    """What this business finds in its leads beyond the usual, (leads,): something for each value of some attributes."""
    taste = np.zeros(len(company))
    if not settings.variety:
        return taste
    columns = {name: persons.table[name].to_numpy(object) for name in ("source", "region", "job_title")}
    for name in ("industry", "crm_system"):
        columns[name] = of_company(firms.table[name].to_numpy(object), company, None)
    rng = stream(settings.seed, "tastes")
    for values in columns.values():
        codes, levels = pd.factorize(values, sort=True)
        worth = settings.variety * rng.standard_normal(len(levels) + 1)
        taste += np.append(worth[:-1] - worth[:-1].mean(), 0.0)[codes]
    return taste


def _groups(rng: np.random.Generator, leads: int) -> Array:
    """The company number of each lead that has one: buying groups of one to six people."""
    size = 1 + pick(rng, _GROUP_SIZES, leads)
    return np.repeat(np.arange(leads), size)[: leads - int(_NO_COMPANY_SHARE * leads)]


def _arrivals(rng: np.random.Generator, unit: Array, days: int, calendar: Calendar) -> tuple[Array, Array]:
    """The day of each unit's first lead, and of each lead: colleagues follow it, and none arrives after the last day."""
    first_day = pick(rng, calendar.arrivals[:days], int(unit.max()) + 1)
    room = days - 1 - first_day[unit]
    gap = -_GAP_DAYS * np.log1p(-rng.random(len(unit)) * -np.expm1(-room / _GAP_DAYS))
    follows = np.diff(unit, prepend=-1) == 0
    return first_day, first_day[unit] + np.where(follows, gap, 0.0).astype(np.int64)
