"""The audit for data leakage: verdicts on every attribute column and interaction type, before anything is learned."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.leakage.evidence import Case
from features.leakage.families import families
from features.leakage.interactions import Follows, only_after
from features.leakage.judge import against_others, on_column, on_family, strengths, suspicious
from features.leakage.outcomes import Outcome
from features.leakage.report import Audit
from features.leakage.sides import both_sides
from features.leakage.strength import Strength
from features.leakage.verdict import ORDER, Finding, Verdict, judged

TEST_SHARE = 0.2  # of the leads, the newest, are the later side of a split


def audit(
    dataset: Dataset,
    funnel: Funnel,
    *,
    exclude: Collection[str] = (),
    test_share: float = TEST_SHARE,
    only: Collection[str] | None = None,
    follows: Follows | None = None,
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
    only
        columns to judge, with the same verdicts and in less time; interactions are then not judged. All without.
    follows
        what is known of the interactions where `dataset` does not hold them.
    """
    case = Case.of(dataset, funnel)
    names = [n for n in case.columns if n not in exclude and n.partition(".")[2] not in exclude]
    asked = names if only is None else [n for n in names if n in only]
    groups = families({n: case.columns[n] for n in names}, case.level)
    near = {n for family in groups if set(family) & set(asked) for n in family}
    strong = {name: strengths(case, name) for name in names if name in near or name in asked}
    if only is not None and any(suspicious(s) for name in asked for s in strong[name].values()):
        near = set(names)  # whether it beats all others can only be said with all others
    strong |= {name: strengths(case, name) for name in names if name in near and name not in strong}
    found = {name: on_column(case, name, seen) for name, seen in strong.items()}
    for family in (family for family in groups if set(family) <= set(found)):
        if why := on_family(case, family, strong):
            for name in family:
                found[name].append(why)
    honest = [name for name in found if not _blocked(found[name])]
    for name in asked:
        found[name] += against_others(case, name, strong, [o for o in honest if o != name])
    verdicts = [_verdict(name, found[name], strong[name]) for name in asked]
    verdicts += [Verdict(name, "ok", ("empty or the same in every row",), idle=True) for name in case.idle]
    return Audit(
        tuple(sorted(verdicts, key=lambda v: ORDER.index(v.level))),
        only_after(follows or Follows.of(dataset, case.path, funnel), funnel) if only is None else (),
        tuple(_notes(case, test_share)),
    )


def _blocked(findings: list[Finding]) -> bool:
    return any(f.level == "block" for f in findings)


def _verdict(name: str, findings: list[Finding], strong: Mapping[Outcome, Strength]) -> Verdict:
    if findings or not strong:
        return judged(name, findings)
    outcome, best = max(strong.items(), key=lambda item: item[1].auc)
    return Verdict(name, "ok", (f"alone about {outcome.target}: {best}",))


def _notes(case: Case, test_share: float) -> list[str]:
    notes = []
    if not case.known:
        notes.append("audit: too few outcomes are known to judge columns by what they say")
    bare = sum(name not in case.recorded for name in case.columns)
    if bare:
        notes.append(f"audit: {bare} of {len(case.columns)} columns have no recorded history and are taken as extracted")
    if sides := both_sides(case.account, case.created, test_share):
        notes.append(f"audit: {sides}")
    return notes
