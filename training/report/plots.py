"""Plots that a run carries: do the probabilities come true, and how many customers are caught at which capacity?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from models.common.types import Flags, Floats
from training.evaluation.evaluate import CAPACITIES, capacity_curve, equal_bins, reliability
from training.evaluation.segments import band

mpl.use("Agg")

COLOURS = {"model": "#1b7837", "rules": "#e08214", "logistic": "#7f7f7f", "lightgbm-default": "#9e9ac8"}


def plot_reliability(
    y: Flags, probabilities: Mapping[str, Floats], account: npt.NDArray[np.int64], title: str, path: Path
) -> None:
    """Share that came true against probability said, ten equal-sized groups, for each source of probabilities (n,).

    Bars are 95 % bands of the share, counting accounts rather than rows.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot()
    top = 0.0
    for name, p in probabilities.items():
        curve = reliability(y, p)
        top = max(top, float(curve.mean_probability.max()), float(curve.observed_rate.max()))
        bands = np.array([band(y[rows], account[rows]) for rows in equal_bins(p)]).T
        top = max(top, float(bands.max()))
        reach = np.abs(bands - curve.observed_rate)
        axes.errorbar(
            curve.mean_probability,
            curve.observed_rate,
            reach,
            fmt="o-",
            color=COLOURS.get(name),
            label=name,
            markersize=4,
            elinewidth=1,
        )
    axes.plot([0, top], [0, top], color="black", linewidth=0.8, linestyle="--", label="comes true as said")
    axes.set(xlabel="probability said", ylabel="share that came true", title=title)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def plot_capacity(y: Flags, probabilities: Mapping[str, Floats], title: str, path: Path) -> None:
    """Share of all later conversions caught when sales takes the top 1 … 50 % of leads."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.add_subplot()
    for name, p in probabilities.items():
        curve = capacity_curve(y, p)
        axes.plot(list(curve), [100 * v for v in curve.values()], "o-", color=COLOURS.get(name), label=name, markersize=4)
    axes.plot(CAPACITIES, CAPACITIES, color="black", linewidth=0.8, linestyle="--", label="at random")
    axes.set(xlabel="leads that sales takes, %", ylabel="conversions caught, %", title=title, ylim=(0, 100))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
