"""`make follow`: whenever another version gets the alias, its model folder takes the place of the one that is served.

To roll back, move the alias in MLflow to an older version. Serving itself never asks MLflow, and goes on while it is down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from features.common.errors import RipelineError
from models.store import read_manifest
from training.common import tracking
from training.common.progress import terminal
from training.jobs.score import fetch


def follow(
    name: str,
    folder: Path,
    alias: str,
    report: Path | None = None,
    *,
    interval: float = 60.0,
    rounds: int | None = None,
    console: Console | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Poll the alias every so many seconds, `rounds` times, endlessly when None. Trouble is said once, and waited for."""
    console = console or terminal()
    last_message = ""
    finished_rounds = 0
    while rounds is None or finished_rounds < rounds:
        try:
            version = one_round(name, folder, alias, report)
            if version:
                console.print(
                    f"{escape(name)}: the {alias} is run {version} now; it is in {escape(str(folder))}.", highlight=False
                )
            last_message = ""
        except RipelineError as error:
            if str(error) != last_message:
                console.print(f"{escape(str(error))} What is served goes on.", style="yellow", highlight=False)
            last_message = str(error)
        finished_rounds += 1
        if rounds is None or finished_rounds < rounds:
            sleep(interval)


def one_round(name: str, folder: Path, alias: str, report: Path | None) -> str | None:
    """Fetch the version behind the alias where the folder holds another one; its run, or None where nothing was to do.

    Raises
    ------
    ModelError
        if MLflow does not answer, or knows no such model or alias.
    """
    run = tracking.run_behind(name, alias)
    if run[: tracking.SHORT] == _version(folder):
        return None
    fetch(name, folder, alias, report)
    return run[: tracking.SHORT]


def _version(folder: Path) -> str | None:
    try:
        return str(read_manifest(folder)["version"])
    except RipelineError:
        return None
