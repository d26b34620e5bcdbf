"""Does a pooled prior help businesses with little data? A learning curve with and without, on simulated businesses that differ.

`make bench-clients` writes docs/benchmarks/clients.md and docs/pictures/clients.png; `INTRO` says what is done.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.clients_page import page, plot, table
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.common.clock import moment
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from features.partitions.executor import run_all
from features.partitions.memory import Budget, cores
from models.common.types import log_loss
from models.rules.odds import SCALE, points_calibrator
from models.rules.rules import Rules
from training.common.config import Config, LandmarkConfig, Search
from training.common.progress import Steps, terminal
from training.data.pooled_prior import Prior
from training.data.prepare import learn, prepare
from training.executors.local import LocalEngine
from training.fit.transition_fit import fit_transition, rarer_of
from training.pool.combine import combine
from training.pool.contribution import Contribution, contribute

ROOT = Path(__file__).resolve().parent.parent
SIZES = (50, 100, 200, 400, 800, 1600)
CONTRIBUTORS, CONTRIBUTOR_LEADS = 6, (1_500, 3_000)
DAYS, UNTIL = 1_095, 730  # days simulated, and the day up to which a target knows anything
SEARCH = Search(trials=2)
VARIETIES = (0.3, 0.8)
WAYS = ("with", "without", "rules")
PICTURE, PAGE = "docs/pictures/clients.png", "docs/benchmarks/clients.md"


@dataclass(frozen=True)
class DrawResult:
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
    config = Config.read(ROOT / "training" / "default.yaml")
    return config.changed(name=name, landmarks=LandmarkConfig(ages=[0, 3, 14, 60]))


@dataclass(frozen=True)
class Contributor:
    """A business of the pool."""

    variety: float
    number: int


def contribution_of(contributor: Contributor) -> Contribution:
    """What it contributes: two years of one of two sizes."""
    leads = CONTRIBUTOR_LEADS[contributor.number % len(CONTRIBUTOR_LEADS)]
    simulation = simulate(
        SimulatorSettings(leads=leads, days=UNTIL, seed=5_000 + contributor.number, variety=contributor.variety)
    )
    dataset = validate(simulation.dataset, simulation.funnel)[0]
    return contribute(prepare(dataset, config_of("giving"), simulation.funnel, Rules.read()))


def leads_of_accounts(dataset: Dataset, accounts: npt.NDArray[np.object_], until: int | None = None) -> Dataset:
    """The leads of these accounts (company, or the lead itself), created before `until` (µs), with all there is of them."""
    leads = dataset.leads
    selected = leads["company_id"].fillna(leads["lead_id"]).isin(accounts).to_numpy(bool)
    if until is not None:
        selected = selected & (leads["created_at"].astype("int64").to_numpy() < until)
    leads = leads[selected].reset_index(drop=True)
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
        simulation = simulate(SimulatorSettings(leads=leads, days=DAYS, seed=6_000 + number, variety=variety))
        dataset = validate(simulation.dataset, simulation.funnel)[0]
        until = moment(dataset.extracted_at) - (DAYS - UNTIL) * 86_400_000_000
        accounts = dataset.leads["company_id"].fillna(dataset.leads["lead_id"]).unique()
        chosen = np.random.default_rng(number).permutation(accounts)
        half = len(chosen) // 2
        return cls(leads_of_accounts(dataset, chosen[:half], until), leads_of_accounts(dataset, chosen[-half // 2 :]), until)

    def draw_leads(self, leads: int, draw: int) -> Dataset:
        """Accounts drawn until there are so many leads."""
        account = self.dataset.leads["company_id"].fillna(self.dataset.leads["lead_id"])
        order = np.random.default_rng(draw).permutation(account.unique())
        total = np.cumsum(account.value_counts().reindex(order).to_numpy())
        return leads_of_accounts(self.dataset, order[: int(np.searchsorted(total, leads)) + 1])


def evaluate_draw(target: Target, prior: Prior, leads: int, draw: int) -> Iterator[tuple[str, int, bool, tuple[float, ...]]]:
    """(transition, outcomes, prior taken, log losses by `WAYS`) of one draw, without transitions that cannot be learned."""
    config, funnel, rules = config_of("target"), config_of("target").funnel.build(), Rules.read()
    sample = target.draw_leads(leads, draw)
    facts = learn(sample, config, funnel, rules)
    prepared = replace(prepare(sample, config, funnel, rules, facts=facts), pool=prior)
    later = prepare(target.judged, config, funnel, rules, facts=facts)
    before = prepared.looks.as_of < target.until
    labels, later_labels = prepared.labels(target.until), later.labels(later.extracted_at)
    for number, name in enumerate(funnel.targets[:2]):
        rows, examples = prepared.usable(number, labels, before), prepared.examples(number, labels, before)
        if not len(examples):
            continue
        judged = later.usable(number, later_labels, (later.looks.as_of >= target.until) & (later.looks.stage == number))
        y, x = later_labels.reached[judged, number], later.x(judged)
        fitted = fit_transition(name, examples, SEARCH, draw)
        plain = fit_transition(name, replace(examples, pooled=None), SEARCH, draw)
        points = prepared.points.points[rows]
        odds, _ = points_calibrator(points, examples.y, examples.as_of, examples.known_at, examples.account)
        probabilities = (
            fitted.transition.probability(x), plain.transition.probability(x),
            odds.probability(later.points.points[judged] / SCALE),
        )  # fmt: skip
        used = bool(fitted.settings.pool and fitted.settings.pool.helps)
        yield name, rarer_of(examples), used, tuple(log_loss(y, p) for p in probabilities)


@dataclass(frozen=True)
class TargetDraw:
    """One draw of each size of one target; results are written to `folder` and read from it, where there is one."""

    variety: float
    business: int
    draw: int
    prior: Prior
    sizes: tuple[int, ...]
    leads: int
    folder: Path | None

    @property
    def name(self) -> str:
        return f"{self.variety}-{self.business}-{self.draw}"


def results_of(draw: TargetDraw) -> list[DrawResult]:
    """What came of it, now or in an earlier run."""
    file = draw.folder / f"{draw.name}.json" if draw.folder else None
    if file and file.is_file():
        return [
            DrawResult(**{**saved, "losses": tuple(saved["losses"])}) for saved in json.loads(file.read_text(encoding="utf-8"))
        ]
    target = Target.of(draw.variety, draw.business, draw.leads)
    results = [
        DrawResult(draw.variety, size, draw.business, draw.draw, name, outcomes, used, losses)
        for size in draw.sizes
        for name, outcomes, used, losses in evaluate_draw(target, draw.prior, size, draw.draw)
    ]
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps([asdict(result) for result in results]), encoding="utf-8")
    return results


def run(
    varieties: Sequence[float], sizes: tuple[int, ...], businesses: int, draws: int, leads: int, folder: Path | None
) -> list[DrawResult]:
    """All draws of all targets, on all processors."""
    results: list[DrawResult] = []
    with LocalEngine(Budget(workers=cores())) as engine, Steps(terminal()).running() as steps:
        contributors = [Contributor(variety, number) for variety in varieties for number in range(CONTRIBUTORS)]
        contributions = run_all(
            engine,
            contribution_of,
            contributors,
            [str(contributor) for contributor in contributors],
            steps.step("Contributions"),
        )
        priors = {
            v: combine("bench", [c for g, c in zip(contributors, contributions, strict=True) if g.variety == v])
            for v in varieties
        }
        target_draws = [
            TargetDraw(v, b, draw, priors[v], sizes, leads, folder)
            for draw in range(draws)
            for b in range(businesses)
            for v in varieties
        ]
        for draw_results in run_all(engine, results_of, target_draws, [a.name for a in target_draws], steps.step("Targets")):
            results += draw_results
    return results


INTRO = """Does what other businesses say help one that has few leads? Simulated businesses that share attributes and
interactions but not tastes: at 0.3 what each value of an attribute is worth differs from business to business by
0.3 in log-odds (one deviation), base rates by 0.45, slopes by 15 %; at 0.8 by 0.8, 1.2 and 40 %. {contributors} of them
contribute; {businesses} others, which are not in the pool, are judged. Of each so many leads are drawn, by whole
accounts; all it knows is what they did in two years. Model, encoders and calibration are learned from them alone,
with and without the prior, and judged on landmarks of the following year of other accounts of the same business.
With the prior means as in a training: it is taken only where the linear learner's own cross-validated log loss is
lower with it. The transitions are lead → mql and mql → sql; draws in which nothing could be learned of a transition
are left out. Intervals draw businesses with replacement, then draws within them; with so few businesses they are
rough."""


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--businesses", type=int, default=4, help="targets for each variety")
    parser.add_argument("--draws", type=int, default=2, help="draws of leads for each target and size")
    parser.add_argument("--leads", type=int, default=6_000, help="simulated leads of a target, a quarter of them to judge on")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--kept", type=Path, help="folder of finished draws, to go on from when it was stopped")
    parser.add_argument("--varieties", default=",".join(map(str, VARIETIES)))
    arguments = parser.parse_args()
    sizes, varieties = (int(s) for s in arguments.sizes.split(",")), [float(v) for v in arguments.varieties.split(",")]
    results = run(varieties, tuple(sizes), arguments.businesses, arguments.draws, arguments.leads, arguments.kept)
    conditions = (
        f"Simulated: {CONTRIBUTORS} contributing businesses of {', '.join(f'{n:,}' for n in CONTRIBUTOR_LEADS)} leads in turn, "
        f"targets of {arguments.leads:,}; {len(results)} fits with and without, {arguments.draws} draws for each target and "
        "size; rarer outcomes are accounts with the rarer outcome, the median of draws."
    )
    plot(results, ROOT / PICTURE)
    text = page(results, INTRO.format(contributors=CONTRIBUTORS, businesses=arguments.businesses), conditions)
    (ROOT / PAGE).write_text(text, encoding="utf-8")
    print("\n".join(table(results)), f"\nWritten: {PAGE} and {PICTURE}.")


if __name__ == "__main__":
    main()
