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
from benchmarks.pairs.run import Wanted, origins_of
from benchmarks.pairs.sources import Pair, Said, open_pair
from benchmarks.pairs.tasks import TASKS, Task, read_task
from features.common.errors import RipelineError
from features.common.files import whole_file
from models.common.types import Examples, Flags, Matrix
from training.data.prepare import Prepared
from training.evaluation.holdout import sides

FEATURES = ("features", "connectors/files", "models/rules", "training/data", "benchmarks/pairs/origins.py",
            "benchmarks/pairs/cases.py")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """Landmarks (m) of one transition after the origin: `x` as the model sees them, what became of them, and their `place`
    among all that the sources of the pair were asked about."""

    x: Matrix
    y: Flags
    as_of: npt.NDArray[np.int64]
    account: npt.NDArray[np.int64]
    stage: npt.NDArray[np.int32]
    place: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Unripe:
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
    pair were asked about. `known`: all landmarks before the origin, if asked for.
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
    unripe: Unripe
    asked: Asked
    landmarks: int
    folder: Path
    known: Prepared | None = None

    @property
    def title(self) -> str:
        return f"{self.task}/{self.origin} {self.name}"

    def peers(self) -> dict[str, npt.NDArray[np.float64]]:
        """P(target | before) (m,) as peers were last found to say of these landmarks, by name, as far as they are kept."""
        found = {}
        for path in sorted(self.folder.glob("peers/*.npz"), key=lambda path: path.stat().st_mtime):
            said = Said.read(path)
            if len(said.conditional) == self.landmarks:
                found[path.stem.rpartition("-")[0].replace("-", " ")] = said.conditional[self.asked.place, self.target]
        return found


def cases(wanted: Wanted, *, whole: bool = False) -> Iterator[Case]:
    """All cases of the tasks and origins wanted, made where they are not on disk; with `whole` all are, and have `known`."""
    for name in wanted.tasks:
        task = TASKS[name]
        numbers = wanted.origins or tuple(range(1, len(task.origins) + 1))
        kept = {number: [] if whole else _kept(task, wanted.folder(Origin(task, number, 0, 0))) for number in numbers}
        for path in (path for paths in kept.values() for path in paths):
            yield read_case(path)
        missing = [number for number, paths in kept.items() if not paths]
        for pair in _pairs(wanted, name, missing) if missing else ():
            for path in write_cases(pair):
                yield replace(read_case(path), known=pair.known if whole else None)


def _kept(task: Task, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"case-*-{edition(FEATURES)}-{task.edition}.npz"))


def _pairs(wanted: Wanted, name: str, numbers: list[int]) -> Iterator[Pair]:
    """The pairs of a task at these origins; those whose data are refused are told."""
    read = read_task(TASKS[name], wanted.data, wanted.cache, wanted.rows)
    if read is None:
        return
    config, dataset = read
    for origin in origins_of(name, config, dataset, numbers):
        try:
            pair = open_pair(dataset, config, origin, wanted.folder(origin))
            sides(pair.known, config.test_share)
        except RipelineError as error:
            print(f"{origin.name}: refused: {error}")
        else:
            yield pair


def write_cases(pair: Pair) -> list[Path]:
    """Keep each transition of a pair."""
    cut = sides(pair.known, pair.config.test_share)
    return [write_case(pair, target, cut) for target in range(len(pair.known.funnel.targets))]


def write_case(pair: Pair, target: int, cut: tuple[int, Flags, npt.NDArray[np.intp]]) -> Path:
    """Keep one transition of a pair; `cut` as `training.evaluation.holdout.sides` gives it."""
    known, after = pair.known, pair.later
    at_origin, every = known.labels(known.extracted_at), np.ones(len(known.looks), bool)
    use, examples = known.usable(target, at_origin, every), known.examples(target, at_origin, every)
    early = np.isin(use, known.usable(target, known.labels(cut[0]), cut[1]))
    looks = known.looks
    unripe = np.flatnonzero((looks.stage == target) & (known.deadline[:, target] > known.extracted_at))
    reached = known.path.reached[looks.lead[unripe], target + 1] <= known.extracted_at
    exited = (known.path.exited_at[looks.lead[unripe]] <= known.extracted_at) & ~reached
    place = after.usable(target)
    rows = after.rows[place]
    arrays = {f"train_{f.name}": getattr(examples, f.name) for f in fields(Examples) if f.name not in ("points", "pooled")}
    arrays |= {"stage": looks.stage[use], "early": early}
    arrays |= {"unripe_x": known.x(unripe), "unripe_as_of": looks.as_of[unripe], "unripe_account": known.account[unripe]}
    arrays |= {"unripe_reached": reached, "unripe_exited": exited}
    arrays |= {"asked_x": after.prepared.x(rows), "asked_y": after.labels.reached[place, target], "asked_place": place}
    arrays |= {"asked_as_of": after.as_of[place], "asked_account": after.account[place], "asked_stage": after.stage[place]}
    about = [pair.origin.task.name, str(pair.origin.number), str(target), known.funnel.targets[target]]
    about += [str(known.extracted_at), str(int(known.dated)), str(known.width), str(len(after.rows))]
    path = pair.folder / f"case-{target}-{edition(FEATURES)}-{pair.origin.task.edition}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("wb") as file:
        np.savez(file, about=np.array(about), **arrays)
    return path


def read_case(path: Path) -> Case:
    """A case as it was kept."""
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept.files}
    task, number, target, name, known_at, dated, points, landmarks = arrays.pop("about").tolist()

    def part(prefix: str) -> dict[str, Any]:
        return {n.removeprefix(prefix): v for n, v in arrays.items() if n.startswith(prefix)}

    return Case(
        task, int(number), int(target), name, int(known_at), bool(int(dated)),
        Examples(**part("train_"), points=int(points)),
        arrays["stage"], arrays["early"],
        Unripe(**part("unripe_")),
        Asked(**part("asked_")),
        int(landmarks),
        path.parent,
    )  # fmt: skip
