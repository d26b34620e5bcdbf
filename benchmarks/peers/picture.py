"""The picture: by how much the model's log loss differs from each peer's, a panel per question."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.peers.measure import Question
from training.evaluation.gate import Difference

mpl.use("Agg")

COLOURS = {"better": "#1b7837", "tied": "#7f7f7f", "worse": "#b2182b"}
ACROSS = 3
REACH = 0.75  # the quantile of all intervals' far ends that a panel's scale reaches; what lies beyond is written at its edge


def plot_forest(questions: Sequence[Question], path: Path) -> None:
    """A forest plot: points are differences, bars their 90 % intervals; left of the line the model is better."""
    names = sources(questions)
    down = -(-len(questions) // ACROSS)
    figure = Figure(figsize=(5 * ACROSS, down * (1.2 + 0.27 * len(names))), layout="constrained")
    every = np.atleast_2d(figure.subplots(down, ACROSS, sharey=True, squeeze=False))
    for axes, question in zip(every.flat, questions, strict=False):
        _panel(axes, question, names)
    for axes in every.flat[len(questions) :]:
        axes.set_visible(False)
    handles = [every.flat[0].plot([], [], "o-", color=c, label=f"model {verdict}")[0] for verdict, c in COLOURS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False)
    figure.supxlabel("log loss of the model minus that of the peer, 90 % interval over accounts and weeks", fontsize=11)
    figure.savefig(path, dpi=110)


def sources(questions: Sequence[Question]) -> list[str]:
    """Every source that was compared with the model, in order of first appearance where it has most."""
    longest = max(questions, key=lambda q: len(q.lines))
    return [name for name, line in longest.lines.items() if line.against]


def _panel(axes: Axes, question: Question, names: Sequence[str]) -> None:
    found = {n: line.against for n in names if (line := question.lines.get(n)) and line.against}
    scale = float(np.quantile([max(abs(d.low), abs(d.high)) for d in found.values()], REACH)) * 1.1 or 1.0
    axes.axvline(0, color="black", linewidth=0.8)
    for place, name in enumerate(names):
        if name in found:
            _bar(axes, place, found[name], scale)
    metrics = question.lines["model"].metrics
    axes.set_title(f"{question.title}: {metrics['rows']:,.0f} landmarks, {metrics['base_rate']:.1%} came true", fontsize=10)
    axes.set(xlim=(-scale, scale), ylim=(len(names) - 0.5, -0.5))
    axes.set_yticks(range(len(names)), names, fontsize=9)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", linewidth=0.3)


def _bar(axes: Axes, place: int, found: Difference, scale: float) -> None:
    """One peer; where its point lies beyond the scale, an arrow at the edge and the number."""
    colour = COLOURS[found.verdict]
    if abs(found.mean) < scale:
        axes.plot(np.clip([found.low, found.high], -scale, scale), [place, place], color=colour, linewidth=1.6)
        axes.plot(found.mean, place, "o", color=colour, markersize=5)
        return
    side = np.sign(found.mean)
    axes.plot(side * scale * 0.97, place, "<" if side < 0 else ">", color=colour, markersize=6)
    text = f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
    axes.text(side * scale * 0.92, place, text, color=colour, fontsize=8, va="center", ha="left" if side < 0 else "right")
