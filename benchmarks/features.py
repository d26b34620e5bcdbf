"""Features and landmarks by Ripeline's engine, polars (streaming), DuckDB and pandas, on the same interactions.

`make bench-features [SIZE=10000000]`. Every contestant runs in a process of its own, which first runs once on a small input,
whose numbers are checked against the engine's. The rivals compute counts, rates, trends, recency, decayed sums, variety and
totals; what would need several passes (visits and their rhythm, topics, the buying group) is left out for them alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import timeit
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import rivals
from benchmarks.rivals import count_column, counts, fair
from features.catalogue import DataProfile, catalogue
from features.common.clock import DAY
from features.dataset.funnel import Funnel
from features.engine.evaluate import evaluate
from features.engine.index import HistoryIndex
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan
from features.feature import InteractionFilter
from features.spec import Count, DaysSince, Decayed, Share, Total, Trend, Variety

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "features.md"
PANDAS_LIMIT = 1_000_000  # its joined rows outgrow memory soon after; larger sizes are extrapolated
PER_LEAD = 100
LANDMARKS = 6
SPAN = 730 * DAY
TYPES = (
    "email_sent", "email_opened", "page_view", "email_clicked", "blog_view", "product_page_view", "pricing_page_view",
    "form_submitted", "whitepaper_download", "product_video", "webinar_registered", "webinar_attended", "case_study_download",
    "newsletter_subscribed", "trial_requested", "demo_requested", "call_made", "call_answered", "meeting", "chat",
    "unsubscribed", "event_attended",
)  # fmt: skip
PLAN = Plan(
    tuple(catalogue(DataProfile(TYPES, ("product_video",), frozenset(("in", "out")), contents=True, accounts=True), Funnel())),
    TYPES,
)
World = dict[str, np.ndarray]
Columns = dict[str, np.ndarray]


def world(interactions: int, seed: int = 0) -> World:
    """Unsorted interactions, `PER_LEAD` a lead on average, and `LANDMARKS` landmarks a lead."""
    random = np.random.default_rng(seed)
    leads = interactions // PER_LEAD
    kind = random.choice(len(TYPES), interactions, p=np.r_[[0.3, 0.15, 0.15], np.full(19, 0.4 / 19)])
    return {
        "lead": random.integers(0, leads, interactions).astype(np.int32),
        "at": random.integers(0, SPAN, interactions),
        "type": kind.astype(np.int8),
        "direction": np.where(kind == 0, 2, 1).astype(np.int8),
        "value": random.integers(0, 300, interactions).astype(np.float64),
        "content": random.integers(-1, 40, interactions).astype(np.int32),
        "account": np.sort(random.integers(0, leads // 3 + 1, leads)).astype(np.int32),
        "created": random.integers(0, 300 * DAY, leads),
        "look_lead": np.repeat(np.arange(leads), LANDMARKS).astype(np.int32),
        "as_of": np.sort(random.integers(300 * DAY, SPAN, (leads, LANDMARKS)), axis=1).ravel(),
    }


def ours(w: World, threads: int = 2, plan: Plan = PLAN) -> np.ndarray:
    """(features, landmarks), the sort included."""
    leads = len(w["account"])
    history = HistoryIndex.build(
        leads, w["lead"], w["at"], w["type"].astype(np.int32) * 3 + w["direction"].astype(np.int32), w["value"], w["content"]
    )
    landmarks = LandmarkArrays(w["look_lead"], w["as_of"], np.zeros(len(w["as_of"]), np.int32), w["created"][w["look_lead"]])
    out = np.empty((len(plan.features), len(landmarks)), np.float32)
    return evaluate(plan, People(w["account"], w["created"], history), landmarks, out=out, threads=threads)


FAIR = tuple(f for f in PLAN.features if fair(f))
FAIR_PLAN = Plan(FAIR, TYPES)
COUNTS = counts(FAIR, TYPES)


def derive(column: Callable[[str], np.ndarray]) -> Columns:
    """From aggregated columns to the fair features."""

    def n(interactions: InteractionFilter, days: float | None) -> np.ndarray:
        return column(count_column(interactions, days)).astype(np.float64)

    derived: Columns = {}
    for f in FAIR:
        if isinstance(f, Count):
            derived[f.name] = n(f.what, f.days)
        elif isinstance(f, Share):
            denominator = n(f.of, f.days)
            derived[f.name] = np.where(denominator > 0, n(f.what, f.days) / np.maximum(denominator, 1), np.nan)
        elif isinstance(f, Trend):
            recent = n(f.what, f.days)
            derived[f.name] = np.log2((1 + recent) / (1 + n(f.what, 2 * f.days) - recent))
        elif isinstance(f, Variety):
            derived[f.name] = np.sum([n(InteractionFilter(t, (t,)), f.days) > 0 for t in TYPES], axis=0)
        else:
            derived[f.name] = column(f.name).astype(np.float64)
    return derived


def by_polars(w: World) -> Columns:
    """`benchmarks.rivals.by_polars`, streaming, in memory."""
    import polars as pl

    events = pl.LazyFrame({k: w[k] for k in ("lead", "at", "type", "direction", "value")})
    landmarks = pl.LazyFrame({"lead": w["look_lead"], "as_of": w["as_of"], "look": np.arange(len(w["as_of"]), dtype=np.int32)})
    frame = rivals.by_polars(events, landmarks, FAIR, TYPES).sort("look").collect(engine="streaming")
    return {f.name: frame[f.name].fill_null(np.nan).to_numpy() for f in FAIR}


def by_duckdb(w: World) -> Columns:
    """`benchmarks.rivals.by_duckdb` on two threads, in memory."""
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect(config={"threads": 2})
    connection.register("events", pa.table({k: w[k] for k in ("lead", "at", "type", "direction", "value")}))
    numbers = np.arange(len(w["as_of"]), dtype=np.int32)
    connection.register("looks", pa.table({"lead": w["look_lead"], "as_of": w["as_of"], "look": numbers}))
    rows = connection.sql(rivals.by_duckdb("events", "looks", FAIR, TYPES)).fetchnumpy()
    order = np.argsort(rows["look"])
    return {f.name: np.ma.filled(np.ma.asarray(rows[f.name]).astype(np.float64), np.nan)[order] for f in FAIR}


def by_pandas(w: World) -> Columns:
    """The way it is usually written: merge, then one masked group-by per column."""
    import pandas as pd

    events = pd.DataFrame({k: w[k] for k in ("lead", "at", "type", "direction", "value")})
    count = len(w["as_of"])
    landmarks = pd.DataFrame({"lead": w["look_lead"], "as_of": w["as_of"], "look": np.arange(count)})
    joined = events.merge(landmarks, on="lead")
    joined = joined[joined["at"] < joined["as_of"]]
    joined["age"] = joined["as_of"] - joined["at"]

    def among(interactions: InteractionFilter) -> pd.Series:
        mask = joined["type"].isin([TYPES.index(t) for t in interactions.types]) if interactions.types else joined["type"] >= 0
        return mask & (joined["direction"] == (1 if interactions.direction == "in" else 2)) if interactions.direction else mask

    columns: Columns = {}
    for interactions, days in COUNTS:
        mask = among(interactions) if days is None else among(interactions) & (joined["age"] <= int(days * DAY))
        columns[count_column(interactions, days)] = (
            joined[mask].groupby("look").size().reindex(range(count), fill_value=0).to_numpy()
        )
    for f in FAIR:
        if isinstance(f, DaysSince):
            grouped = joined[among(f.what)].groupby("look")["age"]
            columns[f.name] = ((grouped.max() if f.first else grouped.min()) / DAY).reindex(range(count)).to_numpy()
        elif isinstance(f, Decayed):
            inside = joined[among(f.what)]
            weight = np.exp2(inside["age"] / (-DAY * f.half_life_days))
            columns[f.name] = weight.groupby(inside["look"]).sum().reindex(range(count), fill_value=0).to_numpy()
        elif isinstance(f, Total):
            mask = among(f.what) if f.days is None else among(f.what) & (joined["age"] <= int(f.days * DAY))
            columns[f.name] = joined[mask].groupby("look")["value"].sum().reindex(range(count), fill_value=0).to_numpy()
    return derive(lambda name: columns[name])


SAME = "ripeline, the same"
CONTESTANTS: dict[str, Callable[[World], object]] = {
    SAME: lambda w: ours(w, plan=FAIR_PLAN),
    "ripeline": ours,
    "polars": by_polars,
    "duckdb": by_duckdb,
    "pandas": by_pandas,
}


def check(name: str) -> None:
    """The contestant's numbers on a small input are the engine's."""
    sample = world(20_000, seed=1)
    expected = ours(sample)
    columns = CONTESTANTS[name](sample)
    if not isinstance(columns, dict):
        return
    for row, feature in enumerate(PLAN.features):
        if feature.name in columns:
            same = np.allclose(columns[feature.name], expected[row], rtol=1e-5, atol=1e-5, equal_nan=True)
            assert same, f"{name} differs from the engine in {feature.name}"


def child(name: str, interactions: int, repeats: int) -> None:
    """Check, then time; prints JSON."""
    check(name)
    w = world(interactions)
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        CONTESTANTS[name](w)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({"seconds": statistics.median(seconds), "gib": peak}))


def run(name: str, interactions: int, repeats: int) -> dict[str, float]:
    """Median seconds and peak memory of a contestant in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.features",
        "--child",
        name,
        "--interactions",
        str(interactions),
        "--repeats",
        str(repeats),
    ]
    environment = {**os.environ, "POLARS_MAX_THREADS": "2"}
    process = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return result


