"""Identity resolution: who is somebody else by now, by merges, merges of merges, and contacts that once were leads."""

from __future__ import annotations

import duckdb

LONGEST_CHAIN = 200  # merges of merges that are followed
# entity: its table, and which rows of it tell more than that there is such an id
MERGED = {
    "lead": ("people", "_created_at IS NOT NULL OR _gone_at IS NOT NULL"),
    "company": ("companies", "true"),
    "deal": ("deals", "true"),
}
WALK = f"""
    WITH RECURSIVE walk(record, "into", depth) AS (
        SELECT record, "into", 1 FROM merges
        UNION ALL
        SELECT w.record, m."into", w.depth + 1 FROM walk w JOIN merges m ON m.record = w."into" WHERE w.depth < {LONGEST_CHAIN}
    )
"""


def resolve(base: duckdb.DuckDBPyConnection) -> None:
    """`lead_of` (record, into): every person that is somebody else by now; `company_of` and `deal_of` likewise. `known`: the
    people who are leads.

    What is told to be several others, as a contact that two leads became, is the first of them: who comes later takes nothing
    away. Of records that were merged in a circle one stays. A record whose winner was never landed stays what it is, with all
    it did.
    """
    base.execute("CREATE TABLE waiting (record VARCHAR)")  # people whose winner was never landed
    for entity, (table, condition) in MERGED.items():
        base.execute(
            """
            CREATE OR REPLACE TABLE merges AS
            SELECT record, "into", "at", _seq AS seq FROM raw.aliases WHERE entity = ? AND record <> "into"
            QUALIFY row_number() OVER (PARTITION BY record ORDER BY "at" NULLS LAST, "into") = 1
            """,
            [entity],
        )
        base.execute(
            "CREATE OR REPLACE TABLE there AS SELECT _id AS record, _gone_at IS NULL AS alive "
            f"FROM raw.{table} WHERE {condition}"
        )
        _open_circles(base)
        base.execute(f"""
            CREATE TABLE {entity}_of AS {WALK}
            SELECT w.record, arg_max(w."into", w.depth) AS "into" FROM walk w JOIN there t ON t.record = w."into"
            WHERE t.alive OR w."into" NOT IN (SELECT record FROM merges) GROUP BY w.record
        """)
        if entity == "lead":
            base.execute("INSERT INTO waiting SELECT record FROM merges ANTI JOIN lead_of USING (record)")
    base.execute("""
        CREATE TABLE known AS
        SELECT p._id AS lead_id, least(p._created_at, min(m._created_at)) AS created_at
        FROM raw.people p
        LEFT JOIN lead_of a ON a."into" = p._id
        LEFT JOIN raw.people m ON m._id = a.record
        WHERE (p._gone_at IS NULL OR p._id IN (SELECT record FROM waiting))
          AND p._created_at IS NOT NULL AND p._id NOT IN (SELECT record FROM lead_of)
        GROUP BY p._id, p._created_at
    """)


def _open_circles(base: duckdb.DuckDBPyConnection) -> None:
    """Where a was merged into b and later, restored, b into a, one of them stays: who lives, else who won last."""
    base.execute(f"""
        DELETE FROM merges WHERE record IN (
            {WALK}, circle AS (SELECT DISTINCT record FROM walk WHERE record = "into"),
            won AS (SELECT m."into" AS record, max(m."at") AS "at", max(m.seq) AS seq
                    FROM merges m SEMI JOIN circle USING (record) GROUP BY m."into")
            SELECT record FROM (
                SELECT DISTINCT w.record, first_value(w."into") OVER (
                    PARTITION BY w.record ORDER BY coalesce(t.alive, false) DESC, o."at" DESC NULLS LAST, o.seq DESC, w."into"
                ) AS stays
                FROM walk w SEMI JOIN circle USING (record) JOIN won o ON o.record = w."into"
                LEFT JOIN there t ON t.record = w."into"
            ) WHERE stays = record
        )
    """)
