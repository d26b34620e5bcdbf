"""The features that polars and DuckDB can make in one pass, written for each the way it likes best.

Both join interactions with landmarks on the lead, keep what lies before as_of, and take one group-by with conditional
aggregates. What would need several passes (visits and their rhythm, topics, the buying group) is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.common.clock import DAY
from features.feature import Feature, InteractionFilter
from features.spec import Count, DaysSince, Decayed, Share, Total, Trend, Variety

if TYPE_CHECKING:
    import polars as pl

INBOUND, OUTBOUND = 1, 2


def fair(feature: Feature) -> bool:
    """Can a rival compute it in its one pass over the joined rows?"""
    if not isinstance(feature, Count | DaysSince | Decayed | Share | Trend | Total | Variety):
        return False
    marks = [getattr(feature, name).mark for name in ("what", "of") if hasattr(feature, name)]
    return not any(marks)


def counts(features: tuple[Feature, ...], types: tuple[str, ...]) -> list[tuple[InteractionFilter, float | None]]:
    """The distinct counts that the features need."""
    found: dict[tuple[InteractionFilter, float | None], None] = {}
    for f in features:
        if isinstance(f, Count | Share):
            found[f.what, f.days] = None
        if isinstance(f, Share):
            found[f.of, f.days] = None
        if isinstance(f, Trend):
            found[f.what, f.days] = found[f.what, 2 * f.days] = None
        if isinstance(f, Variety):
            found |= dict.fromkeys((InteractionFilter(t, (t,)), f.days) for t in types)
    return list(found)


def named(what: InteractionFilter, days: float | None) -> str:
    """The column of a count."""
    return f"n_{what.name}_{days}"


def by_polars(events: pl.LazyFrame, looks: pl.LazyFrame, features: tuple[Feature, ...], types: tuple[str, ...]) -> pl.LazyFrame:
    """`events` (lead, at, type, direction, value; codes) and `looks` (lead, as_of, look) → look and the features, float32."""
    import polars as pl

    def among(what: InteractionFilter) -> pl.Expr:
        of = pl.col("type") >= 0 if not what.types else pl.col("type").is_in([types.index(t) for t in what.types])
        if len(what.types) == 1:
            of = pl.col("type") == types.index(what.types[0])
        return of & (pl.col("direction") == (INBOUND if what.direction == "in" else OUTBOUND)) if what.direction else of

    def within(days: float | None) -> pl.Expr:
        return pl.lit(True) if days is None else pl.col("age") <= int(days * DAY)

    wanted = [(among(what) & within(days)).sum().alias(named(what, days)) for what, days in counts(features, types)]
    for f in features:
        if isinstance(f, DaysSince):
            age = pl.when(among(f.what)).then(pl.col("age"))
            wanted.append(((age.max() if f.first else age.min()) / DAY).alias(f.name))
        elif isinstance(f, Decayed):
            weight = (pl.col("age") * (-np.log(2) / DAY / f.half_life_days)).exp()
            wanted.append(pl.when(among(f.what)).then(weight).otherwise(0.0).sum().alias(f.name))
        elif isinstance(f, Total):
            wanted.append(pl.when(among(f.what) & within(f.days)).then(pl.col("value")).otherwise(0.0).sum().alias(f.name))
    joined = events.join(looks, on="lead").filter(pl.col("at") < pl.col("as_of"))
    grouped = joined.with_columns(age=pl.col("as_of") - pl.col("at")).group_by("look").agg(wanted)
    since = [f.name for f in features if isinstance(f, DaysSince)]
    filled = looks.select("look").join(grouped, on="look", how="left").with_columns(pl.exclude(since).fill_null(0))

    def n(what: InteractionFilter, days: float | None) -> pl.Expr:
        return pl.col(named(what, days)).cast(pl.Float64)

    out = []
    for f in features:
        found = pl.col(f.name)
        if isinstance(f, Count):
            found = n(f.what, f.days)
        elif isinstance(f, Share):
            found = pl.when(n(f.of, f.days) > 0).then(n(f.what, f.days) / n(f.of, f.days))
        elif isinstance(f, Trend):
            late = n(f.what, f.days)
            found = ((1 + late) / (1 + n(f.what, 2 * f.days) - late)).log(2)
        elif isinstance(f, Variety):
            found = pl.sum_horizontal(*(n(InteractionFilter(t, (t,)), f.days) > 0 for t in types))
        out.append(found.cast(pl.Float32).alias(f.name))
    return filled.select("look", *out)


def by_duckdb(events: str, looks: str, features: tuple[Feature, ...], types: tuple[str, ...]) -> str:
    """The same as SQL on two relations; CASE measured three times as fast as FILTER here."""

    def among(what: InteractionFilter) -> str:
        of = f"type IN ({', '.join(str(types.index(t)) for t in what.types)})" if what.types else "true"
        return f"{of} AND direction = {INBOUND if what.direction == 'in' else OUTBOUND}" if what.direction else of

    def within(days: float | None) -> str:
        return "" if days is None else f" AND age <= {int(days * DAY)}"

    wanted = [f'count_if({among(a)}{within(d)}) AS "{named(a, d)}"' for a, d in counts(features, types)]
    for f in features:
        if isinstance(f, DaysSince):
            wanted.append(f'{"max" if f.first else "min"}(CASE WHEN {among(f.what)} THEN age END) / {float(DAY)} AS "{f.name}"')
        elif isinstance(f, Decayed):
            weight = f"exp(age * {-np.log(2) / DAY / f.half_life_days})"
            wanted.append(f'coalesce(sum(CASE WHEN {among(f.what)} THEN {weight} ELSE 0 END), 0) AS "{f.name}"')
        elif isinstance(f, Total):
            wanted.append(f'coalesce(sum(CASE WHEN {among(f.what)}{within(f.days)} THEN value ELSE 0 END), 0) AS "{f.name}"')

    def n(what: InteractionFilter, days: float | None) -> str:
        return f'coalesce("{named(what, days)}", 0)'

    out = []
    for f in features:
        found = f'"{f.name}"' if isinstance(f, DaysSince) else f'coalesce("{f.name}", 0)'
        if isinstance(f, Count):
            found = n(f.what, f.days)
        elif isinstance(f, Share):
            found = f"{n(f.what, f.days)} / nullif({n(f.of, f.days)}, 0)"
        elif isinstance(f, Trend):
            late, both = n(f.what, f.days), n(f.what, 2 * f.days)
            found = f"log2((1.0::DOUBLE + {late}) / (1 + {both} - {late}))"
        elif isinstance(f, Variety):
            found = " + ".join(f"({n(InteractionFilter(t, (t,)), f.days)} > 0)::INT" for t in types)
        out.append(f'CAST({found} AS FLOAT) AS "{f.name}"')
    joined = f'SELECT look, type, direction, value, as_of - e."at" AS age FROM {events} e JOIN {looks} l USING (lead)'
    joined += ' WHERE e."at" < as_of'
    grouped = f"SELECT look, {', '.join(wanted)} FROM ({joined}) GROUP BY look"
    return f"SELECT look, {', '.join(out)} FROM {looks} LEFT JOIN ({grouped}) USING (look)"
