"""Hot reload of what is served: a folder that was written anew is loaded beside the old one and then answers.

A request holds on to the one it began with, so none is dropped or mixed. What cannot be loaded changes nothing, and is said.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from features.common.clock import DAY
from features.common.errors import RipelineError
from features.engine.index import HistoryIndex
from features.engine.scanners import drop_rows
from models.store import load
from serving.api.app import respond, utc_now
from serving.common.json_logging import emit
from serving.schemas.score import EXAMPLE
from serving.scoring.request import read
from serving.scoring.scorer import Scorer
from serving.store.lead_state import lead_states

T = TypeVar("T")
INTERVAL = 2.0  # seconds between two looks


class Reloadable(Generic[T]):
    """What a folder holds, as `load` reads it. `mark` is the file whose change says that the folder was written anew.

    `title` names it in what is said of trouble.
    """

    def __init__(self, title: str, folder: Path, mark: str, load: Callable[[Path], T]) -> None:
        self.title, self.folder, self._mark_file, self._load = title, folder, folder / mark, load
        self.value: T | None = None
        self.trouble = ""
        self._loaded_mark: tuple[int, int, int] | None = None

    def look(self) -> bool:
        """Load what is new; whether there was something."""
        mark = self._mark()
        if mark == self._loaded_mark and (mark is not None or self.trouble):
            return False
        try:
            value = self._load(self.folder)
        except RipelineError as error:
            self._report_trouble(str(error))
            # damaged for good or only half copied: the next look tries again
            return False
        except Exception as error:
            self._report_trouble(f"{self.folder} cannot be loaded ({type(error).__name__}: {error}).")
            return False
        if self._mark() != mark:  # written anew while it was read
            return self.look()
        if self.value is not None:
            emit(f"The {self.title} in {self.folder} was loaded anew.")
        self.value, self._loaded_mark, self.trouble = value, mark, ""
        return True

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            file_stat = os.stat(self._mark_file)
        except OSError:
            return None
        return file_stat.st_mtime_ns, file_stat.st_size, file_stat.st_ino

    def _report_trouble(self, text: str) -> None:
        if text != self.trouble:
            fallback = "" if self.value is None else " The one before goes on."
            emit(f"No {self.title}: {text}{fallback}", "warning")
        self.trouble = text


class FolderWatcher:
    """Looks after things that are kept, in a thread of its own."""

    def __init__(
        self, reloadables: list[Reloadable[Any]], changed: Callable[[], None] = lambda: None, interval: float = INTERVAL
    ) -> None:
        self.reloadables, self._changed, self._interval = reloadables, changed, interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ripeline-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            news = [reloadable.look() for reloadable in self.reloadables]
            if any(news):
                self._changed()


def scorer_of(folder: Path) -> Scorer:
    """A model folder as a scorer that has scored a lead in each lead stage: what is compiled or read at first use is there.

    Raises
    ------
    ModelError
        if the folder holds no usable model.
    """
    scorer = Scorer(load(folder))
    (lead,) = EXAMPLE["leads"]
    stages = scorer.model.funnel.stages[:-1]
    request = {**EXAMPLE, "leads": [{**lead, "lead_id": stage, "lead_stage": stage} for stage in stages]}
    respond(scorer, read(json.dumps(request).encode(), scorer.model.funnel, utc_now()))
    zero = np.zeros(1, np.int64)
    drop_rows(
        HistoryIndex(np.array([0, 1]), zero, zero.astype(np.int32), zero, zero.astype(np.int32)), zero == 0
    )  # a scanner's row
    funnel = scorer.model.funnel
    returns = [(name, (number + 1) * DAY) for number, name in enumerate((*funnel.exits[:1], *funnel.stages[1:]))]
    lead_states([0], [returns], funnel, DAY)  # of one that comes back after an exit
    return scorer
