"""Judge ways of learning on all pairs in minutes: only the learning runs, on examples that are kept on disk.

    python -m benchmarks.pairs.learn --prepare                          make and keep the examples of all pairs
    python -m benchmarks.pairs.learn present anew mine:fading           fit each way to each case, compare with the first
    python -m benchmarks.pairs.learn present mine:fading --tasks olist bank --origins 2 3 --out result.json

A way is a function `Case → Conditional`: one of `benchmarks.pairs.ways` by its name, or `module:function`. A case is one
transition of a pair: what was known at the origin, and the later landmarks that the way is judged by. Differences are judged as
on the benchmark's page, by the crossed bootstrap. Beside them stands what was last found for the peers on the same landmarks,
if `make bench-quality` was run with the same cache. `present` learns from ripe landmarks alone; ways that learn from a whole
funnel, unripe landmarks among it, need --whole, which makes all features anew.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.pairs.cases import Case, cases
from benchmarks.pairs.options import add_options, selection_of
from benchmarks.peers.crossed import differences, losses, weeks
from benchmarks.peers.fits import BLEND, LOGISTIC, REGULARISED
from models.calibration.chain import Conditional
from models.common.types import Floats, logit, sigmoid

Way = Callable[[Case], Conditional]
Record = dict[str, Any]

FEWEST = 30  # landmarks, or a case is not judged


def way(name: str) -> Way:
    """A way of learning by its name."""
    module, _, function = name.rpartition(":")
    learn: Way = getattr(importlib.import_module(module or "benchmarks.pairs.ways"), function)
    return learn


def evaluate(ways: Mapping[str, Way], judged_cases: Iterable[Case]) -> list[Record]:
    """A record per case that enough landmarks tell about: log loss of each way and of peers, differences from the first way."""
    records = []
    for case in judged_cases:
        y = case.judged.y
        if len(y) < FEWEST or y.all() or not y.any() or not len(case.train):
            continue
        probabilities, seconds = {}, {}
        for name, learn in ways.items():
            began = time.perf_counter()
            probabilities[name] = learn(case).probability(case.judged.x)
            seconds[name] = round(time.perf_counter() - began, 2)
        records.append({**_record(case, probabilities), "seconds": seconds})
        print(f"{case.title}: " + ", ".join(f"{n} {v:.4f}" for n, v in records[-1]["loss"].items() if n in ways), flush=True)
    return records


def _record(case: Case, probabilities: Mapping[str, Floats]) -> Record:
    first = next(iter(probabilities))
    peers = case.peers()
    if LOGISTIC in peers and REGULARISED in peers:
        peers[BLEND] = sigmoid(0.5 * logit(peers[LOGISTIC]) + 0.5 * logit(peers[REGULARISED]))
    each = {name: losses(case.judged.y, p) for name, p in {**probabilities, **peers}.items()}
    groups = (case.judged.account, weeks(case.judged.as_of, case.dated))
    others = [name for name in each if name != first]
    against = differences(np.column_stack([each[n] - each[first] for n in others]), groups) if others else []
    return {
        "case": case.title,
        "task": case.task,
        "rows": len(case.judged.y),
        "loss": {name: float(loss.mean()) for name, loss in each.items()},
        "verdict": {name: d.verdict for name, d in zip(others, against, strict=True)},
        "peers": list(peers),
    }


def summary(records: Sequence[Record], ways: Sequence[str]) -> Table:
    """Per way: how often it is better, tied, worse than the first beyond doubt; by how much of the loss on average: over cases,
    over tasks, and at worst when any one task is left out; and its regret against the best peer that is kept.
    """
    first = ways[0]
    table = Table("way", f"better / tied / worse than {first}", "mean of cases", "mean of tasks", "worst without one task",
                  "mean, worst regret")  # fmt: skip
    for name in ways:
        verdicts = [r["verdict"].get(name, "tied") for r in records]
        counts = " / ".join(str(verdicts.count(v)) for v in ("better", "tied", "worse"))
        change = np.array([r["loss"][name] / r["loss"][first] - 1 for r in records])
        tasks = np.array([r["task"] for r in records])
        by_task = np.array([change[tasks == task].mean() for task in np.unique(tasks)])
        without = [np.delete(by_task, i).mean() for i in range(len(by_task))] if len(by_task) > 1 else [by_task.mean()]
        best = [min((r["loss"][peer] for peer in r["peers"]), default=np.nan) for r in records]
        regret = np.array([r["loss"][name] / b - 1 for r, b in zip(records, best, strict=True)])
        regret = regret[~np.isnan(regret)]
        words = f"{regret.mean():+.2%}, {regret.max():+.2%}" if len(regret) else "–"
        table.add_row(name, counts, f"{change.mean():+.2%}", f"{by_task.mean():+.2%}", f"{max(without):+.2%}", words)
    return table


def main() -> None:
    """Prepare, or judge and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", default=["present", "anew"])
    parser.add_argument("--prepare", action="store_true", help="make the examples and learn nothing")
    parser.add_argument("--whole", action="store_true", help="give ways all landmarks before the origin, not only the examples")
    parser.add_argument("--out", type=Path, help="JSON file of all records")
    add_options(parser)
    arguments = parser.parse_args()
    judged_cases = cases(selection_of(arguments), all_landmarks=arguments.whole)
    if arguments.prepare:
        for case in judged_cases:
            print(f"{case.title}: {len(case.train):,} examples, {len(case.judged.y):,} asked about")
        return
    records = evaluate({name: way(name) for name in arguments.ways}, judged_cases)
    if arguments.out:
        arguments.out.write_text(json.dumps(records, indent=1), encoding="utf-8")
    if records:
        Console(width=150).print(summary(records, arguments.ways))


if __name__ == "__main__":
    main()
