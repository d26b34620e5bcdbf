"""A proposal while it is made: the file of leads, its companies, its lead stages or its outcome, and the funnel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from connectors.exports.kinds import fold
from connectors.exports.mappings import FileMapping, column_values, mapping_of
from connectors.exports.outcome import NamedOutcome, OutcomeColumn, outcome_candidates, outcome_columns
from connectors.exports.outcome_day import OTHER_DAYS, OutcomeDay, outcome_day
from connectors.exports.plain import stage_dates
from connectors.exports.proposal import Proposal
from connectors.exports.recognise import ExportMatch
from features.dataset.funnel import Funnel

MAIL_IDS = ("email", "email address", "email work", "e mail", "e mail adresse")


class Draft:
    """The proposal while it is made: `leads` is the file of leads, `ids` its ids; `named_outcome`: its column that, as
    somebody says, holds the outcome."""

    def __init__(
        self,
        folder: Path,
        funnel: Funnel,
        matches: list[ExportMatch],
        leads: ExportMatch | None,
        named_outcome: NamedOutcome | None = None,
    ) -> None:
        self.funnel = funnel
        self.named_outcome = named_outcome
        self.matches = matches
        self.proposal = Proposal({"kind": "files", "folder": str(folder)}, matches, [], [], [])
        self.stages: set[str] = set()
        self.leads = leads
        self.ids: pa.ChunkedArray = pa.chunked_array([], pa.string())

    def add(self, table: str, mapping: FileMapping, listed: bool = True) -> None:
        """Put a mapping of a table in, with its comments."""
        source, name = self.proposal.source, mapping.match.file.name
        yaml_path: tuple[str | int, ...] = ("source", table)
        if listed:
            yaml_path = (*yaml_path, len(source.setdefault(table, [])))
            source[table].append(mapping.content)
        else:
            source[table] = mapping.content
        self.proposal.comments.update({(*yaml_path, *key): text for key, text in mapping.comments.items()})
        self.proposal.doubts += [f"{name}: {text}" for text in mapping.doubts if f"{name}: {text}" not in self.proposal.doubts]
        new = [f"{name}: {text}" for text in mapping.questions]
        self.proposal.questions += [text for text in new if text not in self.proposal.questions]

    def lead_file(self, match: ExportMatch) -> None:
        created = match.columns.get("created_at")
        if created is not None and not match.profiles[created].filled:
            del match.columns["created_at"]
        if "created_at" not in match.columns:
            self._first_day(match)
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
            if fold(lead_id).endswith(MAIL_IDS):
                mapping.doubts.append("it has no record id: e-mail addresses would be the ids of leads; better export the id")
        if "created_at" in match.columns:
            mapping.skip_blank("day of creation", match.columns["created_at"])
        else:
            mapping.set("order", "rows", "there is no day on which leads came: the order of rows is taken for that of time")
            mapping.doubts.append(
                "it has no creation date: the order of its rows is taken for that of time (newest_first: the other way round)"
            )
        self._companies_of_leads(match, mapping)
        for stage, header in stage_dates(list(match.profiles.values()), self.funnel).items():
            if header not in (*match.dates.values(), *match.columns.values()) and header not in match.exclude:
                match.exclude[header] = f"the day of {stage}: it tells what came of a lead"
        if match.exclude:
            mapping.content["exclude"] = [*match.exclude, *mapping.content.get("exclude", [])]
            mapping.comments[("exclude",)] = "filled in once the outcome is known, or told elsewhere"
        self.add("leads", mapping, listed=False)
        dates = {
            s: h for s, h in match.dates.items() if match.profiles[h].filled and s in (*self.funnel.targets, *self.funnel.exits)
        }
        if dates and lead_id:
            days = mapping_of(match, {"lead_id": lead_id}, dates)
            days.content["dates"] = dates
            days.skip_blank("id", lead_id)
            days.doubts.clear()
            self.add("lead_stages", days)
            self.stages |= set(dates)

    def _first_day(self, match: ExportMatch) -> None:
        """No column is called the day of creation: the first that has a day in every row, and may be one, is asked."""
        used = {*match.columns.values(), *match.dates.values(), *match.exclude}
        days = [
            p.header
            for p in match.profiles.values()
            if p.kind == "date" and p.filled == p.rows and p.header not in used and not OTHER_DAYS.search(fold(p.header))
        ]
        if days:
            match.columns["created_at"] = days[0]
            alternatives = f", or {' or '.join(map(repr, days[1:]))}" if days[1:] else ""
            self.proposal.questions.append(
                f"{match.file.name}: is {days[0]!r} the day on which a lead came{alternatives}? {days[0]!r} was taken"
            )

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
        self.add("companies", companies, listed=False)

    def take_outcome(self, match: ExportMatch) -> None:
        """No day of any lead stage is known: a column that says what came of a lead, if there is one.

        Raises
        ------
        DataError
            if a column was named, and it cannot be told what its values mean.
        """
        named = self.named_outcome
        if named is not None and named.column in match.profiles:
            guesses = [named.of(match.profiles[named.column], self.funnel)]
            match.columns = {target: header for target, header in match.columns.items() if header != named.column}
        else:
            guesses = outcome_columns([p for h, p in match.profiles.items() if h not in match.columns.values()], self.funnel)
        if not guesses:
            self._no_outcome(match)
            return
        best, mapping = guesses[0], self.proposal.source["leads"]
        yaml_path = ("source", "leads", "outcome")
        mapping["outcome"] = {"column": best.header, "yes": list(best.yes), "no": list(best.no)}
        self.proposal.comments[yaml_path] = (
            f"{'named' if best.rank < 0 else 'by its name and its values'}; blank means still open"
        )
        if best.lead_stage:
            mapping["outcome"]["lead_stage"] = best.lead_stage
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
        self.stages.add(best.lead_stage or self.funnel.final)
        if "created_at" in match.columns and (day := outcome_day(match, best, list(match.columns.values()))):
            self._date_outcome(match, day)
            return
        for table in ("interactions", "deals", "lead_stages"):
            for entry in self.proposal.source.pop(table, []):
                self.proposal.unused[entry["file"]] = (
                    f"beside an outcome without a day ({best.header!r}) no {table} can be taken"
                )

    def _date_outcome(self, match: ExportMatch, day: OutcomeDay) -> None:
        """The column of the day of the outcome, with how it is written; other tables can stand beside then."""
        leads, written = self.proposal.source["leads"], mapping_of(match, {}, {"outcome": day.header})
        leads["outcome"]["at"] = day.header
        self.proposal.comments["source", "leads", "outcome", "at"] = day.why
        name = match.file.name
        self.proposal.doubts.append(f"{name}: {day.header!r} was taken for the day of the outcome: it is {day.why}")
        if "exclude" in leads:
            leads["exclude"] = [h for h in leads["exclude"] if h != day.header]
        leads.setdefault("null_in", {}).update(written.content.get("null_in", {}))
        forms = [form for m in (leads, written.content) for form in _listed(m.get("date_format", []))]
        for key, value in (("date_format", list(dict.fromkeys(forms))), ("null_in", leads["null_in"])):
            leads.pop(key, None)
            if value:
                leads[key] = value
                if (key,) in written.comments:
                    self.proposal.comments.setdefault(("source", "leads", key), written.comments[key,])
        self.proposal.doubts += [f"{name}: {text}" for text in written.doubts if f"{name}: {text}" not in self.proposal.doubts]
        self.proposal.questions += [
            f"{name}: {text}" for text in written.questions if f"{name}: {text}" not in self.proposal.questions
        ]

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
            header = other.columns["type"]
            types = ", ".join(map(repr, other.profiles[header].speaking[:30]))
            self.proposal.questions.append(
                f"does one of the {header!r} in {other.file.name} mean that a lead became a customer, or was lost? {types}"
            )
        self.proposal.questions.append(
            f"which column, or which other file, says whether a lead became a customer? Columns of {match.file.name}: {columns}"
        )
        self.ask_for_outcome(match.file.name, outcome_candidates(match.profiles.values()))

    def ask_for_outcome(self, name: str, candidates: Sequence[str]) -> None:
        """Say how the column of a file that holds the outcome is named, with those that could be it by their two values."""
        if candidates:
            listed = ", ".join(map(repr, candidates[:8]))
            self.proposal.questions.append(
                f'{name}: does one of {listed} say what came of each row? Say which: OUTCOME="{candidates[0]}" '
                f'(with the value of a yes: OUTCOME="{candidates[0]}=value"); '
                "the order of its rows is taken for that of time then (order: rows)"
            )

    def refuse_undated(self, match: ExportMatch) -> None:
        """Other files have days, the leads have none: they cannot stand beside each other."""
        self.proposal.missing = f"{match.file.name} has no day on which its leads came, but other files have days."

    def set_funnel(self) -> None:
        targets = [s for s in self.funnel.targets if s in self.stages]
        absent = [s for s in self.funnel.targets if s not in self.stages]
        exits = [e for e in self.funnel.exits if e in self.stages] or list(self.funnel.exits[-1:])
        self.proposal.funnel = {"stages": [self.funnel.stages[0], *targets], "exits": exits}
        if absent:
            self.proposal.comments["funnel", "stages"] = f"no file says when a lead became {' or '.join(absent)}"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
