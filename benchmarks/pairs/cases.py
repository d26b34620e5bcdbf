"""Cases: the examples of one transition of a pair, as our learning gets them, kept on disk as arrays.

Making them takes most of the time of a pair and none of it is learning. Kept, an idea is judged on all pairs in minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.pairs.edition import edition
from benchmarks.pairs.origins import Origin
from benchmarks.pairs.run import Selection, origins_of
from benchmarks.pairs.sources import Forecast, Pair, open_pair
from benchmarks.pairs.tasks import TASKS, Task, read_task
from features.common.errors import RipelineError
from features.common.files import whole_file
from models.common.types import Examples, Flags, Matrix
from training.data.prepare import Prepared
from training.evaluation.holdout import sides

FEATURES = ("features", "connectors/files", "models/rules", "training/data", "benchmarks/pairs/origins.py",
            "benchmarks/pairs/cases.py")  # fmt: skip


@dataclass(frozen=True)
class JudgedLandmarks:
    """Landmarks (m) of one transition after the origin: `x` as the model sees them, what became of them, and their `place`
    among all that the sources of the pair were asked about."""

    x: Matrix
    y: Flags
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    stage: npt.NDArray[np.int32]
    place: npt.NDArray[np.intp]


@dataclass(frozen=True)
class UnripeLandmarks:
    """Landmarks (k) before the origin whose outcome was not known by then: reached already, left already, or still open."""

    x: Matrix
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    reached: Flags
    exited: Flags


@dataclass(frozen=True)
class Case:
    """One transition of a pair. `train`: all examples whose outcome was known at the origin, n of them, with the lead stage
    `stage` (n,); `early` (n,) are those that a training learns from at its own cut. `landmarks`: how many the sources of the
    pair were asked about. `prepared`: all landmarks before the origin, with `whole` only.
    """

    task: str
    origin: int
    target: int
    name: str
    known_at: int
    dated: bool
    train: Examples
    stage: npt.NDArray[np.int32]
    early: Flags
    unripe: UnripeLandmarks
    judged: JudgedLandmarks
    landmarks: int
    folder: Path
    prepared: Prepared | None = None

    @property
    def title(self) -> str:
        return f"{self.task}/{self.origin} {self.name}"

    def peers(self) -> dict[str, npt.NDArray[np.float64]]:
        """P(target | before) (m,) as peers last said of these landmarks, by name, as far as it is on disk."""
        probabilities = {}
        for path in sorted(self.folder.glob("peers/*.npz"), key=lambda path: path.stat().st_mtime):
            forecast = Forecast.read(path)
            if len(forecast.conditional) == self.landmarks:
                probabilities[path.stem.rpartition("-")[0].replace("-", " ")] = forecast.conditional[
                    self.judged.place, self.target
                ]
        return probabilities


def cases(selection: Selection, *, all_landmarks: bool = False) -> Iterator[Case]:
    """All cases of the tasks and origins selected, made where they are not on disk; with `all_landmarks` all are made,
    with `prepared`."""
    for name in selection.tasks:
        task = TASKS[name]
        numbers = selection.origins or tuple(range(1, len(task.origins) + 1))
        paths_of = {
            number: [] if all_landmarks else _case_paths(task, selection.folder(Origin(task, number, 0, 0)))
            for number in numbers
        }
        for path in (path for paths in paths_of.values() for path in paths):
            yield read_case(path)
        missing = [number for number, paths in paths_of.items() if not paths]
        for pair in _pairs(selection, name, missing) if missing else ():
            for path in write_cases(pair):
                yield replace(read_case(path), prepared=pair.prepared if all_landmarks else None)


def _case_paths(task: Task, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"case-*-{edition(FEATURES)}-{task.edition}.npz"))


def _pairs(selection: Selection, name: str, numbers: list[int]) -> Iterator[Pair]:
    """The pairs of a task at these origins; those whose data are refused are told."""
    task_data = read_task(TASKS[name], selection.data, selection.cache, selection.rows)
    if task_data is None:
        return
    config, dataset = task_data
    for origin in origins_of(name, config, dataset, numbers):
        try:
            pair = open_pair(dataset, config, origin, selection.folder(origin))
            sides(pair.prepared, config.test_share)
        except RipelineError as error:
            print(f"{origin.name}: refused: {error}")
        else:
            yield pair


def write_cases(pair: Pair) -> list[Path]:
    """Keep each transition of a pair."""
    cut = sides(pair.prepared, pair.config.test_share)
    return [write_case(pair, target, cut) for target in range(len(pair.prepared.funnel.targets))]


def write_case(pair: Pair, target: int, cut: tuple[int, Flags, npt.NDArray[np.intp]]) -> Path:
    """Keep one transition of a pair; `cut` as `training.evaluation.holdout.sides` gives it."""
    prepared, later = pair.prepared, pair.later
    labels, every_landmark = prepared.labels(prepared.extracted_at), np.ones(len(prepared.looks), bool)
    train_rows, examples = prepared.usable(target, labels, every_landmark), prepared.examples(target, labels, every_landmark)
    early = np.isin(train_rows, prepared.usable(target, prepared.labels(cut[0]), cut[1]))
    looks = prepared.looks
    unripe = np.flatnonzero((looks.stage == target) & (prepared.deadline[:, target] > prepared.extracted_at))
    reached = prepared.path.reached[prepared.spell[unripe], target + 1] <= prepared.extracted_at
    exited = (prepared.path.exited_at[prepared.spell[unripe]] <= prepared.extracted_at) & ~reached
    place = later.usable(target)
    rows = later.rows[place]
    columns = [f.name for f in fields(Examples) if f.name not in ("points", "pooled")]
    arrays = {f"train_{name}": getattr(examples, name) for name in columns if getattr(examples, name) is not None}
    arrays |= {"stage": looks.stage[train_rows], "early": early}
    arrays |= {"unripe_x": prepared.x(unripe), "unripe_as_of": looks.as_of[unripe], "unripe_account": prepared.account[unripe]}
    arrays |= {"unripe_reached": reached, "unripe_exited": exited}
    arrays |= {"judged_x": later.prepared.x(rows), "judged_y": later.labels.reached[place, target], "judged_place": place}
    arrays |= {"judged_as_of": later.as_of[place], "judged_account": later.account[place], "judged_stage": later.stage[place]}
    about = [pair.origin.task.name, str(pair.origin.number), str(target), prepared.funnel.targets[target]]
    about += [str(prepared.extracted_at), str(int(prepared.dated)), str(prepared.width), str(len(later.rows))]
    path = pair.folder / f"case-{target}-{edition(FEATURES)}-{pair.origin.task.edition}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, about=np.array(about), **arrays)
    return path


def read_case(path: Path) -> Case:
    """A case as it was kept."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    task, number, target, name, known_at, dated, points, landmarks = arrays.pop("about").tolist()

    def arrays_of(prefix: str) -> dict[str, Any]:
        return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}

    return Case(
        task, int(number), int(target), name, int(known_at), bool(int(dated)),
        Examples(**arrays_of("train_"), points=int(points)),
        arrays["stage"], arrays["early"],
        UnripeLandmarks(**arrays_of("unripe_")),
        JudgedLandmarks(**arrays_of("judged_")),
        int(landmarks),
        path.parent,
    )  # fmt: skip
