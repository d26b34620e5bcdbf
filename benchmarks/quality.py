"""Train every task at every origin, as it could be known then, and compare the served model with rules and peers afterwards.

`make bench-quality [DATA=folder] [TASKS="olist bank"] [ORIGINS="1 3"] [PEERS="blend CatBoost"] [JOBS=1]` writes
docs/benchmarks/quality.md and quality.png. What a pair comes to is kept under artefacts/pairs, so a long run can be continued.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.pairs.edition import edition
from benchmarks.pairs.judge import Record
from benchmarks.pairs.options import add_options, selection_of
from benchmarks.pairs.page import in_words, page, wins
from benchmarks.pairs.picture import plot_pairs
from benchmarks.pairs.run import run, saved_records
from benchmarks.pairs.table import questions
from benchmarks.pairs.tasks import ROOT, TASKS
from benchmarks.peers.fits import PEERS

OUT = ROOT / "docs" / "benchmarks" / "quality.md"
LIBRARIES = ("scikit-learn", "lightgbm", "catboost", "interpret-core", "flaml", "xgboost", "xgboost-cpu", "leadforge")


def about_run(records: Sequence[Record]) -> str:
    """When, where and with what the page was made, how many of all pairs it has, and which tasks are missing."""
    circumstances = (
        f"{time.strftime('%Y-%m-%d')} ({platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    versions = ", ".join(f"{name} {installed}" for name in LIBRARIES if (installed := _version(name)))
    missing = [name for name in TASKS if name not in {r["task"] for r in records}]
    rest = f" Without {', '.join(missing)}." if missing else ""
    every = sum(len(task.origins) for task in TASKS.values())
    code = f"{versions}), code {edition()}"
    return f"Written by `make bench-quality` on {circumstances}, {code}. {len(records)} of {every} pairs.{rest}"


def _version(name: str) -> str | None:
    """The version of a library; XGBoost goes by one of two names."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def main() -> None:
    """Run what is not kept yet, print and write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_options(parser)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS, metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("--jobs", type=int, default=1, help="processes, a task each")
    parser.add_argument("--kept", action="store_true", help="run nothing: a page of what is kept so far")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    selection = selection_of(arguments, tuple(arguments.peers))
    records = saved_records(selection) if arguments.kept else run(selection, arguments.jobs)
    judged = questions(records)
    if not judged:
        raise SystemExit(
            f"Nothing could be judged: of {', '.join(arguments.tasks)} there is no data in {arguments.data}, or no training."
        )
    head, *rows = wins(judged)
    table = Table(*head, title="The served model, judged by what came after each origin")
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table, *in_words(judged), sep="\n", highlight=False)
    out: Path = arguments.out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    plot_pairs(judged, out.with_suffix(".png"))
    out.write_text(page(records, about_run(records), out.with_suffix(".png").name), encoding="utf-8")
    print(f"Written to {out} and {out.with_suffix('.png')}.")


if __name__ == "__main__":
    main()
