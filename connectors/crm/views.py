"""The tables of a dataset as views over the landing, in DuckDB's SQL: the same for every CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pandas as pd

from connectors.crm.addresses import make_owners
from connectors.crm.changes import (
    Attributes,
    columns_without_history,
    make_changes,
    stages_without_history,
    unrecorded_stages,
)
from connectors.crm.landing import SCHEMA
from connectors.crm.mapping import CrmMapping
from connectors.crm.merges import resolve
from connectors.crm.persons import without_persons
from connectors.files.infer import infer
from connectors.files.settings import FileOptions
from features.dataset.data_report import DataReport
from features.dataset.persons import Screen
from features.dataset.tables import TABLES

SAMPLE = 2_000  # distinct values of a custom column that are looked at for personal content
LISTED = 12  # names shown in a note
_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMPTZ", "number": "DOUBLE", "flag": "BOOLEAN"}


def make_views(base: duckdb.DuckDBPyConnection, shape: CrmMapping, report: DataReport) -> dict[str, str]:
    """One view for each table of a dataset; what was left out, and why, goes into the report. The columns without a history
    → since when there is one, "" for never."""
    resolve(base)
    attributes = {"leads": Attributes(), "companies": Attributes()}
    _leads(base, shape, attributes, report)
    _stage_rows(base, shape, report)
    _interactions(base, shape, report)
    _deals(base, report)
    for table, columns in attributes.items():
        columns.tell(table, report)
    make_changes(base, shape, attributes, report)
    return columns_without_history(base, shape, attributes)


def _columns(base: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in base.execute(f"DESCRIBE {SCHEMA}.{table}").fetchall()]


def _leads(
    base: duckdb.DuckDBPyConnection, shape: CrmMapping, attributes: Mapping[str, Attributes], report: DataReport
) -> None:
    own_columns = {
        "lead_id": "k.lead_id",
        "created_at": "k.created_at",
        "company_id": 'coalesce(c."into", t._company)',
        "email_domain": "t._email_domain",
        "opted_out": "CASE WHEN t._opted_out <> '' THEN coalesce(TRY_CAST(t._opted_out AS BOOLEAN), true) END",
    }
    excluded_columns = shape.excluded_columns
    if shape.companies_on_people:
        _gather_companies(base, shape.companies)
        excluded_columns |= set(shape.companies.values())
    chosen = {**own_columns, **_attributes(base, "leads", "people", shape, excluded_columns, attributes, report)}
    for name, (table, person, column) in shape.lookups.items():
        chosen[name] = (
            f"(SELECT arg_min(x.{column}, x._seq) FROM {SCHEMA}.{table} x LEFT JOIN lead_of o ON o.record = x.{person}"
            f' WHERE coalesce(o."into", x.{person}) = k.lead_id)'
        )
    base.execute(f"""
        CREATE VIEW leads AS SELECT {_select(chosen, "leads")} FROM known k
        JOIN raw.people t ON t._id = k.lead_id LEFT JOIN company_of c ON c.record = t._company
    """)
    dropped = base.execute("""
        SELECT count(*) FROM raw.people WHERE _gone_at IS NOT NULL
        AND _id NOT IN (SELECT record FROM lead_of) AND _id NOT IN (SELECT record FROM waiting)
    """).fetchone()
    report.note("leads", "leads deleted in the CRM", count(dropped), done="left out with all they did")
    merged = base.execute('SELECT count(*) FROM lead_of WHERE "into" IN (SELECT lead_id FROM known)').fetchone()
    report.note("leads", "records merged into another", count(merged), done="their history follows them")
    waiting = base.execute(
        "SELECT count(*), min(record) FROM waiting SEMI JOIN known ON known.lead_id = waiting.record"
    ).fetchone()
    report.warn(
        "leads",
        "records merged into one that was never read",
        count(waiting),
        (waiting or ("", ""))[1],
        "kept until it is there",
    )
    chosen = {
        "company_id": "t._id",
        **_attributes(base, "companies", "companies", shape, shape.excluded_columns, attributes, report),
    }
    base.execute(f"""
        CREATE VIEW companies AS SELECT {_select(chosen, "companies")} FROM raw.companies t
        WHERE t._gone_at IS NULL AND t._id NOT IN (SELECT record FROM company_of)
    """)


def _gather_companies(base: duckdb.DuckDBPyConnection, columns: Mapping[str, str]) -> None:
    """A row a company: of each column what was said last."""
    present_columns = [c for c in columns.values() if c in _columns(base, "people")]
    newest = "".join(
        f", arg_max({_name(c)}, _seq) FILTER (nullif({_name(c)}, '') IS NOT NULL) AS {_name(c)}" for c in present_columns
    )
    base.execute(f"DROP TABLE IF EXISTS {SCHEMA}.companies")
    base.execute(f"""
        CREATE VIEW {SCHEMA}.companies AS SELECT _company AS _id, NULL::TIMESTAMPTZ AS _gone_at{newest}
        FROM {SCHEMA}.people WHERE _company IS NOT NULL AND _gone_at IS NULL GROUP BY _company
    """)


def _attributes(
    base: duckdb.DuckDBPyConnection,
    table: str,
    landed: str,
    shape: CrmMapping,
    excluded_columns: frozenset[str],
    attributes: Mapping[str, Attributes],
    report: DataReport,
) -> dict[str, str]:
    """Our column → SQL. The mapped ones of their kind; of the others those that hold something and nothing personal."""
    landed_columns = _columns(base, landed)
    mapped = shape.leads if table == "leads" else shape.companies
    chosen = attributes[table]
    kinds = {c.name: c.kind for c in TABLES[table].columns}
    expressions: dict[str, str] = {}
    screen = Screen(table)
    for own_column, vendor_column in mapped.items():
        if vendor_column in landed_columns and chosen.admits(vendor_column, table, shape):
            kind = kinds.get(own_column, "text")
            value = f"nullif(t.{_name(vendor_column)}, '')"
            if own_column not in kinds and not screen.keeps(own_column, *_samples(base, landed, vendor_column)):
                continue
            value = without_persons(base, f"{SCHEMA}.{landed}", vendor_column, screen, value) if kind == "text" else value
            chosen.vendor_fields[own_column] = vendor_column
            expressions[own_column] = f"TRY_CAST({value} AS {_TYPES[kind]})"
    hollow = []
    used_columns = {*mapped.values(), *excluded_columns}
    for column in landed_columns:
        if column.startswith("_") or column in used_columns or column.split("__")[0].startswith("_dlt"):
            continue
        values, texts, rows = _samples(base, landed, column)
        if not texts.empty and not chosen.admits(column, table, shape):
            continue
        if texts.empty:
            hollow.append(column)
        elif screen.keeps(column, values, texts, rows):
            name = column if column not in kinds and column not in expressions else f"{column} (CRM)"
            value = _typed(base, landed, column, values)
            chosen.vendor_fields[name] = column
            is_text = pd.api.types.is_string_dtype(values.dtype)
            expressions[name] = without_persons(base, f"{SCHEMA}.{landed}", column, screen, value) if is_text else value
    screen.tell(report)
    report.note(table, "all-empty columns not taken", len(hollow), ", ".join(hollow[:LISTED]))
    return expressions


def _samples(base: duckdb.DuckDBPyConnection, landed: str, column: str) -> tuple[pd.Series[Any], pd.Series[Any], int]:
    """Distinct values of a column as they would be kept, as they are, and how many rows are filled."""
    filled = f"FROM {SCHEMA}.{landed} WHERE nullif({_name(column)}, '') IS NOT NULL"
    sample = base.execute(f"SELECT DISTINCT {_name(column)} {filled} LIMIT {SAMPLE}").fetchall()
    texts = pd.Series(sorted(row[0] for row in sample), dtype="str")
    values = infer(texts, FileOptions()) if len(texts) else texts
    return values, texts, count(base.execute(f"SELECT count(*) {filled}").fetchone())


def _typed(base: duckdb.DuckDBPyConnection, landed: str, column: str, sampled: pd.Series[Any]) -> str:
    """The type that the sample has, if every value there can be of it; else text."""
    text = f"nullif(t.{_name(column)}, '')"
    dtype = sampled.dtype
    if pd.api.types.is_bool_dtype(dtype):
        kind = "BOOLEAN"
    elif pd.api.types.is_numeric_dtype(dtype):
        kind = "DOUBLE"
    elif isinstance(dtype, pd.DatetimeTZDtype):
        kind = "TIMESTAMPTZ"
    else:
        return text
    lost = base.execute(
        f"SELECT count(*) FROM {SCHEMA}.{landed} t WHERE {text} IS NOT NULL AND TRY_CAST({text} AS {kind}) IS NULL"
    ).fetchone()
    return text if count(lost) else f"TRY_CAST({text} AS {kind})"


def _select(chosen: Mapping[str, str], table: str) -> str:
    """The columns in the order of the table, its missing ones empty, further ones behind."""
    columns = {c.name: f"NULL::{_TYPES[c.kind]}" for c in TABLES[table].columns}
    return ", ".join(f"{sql} AS {_name(name)}" for name, sql in {**columns, **chosen}.items())


def _stage_rows(base: duckdb.DuckDBPyConnection, shape: CrmMapping, report: DataReport) -> None:
    """Where a field became a value that means a lead stage; a deal's count for everybody who belongs to it."""
    rules = [
        (name, value, stage, stage in shape.exits) for name, values in shape.stages.items() for value, stage in values.items()
    ]
    base.execute("CREATE TABLE rules (field VARCHAR, value VARCHAR, stage VARCHAR, leaves BOOLEAN)")
    if rules:
        base.executemany("INSERT INTO rules VALUES (?, ?, ?, ?)", rules)
    base.execute("""
        CREATE VIEW of_deal AS
        SELECT DISTINCT coalesce(d."into", x.deal) AS deal, coalesce(a."into", x.person) AS lead_id
        FROM (SELECT p.deal, p.person FROM raw.deal_people p LEFT JOIN raw.deals d ON d._id = p.deal
              WHERE p._gone_at IS NULL AND (d._people IS NULL OR contains(d._people, ';' || p.person || ';'))
              UNION ALL
              SELECT _id, _person FROM raw.deals
              WHERE _person IS NOT NULL AND _id NOT IN (SELECT deal FROM raw.deal_people WHERE _gone_at IS NULL)) x
        LEFT JOIN deal_of d ON d.record = x.deal
        LEFT JOIN lead_of a ON a.record = x.person
        WHERE x.deal NOT IN (SELECT _id FROM raw.deals WHERE _gone_at IS NOT NULL)
    """)
    people_columns = _columns(base, "people")
    since_creation = "".join(
        f"""
            UNION ALL SELECT x.lead_id, r.stage, r.leaves, x.at
            FROM ({sql}) x JOIN rules r ON lower(r.field) = lower(x.field) AND r.value = x.value WHERE r.stage IS NOT NULL
        """
        for sql in unrecorded_stages(base, shape, people_columns)
    )
    for subject, rows in stages_without_history(base, shape, people_columns):
        treatment = "no lead stage is made of it" + (f"; {shape.history_remedy}" if shape.history_remedy else "")
        report.warn("lead_stages", subject, rows, done=treatment)
    base.execute(f"""
        CREATE TABLE entered AS
        SELECT k.lead_id, s.stage, s.leaves, s.at, k.created_at, s.at < k.created_at - INTERVAL 1 DAY AS early
        FROM (
            SELECT coalesce(a."into", h.record) AS lead_id, r.stage, r.leaves, h.at
            FROM histories h JOIN rules r ON lower(r.field) = lower(h.field) AND r.value = h.value
            LEFT JOIN lead_of a ON a.record = h.record
            WHERE h.entity = 'lead' AND r.stage IS NOT NULL
            UNION ALL
            SELECT o.lead_id, r.stage, r.leaves, h.at
            FROM histories h JOIN rules r ON lower(r.field) = lower('deal.' || h.field) AND r.value = h.value
            LEFT JOIN deal_of d ON d.record = h.record JOIN of_deal o ON o.deal = coalesce(d."into", h.record)
            WHERE h.entity = 'deal' AND r.stage IS NOT NULL
            {since_creation}
        ) s JOIN known k USING (lead_id)
        WHERE s.at IS NOT NULL
    """)
    _early_stages(base, report)
    for name, value, label, records in base.execute("""
        SELECT l.field, h.value, coalesce(any_value(l2.label), h.value), count(DISTINCT h.record)
        FROM histories h
        JOIN (SELECT field FROM raw.labels UNION SELECT field FROM rules) l
          ON l.field = CASE WHEN h.entity = 'lead' THEN h.field ELSE h.entity || '.' || h.field END
        LEFT JOIN raw.labels l2 ON l2.field = l.field AND l2.value = h.value
        ANTI JOIN rules r ON lower(r.field) = lower(l.field) AND r.value = h.value
        WHERE coalesce(h.value, '') <> '' GROUP BY l.field, h.value ORDER BY 4 DESC
    """).fetchall():
        description = f"{value!r}" + (f" ({label})" if label != value else "")
        report.warn(
            "lead_stages", f"records whose {name} became {description}", records, done="not mapped: add it under `stages:`"
        )


