"""Each signal on each column: figures → findings. The thresholds on figures stand here, with what they were chosen from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from features.leakage.certain import certain_values
from features.leakage.changes import RECORDED, late_fill_finding
from features.leakage.evidence import Case
from features.leakage.joint import joint_strength, ridge_odds
from features.leakage.missingness import filledness
from features.leakage.names import ended_values, telltale
from features.leakage.numbering import numbers_time
from features.leakage.outcomes import Outcome
from features.leakage.single import one_value
from features.leakage.strength import Strength, auc, entropy_gain, strength
from features.leakage.verdict import IN_TIME, Finding, Level

# Over four real data sets and the simulator the best honest column has an AUC of 0.76, the weakest that leaks by itself 0.88.
LEAK_AUC = 0.85
HOLDS = 0.7  # on the newest leads as well: a column that moves with the calendar is good only in hindsight
BEATS_ALL = 0.8  # and better than all other columns together
SUSPECT = 0.7  # from here on a column that beats all others is worth a look
# Of the entropy: columns named as judgements or states that leak remove 11 % and more, an honest "budget score" 2 %.
TELLING = 0.05
FAMILY = 0.02  # for judgements that come together

UNRECORDED = (
    "the source has no history of it: it is known as it is today, whenever it was filled in; where that was when the lead "
    "was created, and never after, `audit: {insist: [...]}` keeps the column"
)

Strong = Mapping[str, Mapping[Outcome, Strength]]


def strengths(case: Case, name: str) -> dict[Outcome, Strength]:
    """How much the column says about each outcome."""
    return {o: strength(case.level_codes(name, o), o.y, case.account[o.rows], o.entered) for o in case.outcomes}


def on_column(case: Case, name: str, strong: Mapping[Outcome, Strength]) -> list[Finding]:
    """Everything that can be said of one column without looking at the others."""
    if numbers_time(case.columns[name], case.created):
        return [Finding("block", "it numbers the leads in the order in which they came")]
    history = case.recorded.get(name)
    findings = [
        Finding("block", UNRECORDED) if name in case.unrecorded else None,
        *(_auc_finding(outcome, s) for outcome, s in strong.items()),
        *(_certain_finding(case, name, o) for o in case.outcomes if o.step),
        *(filledness(case.level_codes(name, o) > 0, o.y, case.account[o.rows], o.target) for o in case.outcomes),
        late_fill_finding(history, case.path, case.funnel.final) if history else None,
        _name_finding(case, name, strong) if history is None or history.recorded < RECORDED else None,
    ]
    present = [finding for finding in findings if finding]
    return [*_value_findings(case, name, present), *present]


def _value_findings(case: Case, name: str, findings: Sequence[Finding]) -> list[Finding]:
    """Values that imply an outcome, as grave as the gravest of the other `findings`; they say it most plainly."""
    level: Level = "block" if any(f.level == "block" for f in findings) else "warn"
    sentences = [one_value(case.columns[name], case.level_codes(name, o), o) for o in case.outcomes if o.step]
    return [Finding(level, sentence) for sentence in sentences if sentence]


def _certain_finding(case: Case, name: str, outcome: Outcome) -> Finding | None:
    """Values that make the outcome certain. That all outcomes have one value, and so the others none, is told elsewhere."""
    codes = case.level_codes(name, outcome)
    none_too = one_value(case.columns[name], codes, outcome) is None
    tried = case.tries[name], sum(case.tries.values())
    return certain_values(case.values(name, outcome), codes, outcome, case.account[outcome.rows], tried, none_too=none_too)


def _auc_finding(outcome: Outcome, s: Strength) -> Finding | None:
    if s.low < LEAK_AUC or (s.forward_auc is not None and s.forward_auc < HOLDS):
        return None
    return Finding("block", f"alone it tells who becomes {outcome.target}: {s}; too good to have been known before? {IN_TIME}")


def _name_finding(case: Case, name: str, strong: Mapping[Outcome, Strength]) -> Finding | None:
    """Name and values: a block with figures that bear them out, a warning where the column says anything at all."""
    name_words = telltale(name.partition(".")[2])
    clues = [f"{', '.join(map(repr, sorted(name_words)))} in its name"] if name_words else []
    values, share = ended_values(case.columns[name], (*case.funnel.stages[1:], *case.funnel.exits))
    if values:
        clues.append(f"{', '.join(map(repr, values[:3]))} among its values ({share:.0%} of the rows)")
    steps = [(s.gain_low, outcome.target, s) for outcome, s in strong.items() if outcome.step]
    if not clues or not steps:
        return None
    _, target, best = max(steps, key=lambda step: step[0])
    sign = f"{' and '.join(clues)} may mean that it was filled in later"
    if best.gain_low > TELLING and (best.forward_low is None or best.forward_low > 0.5):
        return Finding("block", f"{sign}, and alone it removes {best.gain:.0%} of the doubt about {target}: {best}")
    level: Level = "warn" if best.low > 0.5 and best.gain_low > 0 else "ok"
    return Finding(level, f"{sign}; it tells little about {target}: {best}")


def on_family(case: Case, family: Sequence[str], strong: Strong) -> Finding | None:
    """A finding where judgements that come together say anything about an outcome together."""
    candidates = []
    for outcome in (o for o in case.outcomes if o.step):
        account = case.account[outcome.rows]
        joint_odds = ridge_odds([strong[name][outcome].odds for name in family], outcome.y, account)
        gain, doubt = entropy_gain(joint_odds, outcome.y)
        single = max(strong[name][outcome].gain_low for name in family)  # with few rows adding up costs more than it gives
        candidates.append((max(gain - doubt, single), gain, auc(joint_odds, outcome.y, account)[0], outcome.target))
    low, gain, area, target = max(candidates, default=(0.0, 0.0, 0.5, ""))
    if low <= FAMILY:
        return None
    return Finding(
        "block",
        f"one of {len(family)} columns that judge the same leads together, when is not known; together they remove {gain:.0%} "
        f"of the doubt about {target} (AUC {area:.2f})",
    )


def suspicious(s: Strength) -> bool:
    """Whether a column says so much that it must be held against all others."""
    return s.low >= SUSPECT and (s.forward_auc is None or s.forward_auc >= HOLDS)


def against_others(case: Case, name: str, strong: Strong, other_names: Sequence[str]) -> list[Finding]:
    """A finding for each outcome about which the column says more than all `other_names` together."""
    findings = []
    for outcome, s in strong[name].items():
        if not suspicious(s):
            continue
        joint = joint_strength([strong[o][outcome].odds for o in other_names], outcome.y, case.account[outcome.rows])
        if joint and s.low > joint[0] and s.gain_low > joint[1]:
            reason = f"alone it says more about {outcome.target} than all {len(other_names)} other columns together"
            sentence = f"{reason}: {s} against {joint[0]:.2f}"
            findings.append(Finding("block", f"{sentence}; {IN_TIME}") if s.low >= BEATS_ALL else Finding("warn", sentence))
    return findings
