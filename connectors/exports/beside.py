"""The files beside that of the leads: joined by the ids of leads or companies, or told why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports.columns import ColumnProfile
from connectors.exports.draft import Draft
from connectors.exports.kinds import Export, fold, squash
from connectors.exports.labels import deal_status
from connectors.exports.mappings import FileMapping, column_values, mapping_of, overlap
from connectors.exports.recognise import ExportMatch
from features.common.persons.texts import masked
from features.dataset.id_matches import mismatch
from features.dataset.persons import personal_content

SAMPLE = 200  # values that are looked at
MOST_STATUSES = 40  # distinct values of a status that are listed
_ORDER = re.compile(r"order|purchase|invoice|bestell|auftrag|rechnung|beleg|commande|pedido|ordine|zamow")
_CANCELLED = re.compile(
    r"cancel|stornier|annul|abgebrochen|refund|erstattet|return|retour|draft|entwurf|failed|fehlgeschlagen|anulad"
)
SINGLE_FILE = "only one file can be the leads; join the files into one (the header once) and look again"


def add_file(draft: Draft, match: ExportMatch) -> None:
    """A file beside that of the leads."""
    unused, leads = draft.proposal.unused, draft.leads
    table, name = match.export.table, match.file.name
    if table is None:
        unused[name] = match.export.unused
    elif table == "leads" and leads is not None:
        same = match.export.title == leads.export.title
        unused[name] = f"it holds leads too: {SINGLE_FILE}" if same else f"the leads are taken from {leads.file.name}"
    elif table == "companies":
        _companies(draft, match)
    elif not (lead_id := _joined(draft, match)) and table != "deals":
        unused[name] = _why_unjoined(draft, match) if lead_id is None else f"no column of it names a lead{_by_mail(match)}"
    elif table == "deals":
        _deals(draft, match, lead_id)
    elif table == "lead_stages":
        _lead_stages(draft, match)
    else:
        _interactions(draft, match)


def _by_mail(match: ExportMatch) -> str:
    """What is to be said of a file that names people by their e-mail addresses alone."""
    kinds = {h: personal_content(list(p.values)[:SAMPLE]) for h, p in match.profiles.items() if p.kind in ("text", "category")}
    header = next((h for h, kind in kinds.items() if kind == "e-mail address"), None)
    return f" but by the e-mail address in {header!r}: export the id of the lead (contact) too" if header else ""


def _why_unjoined(draft: Draft, match: ExportMatch) -> str:
    """Why none of the ids of a file is that of a lead, by one of them."""
    names = [*match.export.columns.get("lead_id", ()), match.columns.get("lead_id", "")]
    examples = [value for k in map(squash, names) if k in match.named for value in match.named[k].speaking[1:SAMPLE:10]]
    leads = pd.Series(draft.ids.to_pylist(), dtype="str").dropna()
    reason = next((text for value in examples[:5] if (text := mismatch(value, leads, "the file of leads"))), "")
    return "none of its ids is the id of a lead" + (f": {reason}" if reason else "")


def _joined(draft: Draft, match: ExportMatch) -> str | None:
    """The column with the ids of leads: of those known the one that has most of them. None: none has any; "": none is known."""
    names = [*match.export.columns.get("lead_id", ()), match.columns.get("lead_id", "")]
    candidates = [match.named[k] for n in dict.fromkeys(map(squash, names)) if (k := n) in match.named]
    candidates = [c for c in candidates if c.header != match.columns.get("deal_id")]
    if not candidates:
        return ""
    shares = {c.header: overlap(c, draft.ids) for c in candidates}
    best = max(shares, key=lambda h: shares[h])
    if not shares[best]:
        return None
    match.columns["lead_id"] = best
    if shares[best] < 0.5:
        draft.proposal.doubts.append(
            f"{match.file.name}: only {shares[best]:.0%} of the ids in {best!r} are ids of leads; other rows are dropped"
        )
    return best


def _companies(draft: Draft, match: ExportMatch) -> None:
    leads = draft.leads
    if leads is None:
        return
    firm_headers = [k for n in leads.export.columns.get("company_id", ()) if (k := squash(n)) in leads.named]
    own = [k for n in match.export.columns["company_id"] if (k := squash(n)) in match.named]
    pairs = {
        (leads.named[a].header, match.named[b].header): overlap(leads.named[a], column_values(match, match.named[b].header))
        for a in firm_headers
        for b in own
    }
    best = max(pairs, key=lambda p: pairs[p], default=None)
    if best is None or not pairs[best]:
        draft.proposal.unused[match.file.name] = "none of its companies is the company of a lead"
        return
    draft.proposal.source["leads"]["columns"]["company_id"] = best[0]
    mapping = mapping_of(match, {**match.columns, "company_id": best[1]})
    mapping.set("repeated", "last", "of each column the last filled value of a company counts")
    if match.exclude:
        mapping.content["exclude"] = list(match.exclude)
        mapping.comments[("exclude",)] = "filled in once the outcome is known"
    draft.proposal.comments = {k: v for k, v in draft.proposal.comments.items() if k[:2] != ("source", "companies")}
    draft.add("companies", mapping, listed=False)


def _lead_stages(draft: Draft, match: ExportMatch) -> None:
    columns = match.columns
    if match.dates:
        dates = {s: h for s, h in match.dates.items() if match.profiles[h].filled}
        mapping = mapping_of(match, {"lead_id": columns["lead_id"]}, dates)
        mapping.content["dates"] = dates
        stages = set(dates)
    else:
        mapping = mapping_of(match, columns)
        for header, allowed in match.export.only.items():
            if squash(header) in match.named:
                mapping.content["only"] = {match.named[squash(header)].header: list(allowed)}
                mapping.comments[("only",)] = "the history has changes of other fields too"
        values = _stage_values(draft, match, columns["lead_stage"], mapping)
        mapping.content["values"] = {"lead_stage": values}
        mapping.comments["values", "lead_stage"] = "by their words; null: no lead stage"
        mapping.skip_blank("day", columns["at"])
        stages = {s for s in values.values() if s}
        if not stages:
            listed = ", ".join(map(repr, list(values)[:10]))
            draft.proposal.unused[match.file.name] = f"none of its values says which lead stage it is ({listed})"
            draft.proposal.questions.append(f"{match.file.name}: which of {listed} means which lead stage?")
            return
    mapping.skip_blank("id of a lead", columns["lead_id"])
    draft.add("lead_stages", mapping)
    draft.stages |= stages


def _stage_values(draft: Draft, match: ExportMatch, header: str, mapping: FileMapping) -> dict[str, str | None]:
    """Their lead stage → ours. Of a history of several fields only the rows of the status are looked at."""
    profile = match.profiles[header]
    texts = profile.speaking
    if "only" in mapping.content:
        ((field_header, allowed),) = mapping.content["only"].items()
        texts = [v for v in _values_where(match, header, field_header, allowed) if masked(v) == repr(v)]
    values = {v: guess(StageValue("Status", v, v, "", 0), draft.funnel) for v in texts[:MOST_STATUSES]}
    silent = [v for v, stage in values.items() if stage is None]
    if silent:
        listed = ", ".join(map(repr, silent[:8]))
        mapping.doubts.append(f"no lead stage is known for {listed}: such rows are left out")
    return {**values, "*": None}


def _deals(draft: Draft, match: ExportMatch, lead_id: str | None) -> None:
    columns = dict(match.columns)
    if not lead_id:
        columns.pop("lead_id", None)
    company = columns.get("company_id")
    leads_company = draft.proposal.source["leads"]["columns"].get("company_id")
    if company and draft.leads and leads_company:
        hits = overlap(match.profiles[company], column_values(draft.leads, leads_company))
        columns = columns if hits else {t: h for t, h in columns.items() if t != "company_id"}
    else:
        columns.pop("company_id", None)
    if lead_id:
        _stages_of_deals(draft, match, lead_id)
    if "lead_id" not in columns and "company_id" not in columns:
        draft.proposal.unused[match.file.name] = f"its deals name no lead and no company of a lead{_by_mail(match)}"
        return
    problem = _deal_problem(match, columns)
    if problem:
        draft.proposal.unused[match.file.name] = problem
        return
    mapping = mapping_of(match, columns)
    status, is_order = columns.get("status"), _is_order(match)
    if is_order and not status:
        mapping.set("constants", {"status": "won"}, "an order is a purchase")
    if status:
        read = _order_status if is_order else deal_status
        values = {v: read(v) for v in match.profiles[status].speaking[:MOST_STATUSES]}
        mapping.content["values"] = {
            **mapping.content.get("values", {}),
            "status": {**values, "*": "won" if is_order else "open"},
        }
        mapping.comments["values", "status"] = "by their words: won, lost or still open; null: left out"
        mapping.skip_blank("status", status)
    mapping.skip_blank("id", columns["deal_id"])
    mapping.skip_blank("day of creation", columns["created_at"])
    draft.add("deals", mapping)


def _deal_problem(match: ExportMatch, columns: Mapping[str, str]) -> str:
    for target, name in (("deal_id", "id"), ("created_at", "day of creation")):
        if target not in columns or not match.profiles[columns[target]].filled:
            return f"deals without their {name} cannot be taken: export that column too"
    ids = column_values(match, columns["deal_id"]).drop_null()
    if len(ids) != len(ids.unique()):
        return f"{columns['deal_id']!r} stands in several rows, so it is no id of a deal"
    return "" if "status" in columns or "lead_id" in columns else "deals without a status and a lead say nothing"


def _is_order(match: ExportMatch) -> bool:
    """Are the rows orders or invoices, none of which is called won or lost?"""
    status = match.profiles.get(match.columns.get("status", ""))
    is_deal = status is not None and any(deal_status(v) in ("won", "lost") for v in status.speaking[:MOST_STATUSES])
    return bool(_ORDER.search(fold(match.columns.get("deal_id", "")))) and not is_deal


def _order_status(value: str) -> str:
    return "lost" if _CANCELLED.search(fold(value)) else "won"


def _stages_of_deals(draft: Draft, match: ExportMatch, lead_id: str) -> None:
    """What became of the leads of deals, where the deals say when."""
    dates = {s: h for s, h in match.dates.items() if match.profiles[h].filled}
    if dates:
        mapping = mapping_of(match, {"lead_id": lead_id}, dates)
        mapping.set("dates", dates, "won and lost deals say what came of their lead; an open deal is intent to buy")
        stages = set(dates)
    elif {"lead_stage", "at"} <= set(match.outcome):
        stage_header, at = match.outcome["lead_stage"], match.outcome["at"]
        ours = {"won": draft.funnel.final, "lost": "lost" if "lost" in draft.funnel.exits else None}
        values = {v: ours.get(deal_status(v) or "") for v in match.profiles[stage_header].speaking[:MOST_STATUSES]}
        stages = {s for s in values.values() if s}
        if not stages:
            return
        mapping = mapping_of(match, {"lead_id": lead_id, "lead_stage": stage_header, "at": at})
        mapping.content["values"] = {"lead_stage": {**values, "*": None}}
        mapping.comments["values", "lead_stage"] = "won and lost deals say what came of their lead, on the day they closed"
        mapping.skip_blank("day", at)
    elif _is_order(match) and "created_at" in match.columns:
        at, stages = match.columns["created_at"], {draft.funnel.final}
        mapping = mapping_of(match, {"lead_id": lead_id, "at": at})
        mapping.set("constants", {"lead_stage": draft.funnel.final}, "an order is a purchase, on the day it was made")
        status = match.profiles.get(match.columns.get("status", ""))
        if status and (cancelled := [v for v in status.speaking[:MOST_STATUSES] if _order_status(v) == "lost"]):
            mapping.content.setdefault("skip", {})[status.header] = cancelled
            mapping.comments["skip", status.header] = "cancelled orders"
        mapping.skip_blank("day", at)
        draft.proposal.questions.append(
            f"{match.file.name}: does each of its rows mean that a lead became a {draft.funnel.final}? It was taken so"
        )
    else:
        return
    mapping.skip_blank("lead", lead_id)
    mapping.doubts.clear()
    draft.add("lead_stages", mapping)
    draft.stages |= stages


def _interactions(draft: Draft, match: ExportMatch) -> None:
    columns, unused = match.columns, draft.proposal.unused
    if "at" not in columns or not match.profiles[columns["at"]].filled:
        unused[match.file.name] = "it has no day on which anything happened"
        return
    kind = columns.get("type")
    if kind and not match.profiles[kind].filled:
        del columns["type"]
        kind = None
    mapping = mapping_of(match, columns)
    if not kind:
        mapping.set("constants", match.constants or {"type": "activity"}, "no column says what was done")
    else:
        values = _type_values(match.export, match.profiles[kind])
        if values:
            mapping.content["values"] = {"type": values}
            mapping.comments["values", "type"] = "what they mean here; null: left out"
        mapping.skip_blank("type", kind)
    mapping.skip_blank("id of a lead", columns["lead_id"])
    mapping.skip_blank("day", columns["at"])
    draft.add("interactions", mapping)


def _values_where(match: ExportMatch, header: str, field_header: str, allowed: Sequence[str]) -> list[str]:
    """The distinct values of a column in the rows whose field is one of `allowed`."""
    values: dict[str, None] = {}
    for block in match.file.blocks([header, field_header], {}):
        fields = block.column(field_header).to_pylist()
        values |= {v: None for v, f in zip(block.column(header).to_pylist(), fields, strict=True) if v and f in allowed}
    return list(values)


def _type_values(export: Export, profile: ColumnProfile) -> dict[str, str | None]:
    """Their type of an interaction → ours; types that are numbers and not known are left out."""
    vocabulary = export.values.get("type")
    if not vocabulary:
        return {}
    values = {v: vocabulary[key] for v in list(profile.values)[:MOST_STATUSES] if (key := fold(v)) in vocabulary}
    numbers = all(v.isdigit() for v in profile.values)
    return {**(dict(vocabulary) if numbers else values), "*": None} if numbers else dict(values)
