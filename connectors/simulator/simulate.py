"""Runs the simulated business from its first day to extraction."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from connectors.simulator.clock import DAY, stream
from connectors.simulator.days import open_days, quiet_days
from connectors.simulator.hazards import Tempo, hazards
from connectors.simulator.kinds import Array
from connectors.simulator.mails import mails
from connectors.simulator.outcomes import deals, lead_stages, opt_outs
from connectors.simulator.paths import Paths, walk
from connectors.simulator.rows import Rows
from connectors.simulator.sales import sales
from connectors.simulator.seasons import Calendar, calendar
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulation import Simulation
from connectors.simulator.visits import creation_interactions, stray_visits, visits
from connectors.simulator.world import World, world
from features.dataset.dataset import Dataset

Progress = Callable[[str, int, int], None]


def simulate(settings: SimulatorSettings | None = None, progress: Progress | None = None) -> Simulation:
    """Simulate a business.

    The same settings give the same rows, on any machine.

    Parameters
    ----------
    settings
        size, span and seed; the defaults are 20,000 leads over two years.
    progress
        called with what is being done, how many steps of it are done and how many there are.
    """
    settings = settings or SimulatorSettings()
    seasons = calendar(settings.first_day, settings.days, settings.seed)
    firms_and_people = world(settings, seasons)

    def report_days(finished_days: int, total: int) -> None:
        if progress:
            progress("simulate days", finished_days, total)

    chances = hazards(seasons.hazard, Tempo.from_settings(settings))
    paths = walk(firms_and_people, chances, seasons.touch, stream(settings.seed, "paths"), report_days)
    rows = Rows(seasons.campaigns)
    unsubscribed = _interactions(rows, firms_and_people, paths, seasons, settings.seed, progress)
    return _simulation(settings, firms_and_people, paths, rows, unsubscribed)


def _interactions(rows: Rows, people: World, paths: Paths, seasons: Calendar, seed: int, progress: Progress | None) -> Array:
    """Fill the rows; returns when each lead unsubscribed (µs since 1970)."""

    def report_step(finished_steps: int) -> None:
        if progress:
            progress("simulate interactions", finished_steps, 4)

    days = open_days(paths, people.arrival)
    quiet = stream(seed, "quiet days")
    creation_interactions(rows, people, paths, stream(seed, "creations"))
    report_step(1)
    visits(rows, days, people, paths, seasons, stream(seed, "visits"))
    for ending in ("lost", "customer"):
        stray_visits(rows, quiet_days(paths, quiet, ending), people, quiet)
    report_step(2)
    sales(rows, days, people, seasons, stream(seed, "sales"))
    report_step(3)
    mailed = days.append(quiet_days(paths, quiet, "disqualified"))
    unsubscribed = mails(rows, mailed, people, seasons, stream(seed, "mails"), stream(seed, "scanner mails"))
    report_step(4)
    return unsubscribed


def _simulation(settings: SimulatorSettings, people: World, paths: Paths, rows: Rows, unsubscribed: Array) -> Simulation:
    leads = people.people.table
    ids = pd.Index(leads["lead_id"])
    end = people.clock.start + settings.days * DAY
    leads = leads.assign(opted_out=pd.array(unsubscribed < end, dtype="boolean"))
    interactions, bots = rows.table(ids, end)
    tables = {
        "leads": leads,
        "companies": people.companies.table,
        "interactions": interactions,
        "lead_stages": lead_stages(people, paths, ids),
        "deals": deals(people, paths, stream(settings.seed, "deals")),
        "attribute_changes": opt_outs(leads, unsubscribed),
    }
    dataset = Dataset.from_tables(tables, extracted_at=settings.extracted_at, source="simulator")
    return Simulation(dataset, bots, settings, people, paths)
