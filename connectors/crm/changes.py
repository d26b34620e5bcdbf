"""What became of attributes: which of them have a history, which leave the model without one, and the changes themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from connectors.crm.landing import SCHEMA
from connectors.crm.mapping import CrmMapping
from connectors.crm.persons import without_persons
from features.dataset.data_report import DataReport
from features.dataset.persons import Screen

LISTED = 12  # names shown in a note
DEAL_PREFIX = "deal."
ENTITIES = {"leads": "lead", "companies": "company"}
EARLY_SHARE = 0.5  # of the leads were created after the first recorded change of a field: earlier, nobody recorded any


@dataclass
class Attributes:
    """The attribute columns of a dataset's table: the vendor's field by our column, and those that the CRM has deleted or that
    lead stages are made of, which are none."""

    vendor_fields: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    stage_fields: list[str] = field(default_factory=list)

    def admits(self, vendor_field: str, table: str, shape: CrmMapping) -> bool:
        """May this field be an attribute, as far as its kind goes?"""
        if vendor_field.casefold() in stage_fields(shape):
            self.stage_fields.append(vendor_field)
            return False
        present_fields = shape.present.get(table)
        if present_fields is not None and vendor_field.casefold() not in {name.casefold() for name in present_fields}:
            self.deleted.append(vendor_field)
            return False
        return True

    def tell(self, table: str, report: DataReport) -> None:
        """What was left out, into the report."""
        for names, subject, treatment in (
            (self.deleted, "columns whose field the CRM has no longer", "left out"),
            (self.stage_fields, "columns that lead stages are made of", "no attributes: they would tell the outcome"),
        ):
            report.note(table, subject, len(names), ", ".join(sorted(names)[:LISTED]), treatment)


def stage_fields(shape: CrmMapping) -> frozenset[str]:
    """The fields of people that lead stages are made of, in small letters."""
    return frozenset(name.casefold() for name in shape.stages if not name.startswith(DEAL_PREFIX))


def columns_without_history(
    base: duckdb.DuckDBPyConnection, shape: CrmMapping, attributes: Mapping[str, Attributes]
) -> dict[str, str]:
    """The columns ("lead.budget") that the CRM only knows as they are today, or whose history begins too late: the day on which
    it does, "" for never.

    A value that somebody filled in after months would be taken for one that was known from the beginning (data leakage).
    """
    missing: dict[str, str] = {}
    if shape.recorded is None:
        return missing
    begins, middle = _begins(base), _middle(base)
    for table, entity in ENTITIES.items():
        recorded_fields = {name.casefold() for name in shape.recorded.get(table, ())}
        first = min((begins[name] for name in recorded_fields & begins.keys()), default=None)
        for own_column, vendor_field in attributes[table].vendor_fields.items():
            name = vendor_field.casefold()
            begin = begins.get(name) if shape.recorded_by_changes == "field" else first
            if name not in recorded_fields:
                missing[f"{entity}.{own_column}"] = ""
            elif shape.recorded_by_changes and (begin is None or (middle is not None and begin > middle)):
                missing[f"{entity}.{own_column}"] = f"{begin:%Y-%m-%d}" if begin else ""
    return missing


def tell_columns(missing: Mapping[str, str], stable: Collection[str], shape: CrmMapping, report: DataReport) -> list[str]:
    """Which columns without a history leave the model, and which stay since they are `stable`, into the report; the former."""
    for table, entity in ENTITIES.items():
        names = [name for name in missing if name.startswith(f"{entity}.")]
        for proved in (False, True):
            shown = [
                name.partition(".")[2] + (f" (since {missing[name]})" if missing[name] else "")
                for name in names
                if (name in stable) == proved
            ]
            example = ", ".join(shown[:LISTED]) + (" …" if len(shown) > LISTED else "")
            if proved:
                treatment = "kept: new leads that were followed still hold what they held"
                report.note(table, "columns without a history that are stable", len(shown), example, treatment)
            else:
                remedy = f"{shape.history_remedy}; " if shape.history_remedy else ""
                treatment = (
                    f"left out of the model; {remedy}one that is filled in when a lead is created and never after stays with "
                    "`audit: {insist: [...]}`"
                )
                report.warn(table, "columns of which only today's value is known", len(shown), example, treatment)
    return [name for name in missing if name not in stable]


def _begins(base: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """Field of people, in small letters → the first change of it that was recorded."""
    rows = base.execute(
        """SELECT lower(field), min("at") FROM raw.history
           WHERE entity = 'lead' AND until IS NULL AND "at" IS NOT NULL GROUP BY 1"""
    )
    return dict(rows.fetchall())


def _middle(base: duckdb.DuckDBPyConnection) -> datetime | None:
    """The moment after which a share of `EARLY_SHARE` of the leads was created."""
    row = base.execute(f"SELECT quantile_disc(created_at, {1 - EARLY_SHARE}) FROM known").fetchone()
    return row[0] if row else None


def make_changes(
    base: duckdb.DuckDBPyConnection, shape: CrmMapping, attributes: Mapping[str, Attributes], report: DataReport
) -> None:
    """The view `attribute_changes`: the history of every column that is an attribute; fields that are stages are none."""
    pairs = [
        (ENTITIES[table], "lead" if table == "leads" or shape.companies_on_people else "company", vendor_field, own_column)
        for table, columns in attributes.items()
        for own_column, vendor_field in columns.vendor_fields.items()
    ]
    pairs += [("lead", "lead", vendor_field, "opted_out") for vendor_field in shape.opted_out]
    # what was recorded with another table is known from then on, not before
    elsewhere = "".join(
        f"""
        UNION ALL SELECT 'lead', coalesce(o."into", x.{person}), '{name}', x.{column}, x."at"
        FROM {SCHEMA}.{table} x LEFT JOIN lead_of o ON o.record = x.{person}
        WHERE coalesce(o."into", x.{person}) IN (SELECT lead_id FROM known) AND x.{column} IS NOT NULL
        """
        for name, (table, person, column) in shape.lookups.items()
    )
    base.execute("CREATE TABLE fields (entity VARCHAR, landed VARCHAR, theirs VARCHAR, ours VARCHAR)")
    base.executemany("INSERT INTO fields VALUES (?, ?, ?, ?)", pairs or [("", "", "", "")])
    screen = Screen("attribute_changes")
    value = without_persons(base, "histories", "value", screen, "nullif(h.value, '')")
    screen.tell(report)
    # where the CRM has no companies of its own, what became of one is told by its people
    base.execute(f"""
        CREATE VIEW attribute_changes AS
        SELECT f.entity, coalesce(CASE WHEN f.entity <> f.landed THEN coalesce(u."into", p._company) ELSE l."into" END,
                                  c."into", h.record) AS id, f.ours AS "column", {value} AS value, h.at
        FROM histories h JOIN fields f ON f.landed = h.entity AND lower(f.theirs) = lower(h.field)
        LEFT JOIN lead_of l ON h.entity = 'lead' AND l.record = h.record
        LEFT JOIN company_of c ON h.entity = 'company' AND c.record = h.record
        LEFT JOIN raw.people p ON f.entity <> f.landed AND p._id = coalesce(l."into", h.record)
        LEFT JOIN company_of u ON f.entity <> f.landed AND u.record = p._company
        WHERE h.at IS NOT NULL AND (f.entity = f.landed OR p._company IS NOT NULL)
          AND (h.entity <> 'lead' OR coalesce(l."into", h.record) IN (SELECT lead_id FROM known))
        {elsewhere}
    """)


def unrecorded_stages(base: duckdb.DuckDBPyConnection, shape: CrmMapping, people: Sequence[str]) -> Iterator[str]:
    """SQL of (lead_id, field, value, at) for each field of `people` that holds a value and never changed, where the CRM
    records changes only: it has it since the lead was created, as far as anybody knows since changes are recorded."""
    landed = {name.casefold(): name for name in people}
    for name in shape.stages_from_creation:
        if (column := landed.get(name.casefold())) is None:
            continue
        quoted = '"' + column.replace('"', '""') + '"'
        shown = name.replace("'", "''")
        yield f"""
            SELECT k.lead_id, '{shown}' AS field, t.{quoted} AS value, greatest(k.created_at, f.first) AS at
            FROM known k JOIN {SCHEMA}.people t ON t._id = k.lead_id
            CROSS JOIN (SELECT min("at") AS first FROM raw.history
                        WHERE entity = 'lead' AND until IS NULL AND lower(field) = lower('{shown}')) f
            WHERE nullif(t.{quoted}, '') IS NOT NULL AND f.first IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM raw.history h LEFT JOIN lead_of o ON o.record = h.record
                WHERE h.entity = 'lead' AND lower(h.field) = lower('{shown}') AND coalesce(o."into", h.record) = k.lead_id)
        """


def stages_without_history(
    base: duckdb.DuckDBPyConnection, shape: CrmMapping, people: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """(what is missing, how many) for each field of lead stages of which no change was ever recorded: of leads where they
    hold values, of deals where there are any."""
    landed = {name.casefold(): name for name in people}
    for name in (n for n in shape.stages if not n.startswith(DEAL_PREFIX) and n.casefold() in landed):
        quoted = '"' + landed[name.casefold()].replace('"', '""') + '"'
        row = base.execute(
            f"""
            SELECT count(*) FROM known k JOIN {SCHEMA}.people t ON t._id = k.lead_id WHERE nullif(t.{quoted}, '') IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM raw.history h WHERE h.entity = 'lead' AND lower(h.field) = lower(?))
            """,
            [name],
        ).fetchone()
        if row and row[0]:
            yield f"leads with a {name} whose changes nobody recorded", int(row[0])
    for name in (n.removeprefix(DEAL_PREFIX) for n in shape.stages if n.startswith(DEAL_PREFIX)):
        row = base.execute(
            """
            SELECT count(*) FROM raw.deals WHERE _gone_at IS NULL AND NOT EXISTS (
                SELECT 1 FROM raw.history WHERE entity = 'deal' AND lower(field) = lower(?))
            """,
            [name],
        ).fetchone()
        if row and row[0]:
            yield f"deals of whose {name} nobody recorded a change", int(row[0])
