"""Companies: firmographics, some of them unknown to the CRM, and what they add to the fit of their people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from connectors.simulator.kinds import Array
from connectors.simulator.vocabulary import COUNTRIES, CRM_SYSTEMS, INDUSTRIES, INDUSTRY_AMOUNT, Choices

_ENDINGS = ("com", "de", "eu", "io")


@dataclass(frozen=True)
class Companies:
    """`table` as the CRM knows it; arrays of shape (companies,) as things are: `fit`, `log_amount`, `country` and `domain`."""

    table: pd.DataFrame
    fit: Array
    log_amount: Array
    country: Array
    domain: Array
    scanner: Array


def pick(rng: np.random.Generator, weights: Array, size: int) -> Array:
    """Indices drawn with these weights, shape (size,)."""
    edges = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(edges, rng.random(size), side="right"), len(weights) - 1)


def choose(rng: np.random.Generator, choices: Choices, size: int) -> tuple[Array, Array]:
    """Names drawn by their shares, and their effects; both of shape (size,)."""
    index = pick(rng, np.array([share for share, _ in choices.values()]), size)
    return np.array(list(choices), dtype=object)[index], np.array([effect for _, effect in choices.values()])[index]


def of_company(values: Array, company: Array, otherwise: Any) -> Array:
    """The value of each one's company by its number; `otherwise` for -1, those without one."""
    return np.concatenate([values, np.array([otherwise], dtype=values.dtype)])[company]


def hide(rng: np.random.Generator, values: Array, share: float) -> Array:
    """The values with a share of them unknown: NaN for numbers, None for others."""
    unknown = rng.random(len(values)) < share
    visible = values.copy()
    visible[unknown] = np.nan if values.dtype.kind == "f" else None
    return visible


def companies(rng: np.random.Generator, count: int, scanner_rng: np.random.Generator, scanner_share: float) -> Companies:
    """`count` companies."""
    industry, by_industry = choose(rng, INDUSTRIES, count)
    country, by_country = choose(rng, COUNTRIES, count)
    crm, by_crm = choose(rng, CRM_SYSTEMS, count)
    size = 4.4 + 1.6 * rng.standard_normal(count)  # the logarithm of the employees
    employees = np.maximum(1, np.round(np.exp(size)))
    wealth = 0.7 * rng.standard_normal(count)
    revenue = np.round(employees * 140_000 * np.exp(wealth), -3)
    hiring = rng.random(count) < 0.3
    by_size = 0.8 * np.exp(-0.5 * ((np.log(employees) - 6) / 1.3) ** 2) - 0.35
    ids = np.array([f"C{i:06d}" for i in range(count)], dtype=object)
    domain = np.array([f"company-{i:06d}.{_ENDINGS[i % len(_ENDINGS)]}" for i in range(count)], dtype=object)
    table = {
        "company_id": ids,
        "industry": hide(rng, industry, 0.06),
        "employees": hide(rng, employees, 0.08),
        "annual_revenue": hide(rng, revenue, 0.30),
        "country": hide(rng, country, 0.02),
        "crm_system": hide(rng, crm, 0.12),
        "is_hiring": pd.array(hiring, dtype="boolean"),
        "office_floor": rng.integers(0, 12, count).astype(float),
    }
    return Companies(
        table=pd.DataFrame(table),
        fit=by_industry + by_country + by_crm + by_size + 0.15 * wealth + np.where(hiring, 0.25, 0.0),
        log_amount=0.35 * (np.log(employees) - 4) + np.array([INDUSTRY_AMOUNT.get(name, 0.0) for name in industry]),
        country=country,
        domain=domain,
        scanner=scanner_rng.random(count) < scanner_share,
    )
