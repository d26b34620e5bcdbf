"""The page and the picture of `benchmarks.clients`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

COLOURS = {"with": "#1b7837", "without": "#5e3c99", "rules": "#e08214"}
LABELS = {"with": "model, pooled prior where it helps", "without": "model without", "rules": "rules, calibrated"}
T90 = 1.645
RESAMPLES = 4_000


class DrawResult(Protocol):
    """One draw of leads of one business, as `benchmarks.clients` makes it."""

    @property
    def variety(self) -> float: ...
    @property
    def leads(self) -> int: ...
    @property
    def business(self) -> int: ...
    @property
    def target(self) -> str: ...
    @property
    def outcomes(self) -> int: ...
    @property
    def used(self) -> bool: ...
    @property
    def losses(self) -> tuple[float, ...]: ...


def gain(results: Sequence[DrawResult]) -> tuple[float, float, float]:
    """By how much the log loss is lower with the prior: mean and 90 % interval, businesses drawn with replacement, then draws
    within them."""
    by = {b: np.array([t.losses[1] - t.losses[0] for t in results if t.business == b]) for b in {t.business for t in results}}
    random, means = np.random.default_rng(7), []
    for _ in range(RESAMPLES):
        drawn = random.choice(sorted(by), len(by))
        means.append(np.mean([random.choice(by[b], len(by[b])).mean() for b in drawn]))
    low, high = np.quantile(means, [0.05, 0.95])
    return float(np.mean([values.mean() for values in by.values()])), float(low), float(high)


def groups(results: Sequence[DrawResult]) -> list[tuple[float, str, int, list[DrawResult]]]:
    """All draws of one variety, transition and size, in this order."""
    keys = sorted({(t.variety, t.target, t.leads) for t in results}, key=lambda k: (k[0], k[1] != "mql", k[2]))
    return [(*key, [t for t in results if (t.variety, t.target, t.leads) == key]) for key in keys]


def table(results: Sequence[DrawResult]) -> list[str]:
    """Lines of Markdown."""
    lines = [
        "| differ by | transition | leads | rarer outcomes | draws | prior used | with | without | rules | gain (90 %) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for variety, target, leads, group in groups(results):
        with_, without, rules = np.mean([t.losses for t in group], axis=0)
        mean, low, high = gain(group)
        used = np.mean([t.used for t in group])
        outcomes = np.median([t.outcomes for t in group])
        lines.append(
            f"| {variety} | {target} | {leads:,} | {outcomes:.0f} | {len(group)} | {used:.0%} | {with_:.4f} | {without:.4f} "
            f"| {rules:.4f} | {mean:+.4f} ({low:+.4f} to {high:+.4f}) |"
        )
    return lines


def plot(results: Sequence[DrawResult], path: Path) -> None:
    """One panel per transition and variety: log loss against leads."""
    panels = list(dict.fromkeys((variety, target) for variety, target, _, _ in groups(results)))
    columns = len({target for _, target in panels})
    rows = len(panels) // columns
    figure = Figure(figsize=(5.2 * columns, 3.6 * rows), layout="constrained")
    for place, (variety, target) in enumerate(panels, start=1):
        axes = figure.add_subplot(rows, columns, place)
        panel = [(leads, group) for v, t, leads, group in groups(results) if (v, t) == (variety, target)]
        at = range(len(panel))
        for way, (name, colour) in enumerate(COLOURS.items()):
            values = [float(np.mean([t.losses[way] for t in group])) for _, group in panel]
            axes.plot(at, values, "o-" if way < 2 else "o:", color=colour, label=LABELS[name], markersize=4)
        axes.set(title=f"{target}; businesses differ by {variety}", xlabel="leads", ylabel="log loss on later leads")
        axes.set_xticks(list(at), [f"{leads:,}" for leads, _ in panel])
        axes.spines[["top", "right"]].set_visible(False)
        if place == 1:
            axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=110)


def page(results: Sequence[DrawResult], intro: str, conditions: str) -> str:
    """The page in Markdown: `intro` says what was done, `conditions` with what."""
    return "\n".join(
        [
            "# A pooled prior for businesses with little data",
            "",
            "`make bench-clients` regenerates this page and its picture. [How a pool works](../agencies.md).",
            "",
            intro,
            "",
            "![Log loss against leads](../pictures/clients.png)",
            "",
            *table(results),
            "",
            conditions,
            "",
        ]
    )
