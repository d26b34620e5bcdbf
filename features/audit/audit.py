"""The audit: verdicts on every attribute column and interaction type, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes import SKIPPED
from features.audit.interactions import only_after
from features.audit.outcomes import Outcome, outcomes
from features.audit.signals import JUDGEMENT, STATE, alone, filled, numbers_time, words
from features.audit.verdict import ORDER, Level, Verdict
from features.clock import microseconds
from features.dataset import Dataset
from features.funnel import Funnel
from features.landmarks import Path

TOO_GOOD = 0.25  # of the outcome's entropy: no honest single column of the data sets we know comes near
TELLING = 0.05  # enough for a column whose name says that it is a state at extraction or somebody's judgement
FAMILY, HINT = 3, 0.02  # so many judgements filled together, and enough for them
ONLY_FILLED, FEW_FILLED = 0.9, 10
MIN_ROWS = 50  # leads of whom the outcome is known, half of them not all alike
MIN_OUTCOMES = 10


@dataclass(frozen=True)
class Audit:
    """Verdicts on attribute columns and on interaction types, the worst first."""

    columns: tuple[Verdict, ...]
    interactions: tuple[Verdict, ...]

    @property
    def blocked(self) -> tuple[str, ...]:
        """The blocked columns, as "lead.budget"."""
        return tuple(v.subject for v in self.columns if v.level == "block")

    def lines(self) -> list[str]:
        """What is worth reading at the end of a training."""
        return [
            f"{'left out' if v.level == 'block' else 'worth a look'}: {v}"
            for v in (*self.columns, *self.interactions)
            if v.level != "ok"
        ]

    def to_dict(self) -> dict[str, Any]:
        return {
            part: [{"subject": v.subject, "verdict": v.level, "evidence": list(v.evidence)} for v in verdicts]
            for part, verdicts in (("columns", self.columns), ("interactions", self.interactions))
        }

    def markdown(self) -> str:
        """A table of all verdicts."""
        rows = [f"| {v.subject} | {v.level} | {'; '.join(v.evidence)} |" for v in (*self.columns, *self.interactions)]
        return "\n".join(["# Leakage audit", "", "| column or interaction | verdict | evidence |", "|---|---|---|", *rows, ""])


def audit(dataset: Dataset, funnel: Funnel) -> Audit:
    """Judge every attribute and interaction type by what became of the leads.

    A column is blocked that knows the outcome: it alone says too much; it is filled (almost) only where a lead converted; its
    name says that it is a state at extraction or a judgement and it is telling; it belongs to a family of judgements, filled
    together, one of which is; it numbers the leads in the order of time. Columns whose history is recorded are cut at each
    moment anyway, so their name is no evidence.
    """
    path = Path.of(dataset.leads, dataset.lead_stages, funnel)
    known = [o for o in outcomes(path, funnel.targets) if _judgeable(o)]
    company = pd.Index(dataset.companies["company_id"]).get_indexer(pd.Index(dataset.leads["company_id"]))
    account = np.where(company >= 0, company, len(dataset.companies) + np.arange(len(company))).astype(np.int64)
    created = microseconds(dataset.leads["created_at"])
    changes = dataset.attribute_changes
    recorded = {f"{entity}.{column}" for entity, column in zip(changes["entity"], changes["column"], strict=True)}
    columns = dict(_columns(dataset, company))
    verdicts = {name: _judge(name, values, known, account, created, name in recorded) for name, values in columns.items()}
    _families(verdicts, columns, known, account)
    order = sorted(verdicts.values(), key=lambda v: ORDER.index(v.level))
    return Audit(tuple(order), only_after(dataset, path, funnel))


def _judgeable(outcome: Outcome) -> bool:
    rarer = min(int(outcome.y.sum()), int((~outcome.y).sum()))
    return len(outcome.y) >= MIN_ROWS and rarer >= MIN_OUTCOMES


def _columns(dataset: Dataset, company: npt.NDArray[np.intp]) -> list[tuple[str, pd.Series]]:
    """Every attribute column by lead."""
    leads = [(f"lead.{c}", dataset.leads[c]) for c in dataset.leads.columns if c not in SKIPPED["lead"]]
    rows = pd.Series(company).where(company >= 0)
    companies = dataset.companies.reset_index(drop=True)
    return leads + [
        (f"company.{c}", companies[c].reindex(rows).reset_index(drop=True))
        for c in dataset.companies.columns
        if c not in SKIPPED["company"]
    ]


def _judge(
    name: str,
    values: pd.Series,
    known: Sequence[Outcome],
    account: npt.NDArray[np.int64],
    created: npt.NDArray[np.int64],
    recorded: bool,
) -> Verdict:
    level: Level = "ok"
    evidence: list[str] = []
    if numbers_time(values, created):
        return Verdict(name, "block", ("it numbers the leads in the order in which they came",))
    named = words(name.partition(".")[2]) & (STATE | JUDGEMENT)
    for outcome in known:
        some = values.iloc[outcome.rows].reset_index(drop=True)
        here = filled(some, outcome.y)
        if here and here.rows >= FEW_FILLED and here.with_value >= ONLY_FILLED > 2 * here.without and not recorded:
            level = "block"
            evidence.append(
                f"filled for {here.rows:,} leads, of whom {here.with_value:.0%} became {outcome.target}, "
                f"against {here.without:.0%} of the others"
            )
        found = alone(some, outcome.y, account[outcome.rows])
        said = f"alone it removes {found.gain:.0%} of the doubt about {outcome.target}"
        if found.gain - found.doubt > TOO_GOOD:
            level = "block"
            evidence.append(f"{said}: too good to have been known before")
        elif named and not recorded and found.gain - found.doubt > TELLING:
            level = "block"
            evidence.append(f"{said}, and {', '.join(sorted(named))!r} in its name says it may have been filled in later")
        elif found.gain - found.doubt > TELLING:
            evidence.append(said)
    if level == "ok" and named and not recorded:
        level = "warn"
        evidence.append(f"{', '.join(sorted(named))!r} in its name says it may have been filled in later; it tells little")
    return Verdict(name, level, tuple(evidence))


def _families(
    verdicts: dict[str, Verdict], columns: Mapping[str, pd.Series], known: Sequence[Outcome], account: npt.NDArray[np.int64]
) -> None:
    """`FAMILY` judgements or more that begin with the same word and are filled for the same leads are another system's opinion.

    Nobody recorded when it was given; where one of them is telling at all, all are blocked.
    """
    groups: dict[tuple[str, bytes], list[str]] = {}
    for name, verdict in verdicts.items():
        if words(verdict.column) & JUDGEMENT and columns[name].isna().any() and verdict.level != "ok":
            first = name.split()[0]
            groups.setdefault((first, columns[name].isna().to_numpy().tobytes()), []).append(name)
    for family in (names for names in groups.values() if len(names) >= FAMILY):
        gains = {name: _most(columns[name], known, account) for name in family}
        best = max(gains, key=lambda name: gains[name])
        if gains[best] <= HINT:
            continue
        for name in family:
            why = (
                f"one of {len(family)} judgements filled for the same leads, of unknown date; the most telling, {best}, "
                f"removes at least {gains[best]:.0%} of the doubt"
            )
            verdicts[name] = Verdict(name, "block", (*(e for e in verdicts[name].evidence if "too good" in e), why))


def _most(values: pd.Series, known: Sequence[Outcome], account: npt.NDArray[np.int64]) -> float:
    """The lower end of the gain, for the outcome it says most about."""
    found = [alone(values.iloc[o.rows].reset_index(drop=True), o.y, account[o.rows]) for o in known]
    return max((f.gain - f.doubt for f in found), default=0.0)
