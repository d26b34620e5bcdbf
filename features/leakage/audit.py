"""The audit for data leakage: verdicts on every attribute column and interaction type, before anything is learned."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.leakage.evidence import Case
from features.leakage.families import families
from features.leakage.interactions import FollowCounts, judge_interactions
from features.leakage.judge import Strong, against_others, on_column, on_family, strengths, suspicious
from features.leakage.outcomes import Outcome
from features.leakage.report import Audit
from features.leakage.sides import straddling_accounts
from features.leakage.strength import Strength
from features.leakage.verdict import ORDER, Finding, Verdict, gravest_verdict

TEST_SHARE = 0.2  # of the leads, the newest, are the later side of a split


def audit(
    dataset: Dataset,
    funnel: Funnel,
    *,
    exclude: Collection[str] = (),
    test_share: float = TEST_SHARE,
    columns: Collection[str] | None = None,
    follows: FollowCounts | None = None,
) -> Audit:
    """Judge every attribute and interaction type by what became of the leads.

    A column is blocked that knows the outcome: it alone says too much, or much and more than all others together; it is filled
    for one outcome only, or only after it; its name or values say that it is a state at extraction or a judgement, and it is
    telling; it belongs to a family of judgements that is; it numbers the leads in the order of time.

    Parameters
    ----------
    exclude
        columns that are left out anyway ("budget" or "lead.budget").
    test_share
        share of the leads, the newest, that a split keeps for the test.
    columns
        those to judge, with the same verdicts and in less time; interactions are then not judged. All without.
    follows
        what is known of the interactions where `dataset` does not hold them.
    """
    case = Case.from_dataset(dataset, funnel)
    names = [n for n in case.columns if n not in exclude and n.partition(".")[2] not in exclude]
    selected = names if columns is None else [n for n in names if n in columns]
    groups = families({n: case.columns[n] for n in names}, case.level)
    strong = _needed_strengths(case, names, selected, groups)
    findings = _findings(case, selected, groups, strong)
    verdicts = [_verdict(name, findings[name], strong[name]) for name in selected]
    verdicts += [Verdict(name, "ok", ("empty or the same in every row",), idle=True) for name in case.idle]
    return Audit(
        tuple(sorted(verdicts, key=lambda v: ORDER.index(v.level))),
        judge_interactions(follows or FollowCounts.from_dataset(dataset, case.path, funnel), funnel) if columns is None else (),
        tuple(_notes(case, test_share)),
    )


def _needed_strengths(
    case: Case, names: Collection[str], selected: Collection[str], groups: Collection[Collection[str]]
) -> dict[str, dict[Outcome, Strength]]:
    """The strengths of the `selected` columns and of their families; of all `names` where one is so strong that it may beat
    all others."""
    near = {name for family in groups if set(family) & set(selected) for name in family}
    strong = {name: strengths(case, name) for name in names if name in near or name in selected}
    if any(suspicious(s) for name in selected for s in strong[name].values()):
        strong |= {name: strengths(case, name) for name in names if name not in strong}
    return strong


def _findings(
    case: Case, selected: Collection[str], groups: Collection[Sequence[str]], strong: Strong
) -> dict[str, list[Finding]]:
    """Of each column alone, then of each family that is known whole, then of the `selected` ones against all honest others."""
    findings = {name: on_column(case, name, by_outcome) for name, by_outcome in strong.items()}
    for family in (family for family in groups if set(family) <= set(findings)):
        if finding := on_family(case, family, strong):
            for name in family:
                findings[name].append(finding)
    honest = [name for name in findings if not _blocked(findings[name])]
    for name in selected:
        findings[name] += against_others(case, name, strong, [o for o in honest if o != name])
    return findings


def _blocked(findings: list[Finding]) -> bool:
    return any(f.level == "block" for f in findings)


def _verdict(name: str, findings: list[Finding], strong: Mapping[Outcome, Strength]) -> Verdict:
    if findings or not strong:
        return gravest_verdict(name, findings)
    outcome, best = max(strong.items(), key=lambda item: item[1].auc)
    return Verdict(name, "ok", (f"alone about {outcome.target}: {best}",))


def _notes(case: Case, test_share: float) -> list[str]:
    notes = []
    if not case.outcomes:
        notes.append("audit: too few outcomes are known to judge columns by what they say")
    bare = sum(name not in case.recorded for name in case.columns)
    if bare:
        notes.append(f"audit: {bare} of {len(case.columns)} columns have no recorded history and are taken as extracted")
    if sides := straddling_accounts(case.account, case.created, test_share):
        notes.append(f"audit: {sides}")
    return notes
