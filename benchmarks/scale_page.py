"""The page and the picture of `benchmarks.scale`, from what it has measured."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

GIB = 2**30
MICRO = 1e6
Found = Mapping[str, Any]


def cost(at: Found, what: str, size: int) -> float:
    """Processor microseconds an interaction, without what processes cost that do nothing."""
    return max(float(at[what]["cpu"]) - float(at["idle"]["cpu"]), 0.0) / size * MICRO


def write(found: Mapping[str, Found], memory: int, page: Path, picture: Path) -> None:
    """Write both."""
    page.parent.mkdir(parents=True, exist_ok=True)
    picture.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(_lines(found, memory, picture)) + "\n", encoding="utf-8")
    _draw(found, picture)


def _lines(found: Mapping[str, Found], memory: int, picture: Path) -> list[str]:
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
        "the matrix. Costs are processor time an interaction, less what idle processes cost, so that other work on the machine",
        "counts little; seconds are those of the clock and count it fully. Memory is the most that all processes had at once.",
        "",
        "| interactions | leads | landmarks | buckets | cut and sort | features | together | seconds | most memory |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for size, at in _measured(found):
        sort, build = cost(at, "partition", size), cost(at, "features", size)
        seconds = at["partition"]["seconds"] + at["features"]["seconds"]
        most = max(at["partition"]["memory"], at["features"]["memory"]) / GIB
        lines.append(
            f"| {size:,} | {size // 50:,} | {at['features']['landmarks']:,} | {at['features']['buckets']:,} | {sort:.2f} µs | "
            f"{build:.2f} µs | {sort + build:.2f} µs | {seconds:,.0f} s | {most:.2f} GiB |"
        )
    lines += ["", f"![Cost per interaction](../pictures/{picture.name})", ""]
    return [*lines, *_ratios(found), *_paper(found)]


def _measured(found: Mapping[str, Found]) -> list[tuple[int, Found]]:
    sizes = sorted((int(size), at) for size, at in found.items())
    return [(size, at) for size, at in sizes if at.get("partition") and at.get("features") and at.get("idle")]


def _ratios(found: Mapping[str, Found]) -> list[str]:
    sizes = _measured(found)
    small, large = sizes[0], sizes[-1]
    each = [cost(at, "partition", n) + cost(at, "features", n) for n, at in (small, large)]
    lines = [
        f"- Cost per interaction at {large[0]:,} against {small[0]:,}: {each[1] / each[0]:.2f} ×.",
    ]
    for size, at in sizes:
        own = at["partition"]["cpu"] + at["features"]["cpu"] - 2 * at["idle"]["cpu"]
        for name in ("polars", "duckdb"):
            if at.get(name):
                other = at[name]
                lines.append(
                    f"- {name} at {size:,}, from the same file to the features it can make in one pass, the same landmarks, "
                    f"without writing them: {(other['cpu'] - at['none']['cpu']) / own:.1f} × the processor time of cutting, "
                    f"sorting, building and writing all features; {other['memory'] / GIB:.1f} GiB."
                )
        if at.get("day"):
            day = at["day"]["cpu"] - at["idle"]["cpu"]
            lines.append(
                f"- A day of 1 % of the interactions added to {size:,}: {day / own:.1%} of the processor time of a full build "
                f"({at['day']['computed']:,} of {at['day']['landmarks']:,} landmarks computed; tables with a row a lead are "
                "validated and written whole)."
            )
        if at.get("dask-one") and at.get("dask-two"):
            faster = at["dask-one"]["seconds"] / at["dask-two"]["seconds"]
            lines.append(f"- Features of {size:,} on two Dask workers against one, by the clock: {faster:.2f} ×.")
    return [*lines, ""]


def _paper(found: Mapping[str, Found]) -> list[str]:
    """What larger sizes would take, from the largest that was measured."""
    size, at = _measured(found)[-1]
    each = cost(at, "partition", size) + cost(at, "features", size)
    looks = at["features"]["landmarks"] / size
    per_lead = _per_lead(at, size)
    lines = [
        "## On paper",
        "",
        f"From {size:,} interactions: {each:.2f} µs of a processor each, {looks:.3f} landmarks each of about 250 columns.",
        "",
        "| interactions | core-hours | buckets of a million | matrix | tables with a row a lead, in memory |",
        "|---|---|---|---|---|",
    ]
    for large in (1_000_000_000, 100_000_000_000):
        leads = large // 50
        lines.append(
            f"| {large:,} | {large * each / MICRO / 3600:,.1f} | {large // 700_000:,} | "
            f"{large * looks * 1000 / 1e12:,.1f} TB | {leads * per_lead / GIB:,.0f} GiB |"
        )
    return [
        *lines,
        "",
        "What breaks first is not the interactions but the tables with a row a lead: one process validates, audits and cuts",
        f"them, at about {per_lead:,.0f} bytes a lead. For a billion interactions that is a machine one can rent; for a",
        "hundred billion there is none, and validation and audit would have to run in buckets too. Next are the bins of the",
        "trees, which one worker holds (`boost: one`), a byte a column and landmark; beyond that they grow on all workers",
        "(`boost: apart`) or on a share of the accounts. Third is the map of leads to buckets, which every worker that cuts",
        "reads whole.",
    ]


def _per_lead(at: Found, size: int) -> float:
    """Bytes in memory for each lead while the tables with a row a lead are validated and cut; 50 interactions a lead."""
    return max(float(at["lean"]["memory"]) - float(at["none"]["memory"]), 0.0) / (size // 50)


def _draw(found: Mapping[str, Found], picture: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    sizes = _measured(found)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4))
    x = [size for size, _ in sizes]
    sort, build = ([cost(at, what, size) for size, at in sizes] for what in ("partition", "features"))
    left.bar([f"{n / 1e6:g} M" for n in x], sort, color="#8fb3d9", label="cut and sort")
    left.bar([f"{n / 1e6:g} M" for n in x], build, bottom=sort, color="#2b6ca3", label="features")
    left.set_ylabel("processor µs an interaction")
    left.set_xlabel("interactions")
    left.legend(frameon=False)
    right.bar(
        [f"{n / 1e6:g} M" for n in x], [max(at["partition"]["memory"], at["features"]["memory"]) / GIB for _, at in sizes]
    )
    right.axhline(4, color="#b03030", linewidth=1)
    right.set_ylabel("most memory, GiB")
    right.set_xlabel("interactions")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, dpi=110)
    plt.close(figure)
