"""The picture: a row per question, a column per source, and how far the model's log loss lies from that source's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from benchmarks.pairs.sources import MODEL
from benchmarks.pairs.table import Question, peers_of

mpl.use("Agg")

REACH = 0.1  # the colours end at a tenth of the source's log loss
SIGNS = {"better": "+", "worse": "−", "tied": "", "": ""}


def plot_pairs(judged: Sequence[Question], path: Path) -> None:
    """A heat map: green where the model is better, red where it is worse, with a sign where that is beyond doubt."""
    names = peers_of(judged)
    change = np.array([[q.loss[MODEL] / q.loss[name] - 1 if name in q.loss else np.nan for name in names] for q in judged])
    figure = Figure(figsize=(2.6 + 0.75 * len(names), 1.8 + 0.22 * len(judged)), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(np.clip(change, -REACH, REACH), cmap="RdYlGn_r", vmin=-REACH, vmax=REACH, aspect="auto")
    for row, q in enumerate(judged):
        for column, name in enumerate(names):
            axes.text(column, row, SIGNS[q.verdict(name)], ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="left", fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(judged)), [q.title for q in judged], fontsize=8)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.5, ticks=[-REACH, 0, REACH])
    bar.ax.set_yticklabels([f"−{REACH:.0%} or less", "same", f"+{REACH:.0%} or more"])
    figure.supxlabel("log loss of the model against that source's; + better, − worse beyond doubt (90 %)", fontsize=9)
    figure.savefig(path, dpi=110)
