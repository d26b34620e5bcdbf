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
    needed: dict[tuple[InteractionFilter, float | None], None] = {}
    for f in features:
        if isinstance(f, Count | Share):
            needed[f.what, f.days] = None
        if isinstance(f, Share):
            needed[f.of, f.days] = None
        if isinstance(f, Trend):
            needed[f.what, f.days] = needed[f.what, 2 * f.days] = None
        if isinstance(f, Variety):
            needed |= dict.fromkeys((InteractionFilter(t, (t,)), f.days) for t in types)
    return list(needed)


def count_column(interactions: InteractionFilter, days: float | None) -> str:
    """The column of a count."""
    return f"n_{interactions.name}_{days}"


def by_polars(
    events: pl.LazyFrame, landmarks: pl.LazyFrame, features: tuple[Feature, ...], types: tuple[str, ...]
) -> pl.LazyFrame:
    """`events` (lead, at, type, direction, value; codes) and `looks` (lead, as_of, look) → look and the features, float32."""
    import polars as pl

    def among(interactions: InteractionFilter) -> pl.Expr:
        mask = (
            pl.col("type") >= 0
            if not interactions.types
            else pl.col("type").is_in([types.index(t) for t in interactions.types])
        )
        if len(interactions.types) == 1:
            mask = pl.col("type") == types.index(interactions.types[0])
        return (
            mask & (pl.col("direction") == (INBOUND if interactions.direction == "in" else OUTBOUND))
            if interactions.direction
            else mask
        )

    def within(days: float | None) -> pl.Expr:
        return pl.lit(True) if days is None else pl.col("age") <= int(days * DAY)

    aggregates = [
        (among(interactions) & within(days)).sum().alias(count_column(interactions, days))
        for interactions, days in counts(features, types)
    ]
    for f in features:
        if isinstance(f, DaysSince):
            age = pl.when(among(f.what)).then(pl.col("age"))
            aggregates.append(((age.max() if f.first else age.min()) / DAY).alias(f.name))
        elif isinstance(f, Decayed):
            weight = (pl.col("age") * (-np.log(2) / DAY / f.half_life_days)).exp()
            aggregates.append(pl.when(among(f.what)).then(weight).otherwise(0.0).sum().alias(f.name))
        elif isinstance(f, Total):
            aggregates.append(pl.when(among(f.what) & within(f.days)).then(pl.col("value")).otherwise(0.0).sum().alias(f.name))
    joined = events.join(landmarks, on="lead").filter(pl.col("at") < pl.col("as_of"))
    grouped = joined.with_columns(age=pl.col("as_of") - pl.col("at")).group_by("look").agg(aggregates)
    since = [f.name for f in features if isinstance(f, DaysSince)]
    filled = landmarks.select("look").join(grouped, on="look", how="left").with_columns(pl.exclude(since).fill_null(0))

    def n(interactions: InteractionFilter, days: float | None) -> pl.Expr:
        return pl.col(count_column(interactions, days)).cast(pl.Float64)

    out = []
    for f in features:
        column = pl.col(f.name)
        if isinstance(f, Count):
            column = n(f.what, f.days)
        elif isinstance(f, Share):
            column = pl.when(n(f.of, f.days) > 0).then(n(f.what, f.days) / n(f.of, f.days))
        elif isinstance(f, Trend):
            recent = n(f.what, f.days)
            column = ((1 + recent) / (1 + n(f.what, 2 * f.days) - recent)).log(2)
        elif isinstance(f, Variety):
            column = pl.sum_horizontal(*(n(InteractionFilter(t, (t,)), f.days) > 0 for t in types))
        out.append(column.cast(pl.Float32).alias(f.name))
    return filled.select("look", *out)


def by_duckdb(events: str, landmarks: str, features: tuple[Feature, ...], types: tuple[str, ...]) -> str:
    """The same as SQL on two relations; CASE measured three times as fast as FILTER here."""

    def among(interactions: InteractionFilter) -> str:
        mask = f"type IN ({', '.join(str(types.index(t)) for t in interactions.types)})" if interactions.types else "true"
        return (
            f"{mask} AND direction = {INBOUND if interactions.direction == 'in' else OUTBOUND}"
            if interactions.direction
            else mask
        )

    def within(days: float | None) -> str:
        return "" if days is None else f" AND age <= {int(days * DAY)}"

    aggregates = [f'count_if({among(a)}{within(d)}) AS "{count_column(a, d)}"' for a, d in counts(features, types)]
    for f in features:
        if isinstance(f, DaysSince):
            aggregates.append(
                f'{"max" if f.first else "min"}(CASE WHEN {among(f.what)} THEN age END) / {float(DAY)} AS "{f.name}"'
            )
        elif isinstance(f, Decayed):
            weight = f"exp(age * {-np.log(2) / DAY / f.half_life_days})"
            aggregates.append(f'coalesce(sum(CASE WHEN {among(f.what)} THEN {weight} ELSE 0 END), 0) AS "{f.name}"')
        elif isinstance(f, Total):
            aggregates.append(
                f'coalesce(sum(CASE WHEN {among(f.what)}{within(f.days)} THEN value ELSE 0 END), 0) AS "{f.name}"'
            )

    def n(interactions: InteractionFilter, days: float | None) -> str:
        return f'coalesce("{count_column(interactions, days)}", 0)'

    out = []
    for f in features:
        column = f'"{f.name}"' if isinstance(f, DaysSince) else f'coalesce("{f.name}", 0)'
        if isinstance(f, Count):
            column = n(f.what, f.days)
        elif isinstance(f, Share):
            column = f"{n(f.what, f.days)} / nullif({n(f.of, f.days)}, 0)"
        elif isinstance(f, Trend):
            recent, both = n(f.what, f.days), n(f.what, 2 * f.days)
            column = f"log2((1.0::DOUBLE + {recent}) / (1 + {both} - {recent}))"
        elif isinstance(f, Variety):
            column = " + ".join(f"({n(InteractionFilter(t, (t,)), f.days)} > 0)::INT" for t in types)
        out.append(f'CAST({column} AS FLOAT) AS "{f.name}"')
    joined = f'SELECT look, type, direction, value, as_of - e."at" AS age FROM {events} e JOIN {landmarks} l USING (lead)'
    joined += ' WHERE e."at" < as_of'
    grouped = f"SELECT look, {', '.join(aggregates)} FROM ({joined}) GROUP BY look"
    return f"SELECT look, {', '.join(out)} FROM {landmarks} LEFT JOIN ({grouped}) USING (look)"
