"""The page and the picture of `benchmarks.scale`, from what it has measured."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.features import FAIR, PLAN

GIB = 2**30
MICRO = 1e6
Results = Mapping[str, Any]


def cost(results: Results, step: str, size: int) -> float:
    """Processor microseconds an interaction."""
    return float(results[step]["cpu"]) / size * MICRO


def write(by_size: Mapping[str, Results], memory: int, page: Path, picture: Path) -> None:
    """Write both."""
    page.parent.mkdir(parents=True, exist_ok=True)
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(_lines(by_size, memory, picture)) + "\n", encoding="utf-8")
    _draw(by_size, picture)


def _lines(by_size: Mapping[str, Results], memory: int, picture: Path) -> list[str]:
    libraries = ", ".join(f"{n} {version(n)}" for n in ("numpy", "duckdb", "polars", "dask"))
    lines = [
        "# Beyond one machine's memory",
        "",
        f"Written by `make bench-scale` on {time.strftime('%Y-%m-%d')}: {platform.machine()}, {os.cpu_count()} cores,",
        f"Python {platform.python_version()}, {libraries}.",
        "",
        f"`memory: {memory / GIB:g}GiB`, two processes. Unsorted interactions in one Parquet file, 50 a lead, three leads an",
        "account, landmarks on entering a lead stage and 7, 30, 90, 180 and 360 days after; the whole catalogue of features",
        "for 22 interaction types. *Cut and sort* reads the file and writes sorted buckets; *features* reads those and writes",
        "the matrix. Costs are processor time an interaction, so that other work on the machine counts little; seconds are",
        "those of the clock and count it fully. Before a measurement begins, processes are started and have done a small job",
        "once: no cost holds imports or the loading of compiled code. Memory is the most that all processes had at once.",
        "Each size is a run of its own, kept until it is measured again; ratios are within a size, but for the first one.",
        "",
        "| interactions | leads | landmarks | buckets | cut and sort | features | together | seconds | most memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for size, results in _complete(by_size):
        sort, build = cost(results, "partition", size), cost(results, "features", size)
        seconds = results["partition"]["seconds"] + results["features"]["seconds"]
        peak = max(results["partition"]["memory"], results["features"]["memory"]) / GIB
        lines.append(
            f"| {size:,} | {size // 50:,} | {results['features']['landmarks']:,} | {results['features']['buckets']:,} | "
            f"{sort:.2f} µs | {build:.2f} µs | {sort + build:.2f} µs | {seconds:,.0f} s | {peak:.2f} GiB |"
        )
    lines += ["", f"![Cost per interaction](../pictures/{picture.name})", ""]
    return [*lines, *_ratios(by_size), *_extrapolation(by_size)]


def _complete(by_size: Mapping[str, Results]) -> list[tuple[int, Results]]:
    sizes = sorted((int(size), results) for size, results in by_size.items())
    return [(size, results) for size, results in sizes if results.get("partition") and results.get("features")]


def _ratios(by_size: Mapping[str, Results]) -> list[str]:
    sizes = _complete(by_size)
    small, large = sizes[0], sizes[-1]
    costs = [cost(results, "partition", n) + cost(results, "features", n) for n, results in (small, large)]
    lines = [f"- Cost per interaction at {large[0]:,} against {small[0]:,}: {costs[1] / costs[0]:.2f} ×."]
    for size, results in sizes:
        if results.get("day"):
            full_build, day = results["partition"]["cpu"] + results["features"]["cpu"], results["day"]
            lines.append(
                f"- A day of 1 % of the interactions added to {size:,}: {day['cpu'] / full_build:.1%} of the processor time of "
                f"a full build ({day['computed']:,} of {day['landmarks']:,} landmarks computed)."
            )
        for step, name in (("dask", "Features"), ("score", "Batch scores")):
            one_worker, two_workers = results.get(f"{step}-one"), results.get(f"{step}-two")
            if one_worker and two_workers:
                speed_up = one_worker["seconds"] / two_workers["seconds"]
                lines.append(f"- {name} of {size:,} on two Dask workers against one, by the clock: {speed_up:.2f} ×.")
    return [
        *lines,
        "",
        "The day brings interactions of one lead in twenty, drawn at random over all accounts, and lead stages that fell due;",
        "so it touches every bucket, and little of each. It brings no new leads or attributes.",
        "",
        *_rivals(sizes),
    ]


def _rivals(sizes: Sequence[tuple[int, Results]]) -> list[str]:
    """Others on the same features, from the same file."""
    lines = [
        "## Against polars and DuckDB",
        "",
        f"From the same unsorted file and the same landmarks to a matrix on disk: the {len(FAIR)} of",
        f"{len(PLAN.features)} features that they can make in one pass (all but visits and their rhythm, topics, the buying",
        "group). *Ripeline, all* has cut, sorted, validated, labelled and written; *its features alone* starts from the sorted",
        "buckets, which days to come start from too. Processor time of others against Ripeline's. Who comes to no end within",
        "the memory that Ripeline has is asked again with nearly all that the machine has.",
        "",
        "| interactions | | processor time | against Ripeline, all | against its features alone | most memory |",
        "|---|---|---|---|---|---|",
    ]
    for size, results in sizes:
        if not results.get("same"):
            continue
        features_alone = results["same"]["cpu"]
        total = results["partition"]["cpu"] + features_alone
        peak = max(results["partition"]["memory"], results["same"]["memory"]) / GIB
        lines.append(f"| {size:,} | Ripeline | {total:.1f} s, its features alone {features_alone:.1f} s | | | {peak:.1f} GiB |")
        for name in ("polars", "duckdb"):
            rival = results.get(name)
            if not rival:
                lines.append(f"| {size:,} | {name} | came to no end within the memory | | | |")
                rival = results.get(f"{name}-free")
            if rival:
                lines.append(
                    f"| {size:,} | {name} | {rival['cpu']:.1f} s | {rival['cpu'] / total:.1f} × | "
                    f"{rival['cpu'] / features_alone:.1f} × | {rival['memory'] / GIB:.1f} GiB |"
                )
    return [
        *lines,
        "",
        "With everything in memory on all sides, the sort included, see [the speed of the features](features.md).",
        "",
    ]


def _extrapolation(by_size: Mapping[str, Results]) -> list[str]:
    """What larger sizes would take, from the largest that was measured."""
    size, results = _complete(by_size)[-1]
    micros = cost(results, "partition", size) + cost(results, "features", size)
    density = results["features"]["landmarks"] / size
    per_lead = _per_lead(results, size)
    lines = [
        "## On paper",
        "",
        f"From {size:,} interactions: {micros:.2f} µs of a processor each, {density:.3f} landmarks each of about 250 columns.",
        "",
        "| interactions | core-hours | buckets of a million | matrix | tables with a row a lead, in memory |",
        "|---|---|---|---|---|",
    ]
    for large in (1_000_000_000, 100_000_000_000):
        leads = large // 50
        lines.append(
            f"| {large:,} | {large * micros / MICRO / 3600:,.1f} | {large // 700_000:,} | "
            f"{large * density * 1000 / 1e12:,.1f} TB | {leads * per_lead / GIB:,.0f} GiB |"
        )
    return [
        *lines,
        "",
        "What breaks first is not the interactions but the tables with a row a lead: one process validates, audits and cuts",
        f"all of them the first time, at about {per_lead:,.0f} bytes a lead; a day reads them, and validates what it touches.",
        "For a billion interactions that is a machine one can rent; for a hundred billion there is none, and validation and",
        "audit would have to run in buckets from the beginning. Next are the bins of the",
        "trees, which one worker holds, a byte a column and landmark; beyond that they grow on a",
        "share of the accounts. Third is the map of leads to buckets, which every worker that cuts",
        "reads whole.",
    ]


def _per_lead(results: Results, size: int) -> float:
    """Bytes in memory for each lead while the tables with a row a lead are validated and cut; 50 interactions a lead."""
    return max(float(results["lean"]["memory"]) - float(results["none"]["memory"]), 0.0) / (size // 50)


def _draw(by_size: Mapping[str, Results], picture: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sizes = _complete(by_size)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    counts = [size for size, _ in sizes]
    sort, build = ([cost(results, step, size) for size, results in sizes] for step in ("partition", "features"))
    left.bar([f"{n / 1e6:g} M" for n in counts], sort, color="#8fb3d9", label="cut and sort")
    left.bar([f"{n / 1e6:g} M" for n in counts], build, bottom=sort, color="#2b6ca3", label="features")
    left.set_ylabel("processor µs an interaction")
    left.set_xlabel("interactions")
    left.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)
    right.bar(
        [f"{n / 1e6:g} M" for n in counts],
        [max(results["partition"]["memory"], results["features"]["memory"]) / GIB for _, results in sizes],
    )
    right.axhline(4, color="#b03030", linewidth=1)
    right.set_ylabel("most memory, GiB")
    right.set_xlabel("interactions")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    plt.close(figure)
