"""A folder of downloaded files → what they are, a mapping to confirm, and what such files cannot tell."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from connectors.exports.beside import add_file
from connectors.exports.columns import proven_orders
from connectors.exports.draft import Draft
from connectors.exports.folder import FolderFile, contents
from connectors.exports.hubspot import HUBSPOT_DATES
from connectors.exports.kinds import NO_HISTORY, squash
from connectors.exports.outcome import NamedOutcome, outcome_candidates
from connectors.exports.plain import plain_match
from connectors.exports.proposal import Proposal
from connectors.exports.recognise import ExportMatch, recognise
from features.dataset.funnel import Funnel


def propose(folder: Path, funnel: Funnel, outcome: str | None = None) -> Proposal:
    """Look at every file of a folder. `outcome`: the column that says what came of a lead, where its name does not tell
    (`NamedOutcome.parse`).

    Raises
    ------
    DataError
        if none is there that can be read, or no file has that column.
    """
    listing = contents(folder)
    named = NamedOutcome.parse(outcome, [h for f in listing.files for h in f.profiles]) if outcome else None
    matches, strange = _recognise(listing.files, funnel, named)
    date_orders = frozenset(order for entry in listing.files for order in proven_orders(entry.profiles.values()))
    for match in matches:
        match.date_orders = date_orders
    draft = Draft(folder, funnel, matches, _leads_of([m for m in matches if m.export.table == "leads"], named), named)
    draft.proposal.unused.update(listing.unread)
    draft.proposal.unknown = [f.file.name for f in strange]
    for entry in listing.files:
        if entry in strange or any(m.file is entry.file and not m.export.crm for m in matches):
            draft.proposal.columns[entry.file.name] = {h: p.describe() for h, p in entry.profiles.items()}
    _compose(draft, strange)
    return draft.proposal


def _compose(draft: Draft, strange: Sequence[FolderFile]) -> None:
    """The leads, then every other file, then what came of the leads if no file has days for it."""
    proposal, leads = draft.proposal, draft.leads
    if leads is None:
        names = [m.file.name for m in draft.matches] + proposal.unknown
        proposal.missing = f"No file in {proposal.source['folder']} was recognised as leads: {', '.join(names[:10])}."
        for entry in strange:
            draft.ask_for_outcome(entry.file.name, outcome_candidates(entry.profiles.values()))
        proposal.gaps = _gaps(draft.matches)
        return
    draft.lead_file(leads)
    for match in draft.matches:
        if match is not leads:
            add_file(draft, match)
    targets = draft.stages & set(draft.funnel.targets)
    if not targets or draft.named_outcome:
        draft.take_outcome(leads)
    elif "created_at" not in leads.columns:
        draft.refuse_undated(leads)
    if not proposal.missing:
        draft.set_funnel()
    proposal.gaps = _gaps(draft.matches, targets)


def _recognise(
    files: Sequence[FolderFile], funnel: Funnel, outcome: NamedOutcome | None
) -> tuple[list[ExportMatch], list[FolderFile]]:
    """The files that are something, and those that are nothing known. A file of no CRM is looked at beside the leads."""
    matches = {f.file.name: m for f in files if (m := recognise(f.file, f.profiles))}
    plain = [f for f in files if f.file.name not in matches]
    guesses = [m for f in plain if (m := plain_match(f.file, f.profiles, funnel, (), outcome)) and m.export.table == "leads"]
    of_crms = [m for m in matches.values() if m.export.table == "leads"]
    leads = _leads_of([*of_crms, *guesses], outcome)
    header = leads.columns.get("lead_id", "") if leads and not leads.export.crm else ""
    ids = [] if squash(header) in ("", "id", "uuid", "guid") else [header]
    for entry in plain:
        match = plain_match(entry.file, entry.profiles, funnel, ids, outcome)
        if match:
            matches[entry.file.name] = match
    ordered = [matches[f.file.name] for f in files if f.file.name in matches]
    return ordered, [f for f in files if f.file.name not in matches]


def _leads_of(matches: Sequence[ExportMatch], outcome: NamedOutcome | None) -> ExportMatch | None:
    """The likeliest file of leads: with the outcome somebody named, with days on which leads came and went on, of a kind that
    is no contact, the largest."""

    def rank(match: ExportMatch) -> tuple[bool, bool, bool, bool, bool, int]:
        has_outcome = outcome is not None and outcome.column in match.profiles
        filled = [h for h in match.dates.values() if match.profiles[h].filled]
        dated = match.columns.get("created_at")
        has_dates = dated is not None and match.profiles[dated].filled > 0
        return (has_outcome, has_dates, bool(filled), "contact" not in match.export.title, bool(match.export.crm), match.rows)

    return max(matches, key=rank, default=None)


def _gaps(matches: Sequence[ExportMatch], stages: Set[str] = frozenset()) -> list[str]:
    """What no file tells; what one file lacks and another has is not lacking."""
    dated = any(match.dates for match in matches if match.export.table == "leads")
    tables = {match.export.table for match in matches} | ({"lead_stages"} if stages else set())
    gaps = [
        gap
        for gap in dict.fromkeys(gap for match in matches for gap in match.export.gaps)
        if not _is_filled(gap, tables, dated)
    ]
    return gaps if "lead_stages" in tables or any(gap.startswith("when") for gap in gaps) else [NO_HISTORY, *gaps]


def _is_filled(gap: str, tables: Set[Any], dated: bool) -> bool:
    """Does another file tell what an export lacks, or is that nothing here, where no file is `dated`?"""
    if gap == HUBSPOT_DATES:
        return not dated
    if gap.startswith("interactions"):
        return "interactions" in tables
    return gap.startswith("when") and "lead_stages" in tables
