"""Columns without a history that are proved stable: what they held when a lead was new, they hold months later.

Each import looks at leads that were just created and keeps a keyed digest of what their columns hold; later ones compare.
Nothing can be proved of what was there before the first import.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from features.common.files import whole_file

FILE = "stable.parquet"
FRESH = timedelta(days=3)  # so old a lead is at most when it is looked at first
PROOF_AGE = timedelta(days=60)  # and so old at least when it counts
PROOF_LEADS = 50  # that many have to be
CHANGED_SHARE = 0.02  # of them at most hold something else by now
MOST_LEADS = 5_000  # are followed


def stable_columns(
    base: duckdb.DuckDBPyConnection, folder: Path, salt: bytes, columns: Sequence[str], now: datetime
) -> list[str]:
    """Of these columns of the view `leads` the stable ones. Who is no lead any more is followed no longer."""
    if not columns:
        return []
    file = folder / FILE
    base.execute("CREATE OR REPLACE TABLE followed (lead VARCHAR, name VARCHAR, digest VARCHAR, changed BOOLEAN)")
    if file.is_file():
        base.execute("INSERT INTO followed SELECT lead, name, digest, changed FROM read_parquet(?)", [str(file)])
    key = salt.hex()
    base.execute(
        f"""
        CREATE OR REPLACE TABLE looked_at AS
        SELECT * FROM (
            SELECT lead_id, md5('{key}' || lead_id) AS lead, created_at,
                   md5('{key}' || lead_id) IN (SELECT lead FROM followed) AS old FROM leads)
        WHERE old OR created_at BETWEEN ?::TIMESTAMPTZ AND ?::TIMESTAMPTZ
        ORDER BY old DESC, lead LIMIT {MOST_LEADS}
        """,
        [now - FRESH, now],
    )
    values = " UNION ALL ".join(
        f"SELECT k.lead, k.created_at, k.old, {_text(name)} AS name, "
        f"md5('{key}' || coalesce(t.{_quoted(name)}::VARCHAR, '')) AS digest FROM looked_at k JOIN leads t USING (lead_id)"
        for name in columns
    )
    base.execute(f"""
        CREATE OR REPLACE TABLE compared AS
        SELECT v.lead, v.name, v.created_at, coalesce(f.digest, v.digest) AS digest,
               coalesce(f.changed OR f.digest <> v.digest, false) AS changed
        FROM ({values}) v LEFT JOIN followed f ON f.lead = v.lead AND f.name = v.name
        WHERE f.lead IS NOT NULL OR NOT v.old
    """)
    with whole_file(file) as partial:
        base.execute(f"COPY (SELECT lead, name, digest, changed FROM compared) TO {_text(str(partial))} (FORMAT parquet)")
    rows = base.execute(
        f"""
        SELECT name FROM compared WHERE created_at <= ?::TIMESTAMPTZ
        GROUP BY name HAVING count(*) >= {PROOF_LEADS} AND avg(changed::INTEGER) <= {CHANGED_SHARE}
        """,
        [now - PROOF_AGE],
    ).fetchall()
    return sorted(row[0] for row in rows)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