def _early_stages(base: duckdb.DuckDBPyConnection, report: DataReport) -> None:
    """Lead stages entered more than a day before the lead was created, such as those of an older deal that it joined.

    The lead has them from its creation on. At their own moments nobody could have scored it, so it must have no landmark there,
    and moving its creation back would make some; without them it would be taken for one that never came so far. What an exit
    ended before the creation was of another time: it is left out, and the exit with it.
    """
    base.execute(
        "CREATE TABLE ended AS SELECT lead_id, max(n.at) AS last FROM entered n WHERE early AND leaves GROUP BY lead_id"
    )
    base.execute("""
        CREATE VIEW placed AS
        SELECT n.*, n.early AND coalesce(n.leaves OR n.at <= e.last, false) AS gone
        FROM entered n LEFT JOIN ended e USING (lead_id)
    """)
    base.execute("""
        CREATE VIEW lead_stages AS
        SELECT DISTINCT p.lead_id, p.stage AS lead_stage, CASE WHEN p.early THEN p.created_at ELSE p.at END AS at
        FROM placed p WHERE NOT p.gone
    """)
    counted = base.execute("""
        SELECT count(*) FILTER (NOT gone), count(*) FILTER (gone)
        FROM (SELECT DISTINCT p.lead_id, p.stage, p.at, p.gone FROM placed p WHERE p.early)
    """).fetchone()
    moved, ended = counted or (0, 0)
    subject = "rows more than a day before their lead was created"
    report.warn("lead_stages", subject, moved, done="counted from its creation on")
    report.warn("lead_stages", f"{subject} and ended by an exit then", ended, done="left out")