def time_one_lead() -> float:
    """Microseconds for all features of one lead with 50 interactions, the sort included: the best of many calls."""
    w = world(10_000)
    rows = np.arange(50)
    single = {**w, **{k: w[k][rows] for k in ("at", "type", "direction", "value", "content")}, "lead": np.zeros(50, np.int32)}
    single |= {
        "account": w["account"][:1],
        "created": w["created"][:1],
        "look_lead": np.zeros(1, np.int32),
        "as_of": w["as_of"][5:6],
    }
    return min(timeit.repeat(lambda: ours(single, threads=1), number=200, repeat=10)) / 200 * 1e6


def main() -> None:
    """Run all, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interactions", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--child", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.interactions, arguments.repeats)
        return
    size = arguments.interactions
    rows, base = [], 0.0
    for name in CONTESTANTS:
        measured_size = min(size, PANDAS_LIMIT) if name == "pandas" else size
        result = run(name, measured_size, arguments.repeats if name in (SAME, "ripeline") or size <= 1_000_000 else 1)
        seconds = result["seconds"] * size / measured_size
        base = base or seconds
        note = "" if measured_size == size else f" (from {measured_size:,}, linearly)"
        columns = len(PLAN.features) if name == "ripeline" else len(FAIR)
        rows.append([name, f"{columns}", f"{seconds:.2f} s{note}", f"{seconds / base:.1f} ×", f"{result['gib']:.2f} GiB"])
    growth = [(n, run("ripeline", n, 3)["seconds"]) for n in sorted({size // 10, size // 3, size})]
    single = time_one_lead()
    header = ["", "features", "time", "against Ripeline", "peak memory"]
    table = Table(
        *header, title=f"{size:,} interactions, {size // PER_LEAD:,} leads, {LANDMARKS} landmarks each, sorting included"
    )
    for row in rows:
        table.add_row(*row)
    Console(width=120).print(table)
    linear = ", ".join(f"{n:,}: {s / n * 1e9:.0f} ns" for n, s in growth)
    print(f"Ripeline's cost per interaction at {linear}. All features of one lead with 50 interactions: {single:.0f} µs.")
    libraries = ", ".join(f"{n} {version(n)}" for n in ("numpy", "polars", "duckdb", "pandas"))
    lines = [
        "# Speed of the features",
        "",
        f"Written by `make bench-features SIZE={size}` on {time.strftime('%Y-%m-%d')}: {platform.machine()},",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {libraries}.",
        f"{size:,} unsorted interactions of {size // PER_LEAD:,} leads, {LANDMARKS} landmarks a lead, two threads; sorting",
        "included. Each contestant ran in its own process; on a small input its numbers equalled the engine's.",
        "The rivals leave out what would take them several passes (visits, topics, the buying group); the first line is",
        "the engine with the same features as theirs, the second with the whole catalogue.",
        "",
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        f"Cost per interaction: {linear}.",
        f"All features of one lead with 50 interactions: {single:.0f} µs.",
        "",
    ]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text("\n".join(lines), encoding="utf-8")
    print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
