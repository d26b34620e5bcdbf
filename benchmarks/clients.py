"""Does a pooled prior help businesses with little data? A learning curve with and without, on simulated businesses that differ.

`make bench-clients` writes docs/benchmarks/clients.md and docs/pictures/clients.png.

A pool of businesses that share attributes and interactions gives its contributions. Other businesses, which are not in the pool,
are the targets: of each, the accounts of so many leads are all it has, up to a day; the model is fitted to them with and without
what the pool says, and judged on landmarks after that day of other accounts of the same business. Everything else, from the
encoders to calibration, is learned from the few leads alone. With `variety` 0.3 what each value of an attribute is worth
differs from business to business by 0.3 in log-odds (one deviation), base rates by 0.45, slopes by 15 %; with 0.8, more than
any of them is like another.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from rich.console import Console

from benchmarks.clients_page import page, plot
from features.clock import moment
from features.dataset import Dataset
from features.sources.simulator import SimulatorSettings, simulate
from features.validate import validate
from models.rule_odds import SCALE, points_calibrator
from models.rules import Rules
from models.types import log_loss
from training.config import Config, Search
from training.fit import fit_transition, rarer_of
from training.pool.combine import combine
from training.pool.contribution import Contribution, contribute
from training.pool.prior import Prior
from training.prepare import Prepared, learn, prepare

ROOT = Path(__file__).resolve().parent.parent
SIZES = (50, 100, 200, 400, 800, 1600)
GIVING, GIVING_LEADS = 8, (1_500, 3_000, 6_000)
DAYS, UNTIL = 1_095, 730  # days simulated, and the day up to which a target knows anything
SEARCH = Search(trials=3, minutes=0.1)
VARIETIES = (0.3, 0.8)
WAYS = ("with", "without", "rules")


@dataclass(frozen=True)
class Tried:
    """One draw of `leads` of one business: log loss on later leads of others by each of `WAYS`, per transition.

    `outcomes` are accounts with the rarer outcome, `used` says whether the prior was taken.
    """

    variety: float
    leads: int
    business: int
    draw: int
    target: str
    outcomes: int
    used: bool
    losses: tuple[float, ...]


def config_of(name: str) -> Config:
    """The default funnel, for a business of this name."""
    return Config.read(ROOT / "training" / "default.yaml").model_copy(update={"name": name})


def given(variety: float, number: int) -> Contribution:
    """What business `number` gives: two years of one of three sizes."""
    leads = GIVING_LEADS[number % len(GIVING_LEADS)]
    simulation = simulate(SimulatorSettings(leads=leads, days=UNTIL, seed=1_000 + number, variety=variety))
    dataset = validate(simulation.dataset, simulation.funnel)[0]
    return contribute(prepare(dataset, config_of("giving"), simulation.funnel, Rules.read()))


def part(dataset: Dataset, accounts: npt.NDArray[np.object_], until: int | None = None) -> Dataset:
    """The leads of these accounts (company, or the lead itself), created before `until` (µs), with all there is of them."""
    leads = dataset.leads
    mine = leads["company_id"].fillna(leads["lead_id"]).isin(accounts).to_numpy(bool)
    if until is not None:
        mine = mine & (leads["created_at"].astype("int64").to_numpy() < until)
    leads = leads[mine].reset_index(drop=True)
    ids = set(leads["lead_id"])
    tables = {"leads": leads, "companies": dataset.companies[dataset.companies["company_id"].isin(leads["company_id"])]}
    for name in ("interactions", "lead_stages", "deals"):
        table = dataset.tables[name]
        tables[name] = table[table["lead_id"].astype("str").isin(ids)].reset_index(drop=True)
    changes = dataset.attribute_changes
    tables["attribute_changes"] = changes[changes["id"].isin(ids)]
    return Dataset.from_tables(tables, extracted_at=dataset.extracted_at, source=dataset.source)


@dataclass(frozen=True)
class Target:
    """A business not in the pool: what it could learn from (accounts in a random order), and leads to judge on."""

    dataset: Dataset
    judged: Dataset
    until: int

    @classmethod
    def of(cls, variety: float, number: int, leads: int) -> Target:
        simulation = simulate(SimulatorSettings(leads=leads, days=DAYS, seed=2_000 + number, variety=variety))
        dataset = validate(simulation.dataset, simulation.funnel)[0]
        until = moment(dataset.extracted_at) - (DAYS - UNTIL) * 86_400_000_000
        accounts = dataset.leads["company_id"].fillna(dataset.leads["lead_id"]).unique()
        chosen = np.random.default_rng(number).permutation(accounts)
        half = len(chosen) // 2
        return cls(part(dataset, chosen[:half], until), part(dataset, chosen[half:]), until)

    def few(self, leads: int, draw: int) -> Dataset:
        """Accounts drawn until there are so many leads."""
        account = self.dataset.leads["company_id"].fillna(self.dataset.leads["lead_id"])
        order = np.random.default_rng(draw).permutation(account.unique())
        total = np.cumsum(account.value_counts().reindex(order).to_numpy())
        return part(self.dataset, order[: int(np.searchsorted(total, leads)) + 1])


def tried(target: Target, prior: Prior, leads: int, draw: int) -> Iterator[tuple[str, int, bool, tuple[float, ...]]]:
    """(transition, outcomes, prior taken, log losses by `WAYS`) of one draw; transitions that cannot be learned are left out."""
    config, funnel, rules = config_of("target"), config_of("target").funnel.build(), Rules.read()
    few = target.few(leads, draw)
    facts = learn(few, config, funnel, rules)
    mine = replace(prepare(few, config, funnel, rules, facts=facts), pool=prior)
    later = prepare(target.judged, config, funnel, rules, facts=facts)
    among = mine.looks.as_of < target.until
    known, final = mine.labels(target.until), later.labels(later.extracted_at)
    for number, name in enumerate(funnel.targets[:2]):
        rows, examples = mine.usable(number, known, among), mine.examples(number, known, among)
        if not len(examples):
            continue
        ask = later.usable(number, final, (later.looks.as_of >= target.until) & (later.looks.stage == number))
        y, x = final.reached[ask, number], later.x(ask)
        fitted = fit_transition(name, examples, SEARCH, draw)
        plain = fit_transition(name, replace(examples, pooled=None), SEARCH, draw)
        points = mine.points.points[rows]
        odds, _ = points_calibrator(points, examples.y, examples.as_of, examples.known_at, examples.account)
        said = (
            fitted.transition.probability(x), plain.transition.probability(x),
            odds.probability(later.points.points[ask] / SCALE),
        )  # fmt: skip
        used = bool(fitted.settings.pool and fitted.settings.pool.helps)
        yield name, rarer_of(examples), used, tuple(log_loss(y, p) for p in said)


def run(variety: float, sizes: Sequence[int], businesses: int, draws: int, leads: int, say: Console) -> list[Tried]:
    """All draws of all targets."""
    found = []
    began = time.perf_counter()
    prior = combine("bench", [given(variety, number) for number in range(GIVING)])
    say.print(f"variety {variety}: prior of {GIVING} businesses, {time.perf_counter() - began:.0f} s")
    for business in range(businesses):
        target = Target.of(variety, business, leads)
        for size in sizes:
            for draw in range(draws):
                for name, outcomes, used, losses in tried(target, prior, size, draw):
                    found.append(Tried(variety, size, business, draw, name, outcomes, used, losses))
            mine = [t for t in found if t.business == business and t.leads == size]
            shown = {n: np.mean([t.losses for t in mine if t.target == n], axis=0).round(4).tolist() for n in ("mql", "sql")}
            say.print(f"  business {business}, {size} leads, {time.perf_counter() - began:.0f} s: {shown}")
    return found


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--businesses", type=int, default=4, help="targets for each variety")
    parser.add_argument("--draws", type=int, default=3, help="draws of leads for each target and size")
    parser.add_argument("--leads", type=int, default=8_000, help="simulated leads of a target, half of them to judge on")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--varieties", default=",".join(map(str, VARIETIES)))
    parser.add_argument("--dry", action="store_true", help="write nothing")
    asked = parser.parse_args()
    console, sizes = Console(width=160), [int(s) for s in asked.sizes.split(",")]
    found = []
    for variety in (float(v) for v in asked.varieties.split(",")):
        found += run(variety, sizes, asked.businesses, asked.draws, asked.leads, console)
    if asked.dry:
        return
    picture = ROOT / "docs" / "pictures" / "clients.png"
    plot(found, picture)
    (ROOT / "docs" / "benchmarks" / "clients.md").write_text(page(found, asked.businesses, asked.draws), encoding="utf-8")
    console.print(f"Written: docs/benchmarks/clients.md and {picture.relative_to(ROOT)}.")


if __name__ == "__main__":
    main()