def _interactions(base: duckdb.DuckDBPyConnection, shape: CrmMapping, report: DataReport) -> None:
    base.execute("CREATE TABLE types (theirs VARCHAR, ours VARCHAR)")
    mapped_types = shape.interactions
    types = [row[0] for row in base.execute("SELECT DISTINCT type FROM raw.activities WHERE type IS NOT NULL").fetchall()]
    base.executemany("INSERT INTO types VALUES (?, ?)", [(t, _own_type(shape, t)) for t in types] or [("", None)])
    make_owners(base, report)
    base.execute("""
        CREATE VIEW took AS
        SELECT DISTINCT t.record, coalesce(l."into", t.person) AS lead_id
        FROM raw.takers t LEFT JOIN lead_of l ON l.record = t.person WHERE t._gone_at IS NULL
    """)
    # what another record tells of the same person better
    base.execute("""
        CREATE VIEW told AS
        SELECT e.stands_for AS record, t.lead_id FROM raw.engagements e JOIN took t ON t.record = e._id
        WHERE e.stands_for IS NOT NULL AND e._gone_at IS NULL
    """)
    further_acts = """
        UNION ALL
        SELECT m.lead_id, a.* FROM raw.activities a JOIN took m ON m.record = a.record
        LEFT JOIN lead_of l ON l.record = a.person
        WHERE m.lead_id <> coalesce(l."into", a.person)
    """
    if not count(base.execute("SELECT count(*) FROM raw.takers").fetchone()):
        further_acts = ""  # most vendors tell of nobody else, and acts are many
    base.execute(f"""
        CREATE VIEW owned AS
        SELECT coalesce(l."into", a.person, b.lead_id, m.lead_id) AS lead_id, a.*
        FROM raw.activities a
        LEFT JOIN lead_of l ON l.record = a.person
        LEFT JOIN by_key b ON b.email_key = a.email_key AND a.at >= b.since AND a.at < b.until AND a.person IS NULL
        LEFT JOIN took m ON m.record = a.record AND a.person IS NULL AND a.email_key IS NULL
        {further_acts}
    """)
    base.execute("""
        CREATE VIEW acts AS
        SELECT a.lead_id, t.ours AS type, a.at, a.value, a.content, a.campaign, a.direction
        FROM owned a
        JOIN types t ON t.theirs = a.type AND t.ours IS NOT NULL
        LEFT JOIN raw.engagements e ON e._id = a.record
        WHERE a.at IS NOT NULL
          AND (e._id IS NULL OR (e._gone_at IS NULL AND (e.people IS NULL OR contains(e.people, ';' || a.person || ';'))))
          AND NOT EXISTS (SELECT 1 FROM told o WHERE o.record = a.record AND o.lead_id = a.lead_id)
    """)
    screen = Screen("interactions")
    kind, content, campaign = (without_persons(base, "acts", c, screen, f"a.{c}") for c in ("type", "content", "campaign"))
    screen.tell(report)
    base.execute(f"""
        CREATE VIEW interactions AS
        SELECT a.lead_id, coalesce({kind}, 'other') AS type, a.at, a.value, {content} AS content, {campaign} AS campaign,
               a.direction
        FROM acts a SEMI JOIN known k ON k.lead_id = a.lead_id
    """)
    lost = base.execute("SELECT count(*) FROM acts a ANTI JOIN known k ON k.lead_id = a.lead_id").fetchone()
    report.note("interactions", "rows of people who are no leads", count(lost), done="left out")
    guessed_types = [f"{t} → {_own_type(shape, t)}" for t in sorted(types) if t not in mapped_types]
    report.note(
        "interactions",
        "types named by guess",
        len(guessed_types),
        "; ".join(guessed_types[:LISTED]),
        "change them under `interactions:`",
    )


