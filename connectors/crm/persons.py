"""What speaks of a person is cut out of landed texts, in SQL: only distinct texts that could hold a person are looked at."""

from __future__ import annotations

from collections import Counter

import duckdb

from features.common.persons.rules import CANDIDATE
from features.dataset.persons import Screen, cut_distinct


def without_persons(base: duckdb.DuckDBPyConnection, source: str, column: str, screen: Screen, value: str) -> str:
    """SQL for `value`, the text of a column of a landed table or a view, without what speaks of a person: what it was becomes
    what remains by the table `cut_texts`, which has the distinct texts that changed."""
    base.execute("CREATE TABLE IF NOT EXISTS cut_texts (origin VARCHAR, before VARCHAR, after VARCHAR, kind VARCHAR)")
    origin, name = f"{source}.{column}", '"' + column.replace('"', '""') + '"'
    matching = f"SELECT DISTINCT {name} FROM {source} WHERE regexp_matches({name}, ?)"
    distinct = [row[0] for row in base.execute(matching, [CANDIDATE]).fetchall()]
    texts, kinds = cut_distinct(distinct, screen.cuts_names(column))
    if not kinds:
        return value
    changed = [(origin, distinct[index], texts[index], cut_kinds[0]) for index, cut_kinds in kinds.items()]
    base.executemany("INSERT INTO cut_texts VALUES (?, ?, ?, ?)", changed)
    joined = f"SELECT c.kind, count(*) FROM {source} t JOIN cut_texts c ON c.origin = ? AND c.before = t.{name} GROUP BY 1"
    counts = base.execute(joined, [origin]).fetchall()
    screen.add(column, Counter({kind: int(rows) for kind, rows in counts}))
    of_origin = "FROM cut_texts x WHERE x.origin = '" + origin.replace("'", "''") + "'"
    before, after = f"SELECT x.before {of_origin}", f"SELECT x.after {of_origin} AND x.before = {value}"
    return f"CASE WHEN {value} IN ({before}) THEN ({after}) ELSE {value} END"
