"""Run pairs and keep what each comes to: a JSON file per task, origin and edition of the code, so a run can be continued."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.pairs.edition import edition
from benchmarks.pairs.judge import Record, judge
from benchmarks.pairs.origins import Origin, prepare_whole, rolling_origins
from benchmarks.pairs.sources import SERVED, open_pair, sources
from benchmarks.pairs.tasks import TASKS, read_task
from features.common.errors import RipelineError
from features.common.files import whole_file
from features.dataset.dataset import Dataset
from training.common.config import Config

JUDGES = (*SERVED, "benchmarks/pairs/judge.py", "benchmarks/pairs/raw.py", "benchmarks/peers")


@dataclass(frozen=True)
class Selection:
    """What is to be run: tasks by name, origins by number (none: all), peers by name; of the leads only the newest `rows`."""

    data: Path
    cache: Path
    tasks: tuple[str, ...]
    origins: tuple[int, ...]
    peers: tuple[str, ...]
    rows: int | None = None

    def folder(self, origin: Origin) -> Path:
        """Where all of a pair is kept."""
        suffix = f"@{self.rows}" if self.rows else ""
        return self.cache / f"{origin.task.name}{suffix}" / str(origin.number)


def run(selection: Selection, jobs: int) -> list[Record]:
    """Records of all pairs selected, from disk where they are of this edition."""
    if jobs <= 1:
        return [record for name in selection.tasks for record in run_task(selection, name)]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        records_by_task = pool.map(run_task, [selection] * len(selection.tasks), selection.tasks)
        return [record for records in records_by_task for record in records]


def run_task(selection: Selection, name: str) -> list[Record]:
    """The records of one task, those of the oldest origin first."""
    task_records = _saved_task_records(selection, name)
    if task_records is not None:
        return task_records
    task_data = read_task(TASKS[name], selection.data, selection.cache, selection.rows)
    if task_data is None:
        return []
    config, dataset = task_data
    records = []
    for origin in origins_of(name, config, dataset, selection.origins):
        path = _path(selection, origin)
        if not _covers(path, selection.peers):
            path.parent.mkdir(parents=True, exist_ok=True)
            began = time.perf_counter()
            record = _record(dataset, config, origin, selection)
            with whole_file(path) as partial:
                partial.write_text(json.dumps(record, indent=1), encoding="utf-8")
            print(_line(record, time.perf_counter() - began), flush=True)
        records.append(_read(path))
    return records


def origins_of(name: str, config: Config, dataset: Dataset, numbers: Sequence[int]) -> Iterator[Origin]:
    """The origins of a task with these numbers; all where none is named."""
    for origin in rolling_origins(TASKS[name], prepare_whole(dataset, config)):
        if not numbers or origin.number in numbers:
            yield origin


def _record(dataset: Dataset, config: Config, origin: Origin, selection: Selection) -> Record:
    """What a pair comes to; where the product refuses to train, what it says."""
    record: Record = {
        "task": origin.task.name,
        "origin": origin.number,
        "moment": origin.moment,
        "peers": list(selection.peers),
    }
    try:
        pair = open_pair(dataset, config, origin, selection.folder(origin))
        forecasts = sources(pair, selection.peers)
    except RipelineError as error:
        return {**record, "refused": str(error), "questions": []}
    return {**record, "dated": pair.prepared.dated, "questions": judge(pair, forecasts)}


def _path(selection: Selection, origin: Origin) -> Path:
    return selection.folder(origin) / f"result-{edition(JUDGES)}-{origin.task.edition}.json"


def _covers(path: Path, peers: Sequence[str]) -> bool:
    return path.is_file() and set(peers) <= set(_read(path)["peers"])


def saved_records(selection: Selection) -> list[Record]:
    """The records that are on disk, of this edition and with any peers; nothing is run."""
    return [_read(path) for name in selection.tasks for path in _paths(selection, name) if path.is_file()]


def _saved_task_records(selection: Selection, name: str) -> list[Record] | None:
    """The records of a task without reading its data, where all of them are on disk."""
    paths = _paths(selection, name)
    return [_read(path) for path in paths] if all(_covers(path, selection.peers) for path in paths) else None


def _paths(selection: Selection, name: str) -> list[Path]:
    numbers = selection.origins or tuple(range(1, len(TASKS[name].origins) + 1))
    return [_path(selection, Origin(TASKS[name], number, 0, 0)) for number in numbers]


def _read(path: Path) -> Record:
    record: Record = json.loads(path.read_text(encoding="utf-8"))
    return record


def _line(record: Record, seconds: float) -> str:
    """What is said while a long run goes on."""
    begin = f"{record['task']}/{record['origin']} ({seconds:.0f} s)"
    if "refused" in record:
        return f"{begin}: refused: {record['refused']}"
    questions = []
    for q in record["questions"]:
        loss = {name: s["metrics"]["log_loss"] for name, s in q["sources"].items()}
        best = min(loss, key=lambda name: loss[name])
        questions.append(f"{q['target']} {loss['model']:.4f}, best {best} {loss[best]:.4f}")
    return f"{begin}: {'; '.join(questions) or 'nothing can be judged'}"
