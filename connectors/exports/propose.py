"""A folder of downloaded files → what they are, a mapping to confirm, and what such files cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports.columns import ColumnProfile
from connectors.exports.folder import FolderFile, contents
from connectors.exports.hubspot import HUBSPOT_DATES
from connectors.exports.kinds import NO_HISTORY, Export, fold, squash
from connectors.exports.labels import deal_status
from connectors.exports.mappings import FileMapping, column_values, mapping_of, overlap
from connectors.exports.outcome import OutcomeColumn, outcome_columns
from connectors.exports.plain import plain_match, stage_dates
from connectors.exports.proposal import Proposal
from connectors.exports.recognise import ExportMatch, recognise
from features.dataset.funnel import Funnel

MOST_STATUSES = 40  # distinct values of a status that are listed
SINGLE_FILE = "only one file can be the leads; join the files into one (the header once) and look again"
_MAIL_IDS = ("email", "email address", "email work", "e mail", "e mail adresse")


def propose(folder: Path, funnel: Funnel) -> Proposal:
    """Look at every file of a folder.

    Raises
    ------
    DataError
        if none is there that can be read.
    """
    listing = contents(folder)
    matches, strange = _recognise(listing.files, funnel)
    draft = _Draft(folder, funnel, matches)
    draft.proposal.unused.update(listing.unread)
    draft.proposal.unknown = [f.file.name for f in strange]
    for entry in listing.files:
        if entry in strange or any(m.file is entry.file and not m.export.crm for m in matches):
            draft.proposal.columns[entry.file.name] = {h: p.describe() for h, p in entry.profiles.items()}
    draft.compose()
    return draft.proposal


def _recognise(files: Sequence[FolderFile], funnel: Funnel) -> tuple[list[ExportMatch], list[FolderFile]]:
    """The files that are something, and those that are nothing known. A file of no CRM is looked at beside the leads."""
    matches = {f.file.name: m for f in files if (m := recognise(f.file, f.profiles))}
    plain = [f for f in files if f.file.name not in matches]
    guesses = [m for f in plain if (m := plain_match(f.file, f.profiles, funnel)) and m.export.table == "leads"]
    known_leads = [m for m in matches.values() if m.export.table == "leads"]
    leads = _leads_of([*known_leads, *guesses])
    header = leads.columns.get("lead_id", "") if leads and not leads.export.crm else ""
    ids = [] if squash(header) in ("", "id", "uuid", "guid") else [header]
    for entry in plain:
        match = plain_match(entry.file, entry.profiles, funnel, ids)
        if match:
            matches[entry.file.name] = match
    ordered = [matches[f.file.name] for f in files if f.file.name in matches]
    return ordered, [f for f in files if f.file.name not in matches]


def _leads_of(matches: Sequence[ExportMatch]) -> ExportMatch | None:
    """The likeliest file of leads: with days on which leads came and went on, of a kind that is no contact, the largest."""

    def rank(match: ExportMatch) -> tuple[bool, bool, bool, bool, int]:
        filled = [h for h in match.dates.values() if match.profiles[h].filled]
        dated = match.columns.get("created_at")
        has_dates = dated is not None and match.profiles[dated].filled > 0
        return (has_dates, bool(filled), "contact" not in match.export.title, bool(match.export.crm), match.rows)

    return max(matches, key=rank, default=None)


class _Draft:
    """The proposal while it is made: `leads` is the file of leads, `ids` its ids."""

    def __init__(self, folder: Path, funnel: Funnel, matches: list[ExportMatch]) -> None:
        self.funnel = funnel
        self.matches = matches
        self.proposal = Proposal({"kind": "files", "folder": str(folder)}, matches, [], [], [])
        self.stages: set[str] = set()
        self.leads = _leads_of([m for m in matches if m.export.table == "leads"])
        self.ids: pa.ChunkedArray = pa.chunked_array([], pa.string())

    def compose(self) -> None:
        proposal = self.proposal
        if self.leads is None:
            names = [m.file.name for m in self.matches] + proposal.unknown
            proposal.missing = f"No file in {proposal.source['folder']} was recognised as leads: {', '.join(names[:10])}."
            proposal.gaps = _gaps(self.matches)
            return
        self._lead_file(self.leads)
        for match in self.matches:
            if match is not self.leads:
                self._further(match)
        if not self.stages & set(self.funnel.targets):
            self._outcome(self.leads)
        elif "created_at" not in self.leads.columns:
            self._undated(self.leads)
        if not proposal.missing:
            self._funnel()
        proposal.gaps = _gaps(self.matches, self.stages & set(self.funnel.targets))

    def _add(self, table: str, mapping: FileMapping, listed: bool = True) -> None:
        """Put a mapping of a table in, with its comments."""
        source, name = self.proposal.source, mapping.match.file.name
        place: tuple[str | int, ...] = ("source", table)
        if listed:
            place = (*place, len(source.setdefault(table, [])))
            source[table].append(mapping.content)
        else:
            source[table] = mapping.content
        self.proposal.comments.update({(*place, *key): text for key, text in mapping.comments.items()})
        self.proposal.doubts += [f"{name}: {text}" for text in mapping.doubts if f"{name}: {text}" not in self.proposal.doubts]
        new = [f"{name}: {text}" for text in mapping.questions]
        self.proposal.questions += [text for text in new if text not in self.proposal.questions]

    def _lead_file(self, match: ExportMatch) -> None:
        created = match.columns.get("created_at")
        if created is not None and not match.profiles[created].filled:
            del match.columns["created_at"]
        mapping = mapping_of(match, match.columns, match.dates)
        lead_id = match.columns.get("lead_id")
        if lead_id:
            self.ids = column_values(match, lead_id)
            repeated = len(self.ids) - self.ids.null_count - len(self.ids.drop_null().unique())
            if repeated:
                mapping.set(
                    "repeated", "last", f"{repeated:,} rows have the id of another; of each column the last filled value counts"
                )
                mapping.doubts.append(
                    f"{repeated:,} of its rows have the id of a lead that stands above; each lead counts once"
                )
            else:
                mapping.skip_blank("id", lead_id)
            if fold(lead_id).endswith(_MAIL_IDS):
                mapping.doubts.append("it has no record id: e-mail addresses would be the ids of leads; better export the id")
        if "created_at" in match.columns:
            mapping.skip_blank("day of creation", match.columns["created_at"])
        else:
            mapping.set("order", "rows", "there is no day on which leads came: the order of rows is taken for that of time")
            mapping.doubts.append(
                "it has no creation date: the order of its rows is taken for the order of time (newest_first: the other way round)"
            )
        self._companies_of_leads(match, mapping)
        for stage, header in stage_dates(list(match.profiles.values()), self.funnel).items():
            if header not in (*match.dates.values(), *match.columns.values()) and header not in match.exclude:
                match.exclude[header] = f"the day of {stage}: it tells what came of a lead"
        if match.exclude:
            mapping.content["exclude"] = [*match.exclude, *mapping.content.get("exclude", [])]
            mapping.comments[("exclude",)] = "filled in once the outcome is known, or told elsewhere"
        self._add("leads", mapping, listed=False)
        dates = {
            s: h for s, h in match.dates.items() if match.profiles[h].filled and s in (*self.funnel.targets, *self.funnel.exits)
        }
        if dates and lead_id:
            days = mapping_of(match, {"lead_id": lead_id}, dates)
            days.content["dates"] = dates
            days.skip_blank("id", lead_id)
            days.doubts.clear()
            self._add("lead_stages", days)
            self.stages |= set(dates)

    def _companies_of_leads(self, match: ExportMatch, leads: FileMapping) -> None:
        """Companies out of the file of leads, if no file of its own has them."""
        if not match.companies or "company_id" not in match.columns:
            return
        companies = mapping_of(match, {"company_id": match.columns["company_id"], **match.companies})
        attributes = [h for t, h in companies.content["columns"].items() if t != "company_id"]
        if not attributes:
            return
        companies.content["keep"] = []
        companies.set("repeated", "last", "a company stands in many rows; of each column the last filled value counts")
        leads.content["exclude"] = attributes
        self._add("companies", companies, listed=False)

    def _further(self, match: ExportMatch) -> None:
        """A file beside that of the leads."""
        unused, leads = self.proposal.unused, self.leads
        table, name = match.export.table, match.file.name
        if table is None:
            unused[name] = match.export.unused
        elif table == "leads" and leads is not None:
            same = match.export.title == leads.export.title
            unused[name] = f"it holds leads too: {SINGLE_FILE}" if same else f"the leads are taken from {leads.file.name}"
        elif table == "companies":
            self._companies(match)
        elif not (lead_id := self._joined(match)) and table != "deals":
            unused[name] = "none of its ids is the id of a lead" if lead_id is None else "no column of it names a lead"
        elif table == "deals":
            self._deals(match, lead_id)
        elif table == "lead_stages":
            self._lead_stages(match)
        else:
            self._interactions(match)

    def _joined(self, match: ExportMatch) -> str | None:
        """The column with the ids of leads: of those known the one with most ids that are there. None: none has any; "": none is
        known."""
        names = [*match.export.columns.get("lead_id", ()), match.columns.get("lead_id", "")]
        candidates = [match.named[k] for n in dict.fromkeys(map(squash, names)) if (k := n) in match.named]
        candidates = [c for c in candidates if c.header != match.columns.get("deal_id")]
        if not candidates:
            return ""
        shares = {c.header: overlap(c, self.ids) for c in candidates}
        best = max(shares, key=lambda h: shares[h])
        if not shares[best]:
            return None
        match.columns["lead_id"] = best
        if shares[best] < 0.5:
            self.proposal.doubts.append(
                f"{match.file.name}: only {shares[best]:.0%} of the ids in {best!r} are ids of leads; the other rows are dropped"
            )
        return best

    def _companies(self, match: ExportMatch) -> None:
        leads = self.leads
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
            self.proposal.unused[match.file.name] = "none of its companies is the company of a lead"
            return
        self.proposal.source["leads"]["columns"]["company_id"] = best[0]
        mapping = mapping_of(match, {**match.columns, "company_id": best[1]})
        mapping.set("repeated", "last", "of each column the last filled value of a company counts")
        if match.exclude:
            mapping.content["exclude"] = list(match.exclude)
            mapping.comments[("exclude",)] = "filled in once the outcome is known"
        self.proposal.comments = {k: v for k, v in self.proposal.comments.items() if k[:2] != ("source", "companies")}
        self._add("companies", mapping, listed=False)

    def _lead_stages(self, match: ExportMatch) -> None:
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
            values = self._stage_values(match, columns["lead_stage"], mapping)
            mapping.content["values"] = {"lead_stage": values}
            mapping.comments["values", "lead_stage"] = "by their words; null: no lead stage"
            mapping.skip_blank("day", columns["at"])
            stages = {s for s in values.values() if s}
            if not stages:
                listed = ", ".join(map(repr, list(values)[:10]))
                self.proposal.unused[match.file.name] = f"none of its values says which lead stage it is ({listed})"
                self.proposal.questions.append(f"{match.file.name}: which of {listed} means which lead stage?")
                return
        mapping.skip_blank("id of a lead", columns["lead_id"])
        self._add("lead_stages", mapping)
        self.stages |= stages

    def _stage_values(self, match: ExportMatch, header: str, mapping: FileMapping) -> dict[str, str | None]:
        """Their lead stage → ours. Of a history of several fields only the rows of the status are looked at."""
        profile = match.profiles[header]
        texts = list(profile.values)
        if "only" in mapping.content:
            ((field_header, allowed),) = mapping.content["only"].items()
            texts = _values_where(match, header, field_header, allowed)
        values = {v: guess(StageValue("Status", v, v, "", 0), self.funnel) for v in texts[:MOST_STATUSES]}
        silent = [v for v, stage in values.items() if stage is None]
        if silent:
            listed = ", ".join(map(repr, silent[:8]))
            mapping.doubts.append(f"no lead stage is known for {listed}: such rows are left out")
        return {**values, "*": None}

    def _deals(self, match: ExportMatch, lead_id: str | None) -> None:
        columns = dict(match.columns)
        if not lead_id:
            columns.pop("lead_id", None)
        company = columns.get("company_id")
        leads_company = self.proposal.source["leads"]["columns"].get("company_id")
        if company and self.leads and leads_company:
            hits = overlap(match.profiles[company], column_values(self.leads, leads_company))
            columns = columns if hits else {t: h for t, h in columns.items() if t != "company_id"}
        else:
            columns.pop("company_id", None)
        if lead_id:
            self._stages_of_deals(match, lead_id)
        if "lead_id" not in columns and "company_id" not in columns:
            self.proposal.unused[match.file.name] = "its deals name no lead and no company of a lead"
            return
        problem = self._deal_problem(match, columns)
        if problem:
            self.proposal.unused[match.file.name] = problem
            return
        mapping = mapping_of(match, columns)
        status = columns.get("status")
        if status:
            values = {v: deal_status(v) for v in list(match.profiles[status].values)[:MOST_STATUSES]}
            mapping.content["values"] = {**mapping.content.get("values", {}), "status": {**values, "*": "open"}}
            mapping.comments["values", "status"] = "by their words: won, lost or still open; null: left out"
            mapping.skip_blank("status", status)
        mapping.skip_blank("id", columns["deal_id"])
        mapping.skip_blank("day of creation", columns["created_at"])
        self._add("deals", mapping)

    def _deal_problem(self, match: ExportMatch, columns: Mapping[str, str]) -> str:
        for target in ("deal_id", "created_at"):
            if target not in columns or not match.profiles[columns[target]].filled:
                return f"deals without a {'day of creation' if target == 'created_at' else 'id'} cannot be taken: export that column too"
        ids = column_values(match, columns["deal_id"]).drop_null()
        if len(ids) != len(ids.unique()):
            return f"{columns['deal_id']!r} stands in several rows, so it is no id of a deal"
        return "" if "status" in columns or "lead_id" in columns else "deals without a status and a lead say nothing"

    def _stages_of_deals(self, match: ExportMatch, lead_id: str) -> None:
        """What became of the leads of deals, where the deals say when."""
        dates = {s: h for s, h in match.dates.items() if match.profiles[h].filled}
        if dates:
            mapping = mapping_of(match, {"lead_id": lead_id}, dates)
            mapping.set("dates", dates, "won and lost deals say what came of their lead; an open deal is intent to buy")
            stages = set(dates)
        elif {"lead_stage", "at"} <= set(match.outcome):
            stage_header, at = match.outcome["lead_stage"], match.outcome["at"]
            ours = {"won": self.funnel.final, "lost": "lost" if "lost" in self.funnel.exits else None}
            values = {v: ours.get(deal_status(v) or "") for v in list(match.profiles[stage_header].values)[:MOST_STATUSES]}
            stages = {s for s in values.values() if s}
            if not stages:
                return
            mapping = mapping_of(match, {"lead_id": lead_id, "lead_stage": stage_header, "at": at})
            mapping.content["values"] = {"lead_stage": {**values, "*": None}}
            mapping.comments["values", "lead_stage"] = "won and lost deals say what came of their lead, on the day they closed"
            mapping.skip_blank("day", at)
        else:
            return
        mapping.skip_blank("lead", lead_id)
        mapping.doubts.clear()
        self._add("lead_stages", mapping)
        self.stages |= stages

    def _interactions(self, match: ExportMatch) -> None:
        columns, unused = match.columns, self.proposal.unused
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
        self._add("interactions", mapping)

    def _outcome(self, match: ExportMatch) -> None:
        """No day of any lead stage is known: a column that says what came of a lead, if there is one."""
        guesses = outcome_columns([p for h, p in match.profiles.items() if h not in match.columns.values()], self.funnel)
        if not guesses:
            self._no_outcome(match)
            return
        best, mapping = guesses[0], self.proposal.source["leads"]
        place = ("source", "leads", "outcome")
        mapping["outcome"] = {"column": best.header, "yes": list(best.yes), "no": list(best.no)}
        self.proposal.comments[place] = "by its name and its values; blank means still open"
        if best.open:
            mapping.setdefault("null_in", {})[best.header] = list(best.open)
            self.proposal.comments["source", "leads", "null_in", best.header] = "still open"
        exclude = [h for h in mapping.get("exclude", []) if h != best.header]
        exclude = list(dict.fromkeys([*exclude, *(g.header for g in guesses[1:])]))
        mapping.pop("exclude", None)
        if exclude:
            mapping["exclude"] = exclude
            self.proposal.comments["source", "leads", "exclude"] = (
                "filled in once the outcome is known, or the outcome in other words"
            )
        self._ask(match, guesses)
        self.stages.add(self.funnel.final)
        for table in ("interactions", "deals", "lead_stages"):
            for entry in self.proposal.source.pop(table, []):
                self.proposal.unused[entry["file"]] = (
                    f"beside an outcome without a day ({best.header!r}) no {table} can be taken"
                )

    def _ask(self, match: ExportMatch, guesses: Sequence[OutcomeColumn]) -> None:
        best, name = guesses[0], match.file.name
        if len(guesses) > 1:
            names = " or ".join(repr(g.header) for g in guesses)
            self.proposal.questions.append(f"{name}: which column says what came of a lead, {names}? {best.header!r} was taken")
            self.proposal.comments["source", "leads", "outcome"] = f"a guess among {names}"
        if best.question:
            self.proposal.questions.append(f"{name}: {best.question}")

    def _no_outcome(self, match: ExportMatch) -> None:
        columns = ", ".join(repr(h) for h in list(match.profiles)[:40])
        self.proposal.missing = f"No file says what came of the leads in {match.file.name}."
        for other in (m for m in self.matches if m.export.table == "interactions" and "type" in m.columns):
            types = ", ".join(map(repr, list(other.profiles[other.columns["type"]].values)[:30]))
            self.proposal.questions.append(
                f"does one of the {other.columns['type']!r} in {other.file.name} mean that a lead became a customer or was lost? It has {types}"
            )
        self.proposal.questions.append(
            f"which column, or which other file, says whether a lead became a customer? Columns of {match.file.name}: {columns}"
        )

    def _undated(self, match: ExportMatch) -> None:
        """Other files have days, the leads have none: they cannot stand beside each other."""
        self.proposal.missing = f"{match.file.name} has no day on which its leads came, but other files have days."

    def _funnel(self) -> None:
        targets = [s for s in self.funnel.targets if s in self.stages]
        absent = [s for s in self.funnel.targets if s not in self.stages]
        exits = [e for e in self.funnel.exits if e in self.stages] or list(self.funnel.exits[-1:])
        self.proposal.funnel = {"stages": [self.funnel.stages[0], *targets], "exits": exits}
        if "outcome" in self.proposal.source["leads"]:
            self.proposal.funnel["horizons"] = {targets[-1]: 30}
            self.proposal.comments["funnel", "horizons"] = "days; the outcome has no day, so this is not used to judge it"
        if absent:
            self.proposal.comments["funnel", "stages"] = f"no file says when a lead became {' or '.join(absent)}"


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
