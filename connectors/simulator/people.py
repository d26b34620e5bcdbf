"""The people: demographics and custom columns, some of them unknown to the CRM, and the fit of each lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from connectors.simulator.clock import DAY, times
from connectors.simulator.companies import Companies, choose, hide, of_company, pick
from connectors.simulator.kinds import Array
from connectors.simulator.vocabulary import (
    COLOURS,
    COUNTRIES,
    FREE_MAIL,
    GERMAN_SPEAKING,
    JOB_TITLES,
    NOTES,
    REGIONS,
    SOURCES,
)


@dataclass(frozen=True)
class People:
    """`table`: leads as the CRM knows them; `fit`: the sum of all effects of person and company, shape (leads,)."""

    table: pd.DataFrame
    fit: Array


def people(rng: np.random.Generator, company: Array, firms: Companies, created: Array) -> People:
    """The leads: `company` is the number of each one's company or -1, `created` the µs since 1970 of its creation."""
    count, without_company = len(company), company < 0
    own_country, by_own_country = choose(rng, COUNTRIES, count)
    country = np.where(without_company, own_country, of_company(firms.country, company, None))
    source, by_source = choose(rng, SOURCES, count)
    region, by_region = choose(rng, REGIONS, count)
    colour, _ = choose(rng, COLOURS, count)
    title, by_title = _titles(rng, country)
    budget = np.clip(np.round(50 + 20 * rng.standard_normal(count)), 0, 100)
    has_tool = rng.random(count) < 0.4
    free_mail: Array = np.array(FREE_MAIL, dtype=object)[pick(rng, np.array([4.0, 2, 2, 2]), count)]
    table = {
        "lead_id": [f"L{i:07d}" for i in range(count)],
        "created_at": times(created),
        "company_id": of_company(firms.table["company_id"].to_numpy(dtype=object), company, None),
        "source": hide(rng, source, 0.02),
        "country": hide(rng, country, 0.04),
        "job_title": hide(rng, title, 0.05),
        "email_domain": np.where(without_company, free_mail, of_company(firms.domain, company, None)),
        "budget_score": hide(rng, budget, 0.15),
        "existing_tool": pd.array(hide(rng, has_tool.astype(object), 0.10), dtype="boolean"),
        "region": hide(rng, region, 0.05),
        "favourite_colour": hide(rng, colour, 0.10),
        "lottery_number": rng.integers(1, 1000, count).astype(float),
        "tool_bought_on": times(created - created % DAY - rng.integers(30, 3000, count) * DAY).where(has_tool),
        "notes": hide(rng, np.array(NOTES, dtype=object)[pick(rng, np.ones(len(NOTES)), count)], 0.60),
    }
    by_company = of_company(firms.fit, company, 0.0) + np.where(without_company, by_own_country - 0.3, 0.0)
    fit = by_company + by_source + by_region + by_title + (budget - 50) / 60 + np.where(has_tool, -0.25, 0.10)
    return People(pd.DataFrame(table), fit)


def _titles(rng: np.random.Generator, country: Array) -> tuple[Array, Array]:
    """Job titles in German or English, and their effects."""
    index = pick(rng, np.array([share for *_, share, _ in JOB_TITLES]), len(country))
    german = np.isin(country.astype(str), GERMAN_SPEAKING) & (rng.random(len(country)) < 0.75)
    english_title, german_title = (np.array([row[i] for row in JOB_TITLES], dtype=object)[index] for i in (0, 1))
    return np.where(german, german_title, english_title), np.array([row[3] for row in JOB_TITLES])[index]
