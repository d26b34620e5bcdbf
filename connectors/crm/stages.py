"""Which of a CRM's statuses and deal stages means which lead stage: a proposal to be confirmed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from connectors.crm.mapping import StageValue
from features.dataset.funnel import Funnel

# what a name says, English and German; the first that matches counts
_WORDS = (
    ("lost", re.compile(r"\blost\b|verloren|abgesagt")),
    (
        "disqualified",
        re.compile(
            r"unqualif|disqualif|\bnot (?:qualified|converted|interested|a fit)|junk|bad (?:fit|data)|kein (?:interesse|bedarf)"
        ),
    ),
    ("customer", re.compile(r"\bwon\b|customer|client|gewonnen|kunde|signed|abschluss")),
    (
        "sql",
        re.compile(
            r"\bsql\b|sales qualif|opportunit|(?<!marketing )\bqualified\b|converted|demo|proposal|negotiat|"
            r"angebot|verhandl|vertriebsqualif"
        ),
    ),
    ("mql", re.compile(r"\bmql\b|marketing qualif|engaged|nurtur|working|(?<!not )contacted|marketingqualif")),
)


def guess(value: StageValue, funnel: Funnel) -> str | None:
    """The lead stage or exit that a label most likely means; None for none. An open stage of a deal is intent to buy.

    What the vendor itself says (won, lost) counts before any word.
    """
    names = (*funnel.stages, *funnel.exits)
    if value.meaning == "won":
        return funnel.final
    if value.meaning == "lost":
        return next((name for name in ("lost", "disqualified") if name in names), None)
    words = " ".join(re.findall(r"\w+", f"{value.label} {value.value}".casefold().replace("_", " ")))
    stage = next((name for name, pattern in _WORDS if pattern.search(words)), None)
    if value.field.startswith("deal.") and stage in (None, "mql", "customer"):
        stage = "sql"  # won and lost are said by the vendor, whatever a stage is called
    return stage if stage in names and stage != funnel.stages[0] else None


def propose(
    values: Sequence[StageValue], funnel: Funnel, vendor_default: Callable[[StageValue], str | None]
) -> dict[str, dict[str, str | None]]:
    """Field → value → lead stage, for every value that the data have. `vendor_default`: what the vendor's defaults mean."""
    proposal: dict[str, dict[str, str | None]] = {}
    names = (*funnel.stages, *funnel.exits)
    for value in values:
        default_stage = vendor_default(value)
        proposal.setdefault(value.field, {})[value.value] = default_stage if default_stage in names else guess(value, funnel)
    return proposal


def proposal_yaml(proposal: Mapping[str, Mapping[str, str | None]], values: Sequence[StageValue]) -> str:
    """The proposal as YAML, to be put under `source:`, with what each value is called and how often it occurs."""
    lines = ["stages:"]
    for name, mapping in proposal.items():
        lines.append(f"  {name}:")
        for value in (v for v in values if v.field == name):
            stage = mapping.get(value.value)
            label = "" if value.label == value.value else f"{_plain(value.label)}, "
            lines.append(f"    {_key(value.value)}: {stage or 'null'}  # {label}{value.records:,} records")
    return "\n".join(lines)


def _key(text: str) -> str:
    return (
        text if re.fullmatch(r"[A-Za-z][A-Za-z0-9_ ]*", text) and text.casefold() not in _YAML else '"' + _escaped(text) + '"'
    )


_YAML = {"yes", "no", "true", "false", "null", "on", "off", "y", "n"}


def _escaped(text: str) -> str:
    return _plain(text).replace("\\", "\\\\").replace('"', '\\"')


def _plain(text: str) -> str:
    """One line, whatever the vendor's screens hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
