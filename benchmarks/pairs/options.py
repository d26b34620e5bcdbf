"""The options that both commands on pairs take."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.pairs.run import Selection
from benchmarks.pairs.tasks import ROOT, TASKS
from benchmarks.peers.fits import PEERS

CACHE = ROOT / "artefacts" / "pairs"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Which data, tasks and origins, and where results are kept."""
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with one folder per data set"
    )
    parser.add_argument("--cache", type=Path, default=CACHE, help="where results and examples are kept, to be continued")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS), metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--origins", nargs="*", type=int, default=[], help="their numbers, from 1 on; all")
    parser.add_argument("--rows", type=int, help="only so many of the newest leads of each task: a quick look")


def selection_of(arguments: argparse.Namespace, peers: tuple[str, ...] = PEERS) -> Selection:
    """What the options say."""
    data, cache = arguments.data.resolve(), arguments.cache.resolve()
    return Selection(data, cache, tuple(arguments.tasks), tuple(arguments.origins), peers, arguments.rows)