def _own_type(shape: CrmMapping, vendor_type: str) -> str | None:
    return shape.interactions[vendor_type] if vendor_type in shape.interactions else shape.default_type(vendor_type)


def _deals(base: duckdb.DuckDBPyConnection, report: DataReport) -> None:
    base.execute("""
        CREATE VIEW deals AS
        SELECT d._id AS deal_id, any_value(o.lead_id) AS lead_id, any_value(coalesce(c."into", d._company)) AS company_id,
               any_value(d._created_at) AS created_at, any_value(d._closed_at) AS closed_at, any_value(d._amount) AS amount,
               any_value(d._currency) AS currency, any_value(d._status) AS status
        FROM raw.deals d
        LEFT JOIN (SELECT deal, min(lead_id) AS lead_id FROM of_deal SEMI JOIN known USING (lead_id) GROUP BY deal) o
          ON o.deal = d._id
        LEFT JOIN company_of c ON c.record = d._company
        WHERE d._gone_at IS NULL AND d._id NOT IN (SELECT record FROM deal_of)
          AND (o.lead_id IS NOT NULL OR d._company IS NOT NULL)
        GROUP BY d._id
    """)
    lost = base.execute("""
        SELECT count(*) FROM raw.deals WHERE _gone_at IS NULL AND _id NOT IN (SELECT deal_id FROM deals)
          AND _id NOT IN (SELECT record FROM deal_of)
    """).fetchone()
    report.note("deals", "deals of nobody", count(lost), done="neither a lead nor a company belongs to them; left out")


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def count(row: Sequence[Any] | None) -> int:
    """The one number of a row."""
    return int(row[0]) if row else 0
