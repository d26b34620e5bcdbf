"""Features beyond memory: sizes against each other, polars and DuckDB, a day against everything, two workers against one.

`make bench-scale [SIZES=1000000,10000000,100000000]`. Every measurement runs in processes of its own, whose memory is watched.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.features import TYPES
from features.buckets.manifest import Manifest
from features.buckets.matrix import Store
from features.buckets.memory import Budget
from features.buckets.partition import add, partition
from features.buckets.place import Place
from features.buckets.raw import Raw
from features.buckets.rows import Building, build_bucket
from features.buckets.spec import Spec
from features.buckets.whole import cut_accounts
from features.buckets.work import Engine, Inline, every
from features.catalogue import Seen, catalogue
from features.clock import DAY, moment, timestamps
from features.dataset import META, SCHEMA_VERSION, Dataset
from features.feature_set import FeatureSet
from features.files import sha256
from features.funnel import Funnel
from features.spec import Feature
from features.tables import empty
from features.validate import validate
from training.engine.local import Local

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "scale.md"
PICTURE = ROOT / "docs" / "pictures" / "scale.png"
LEADS = 50  # interactions a lead: 100 million are of 2 million leads
FUNNEL = Funnel(("lead", "mql", "sql", "customer"), ("disqualified", "lost"), {"mql": 30.0, "sql": 60.0, "customer": 120.0})
AGES = (0.0, 7.0, 30.0, 90.0, 180.0, 360.0)
START = moment(pd.Timestamp("2024-01-01", tz="UTC"))
SPAN = 730
ROWS = 4_000_000  # interactions written at once
MIB = 2**20


@dataclass(frozen=True)
class NoRules:
    """No rules have been made for this."""

    digest: str = "none"

    @property
    def features(self) -> tuple[Feature, ...]:
        return ()

    def points(self, behaviour: npt.NDArray[Any], values: object) -> npt.NDArray[np.float64]:
        return np.zeros(behaviour.shape[1])


def spec() -> Spec:
    """The whole catalogue over 22 interaction types."""
    seen = Seen(TYPES, ("product_video",), frozenset(("in", "out")), contents=True, accounts=True)
    return Spec(FeatureSet(tuple(catalogue(seen, FUNNEL)), (), TYPES), (), NoRules(), FUNNEL, AGES)


def write_world(folder: Path, interactions: int, *, day: bool = False) -> None:
    """A dataset folder in no order, written bit by bit; with `day` what its last day brought: 1 % of the interactions."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1 if day else 0)
    leads = interactions // LEADS
    end = START + SPAN * DAY
    created = START + np.random.default_rng(3).integers(0, 600 * DAY, leads)
    tables = {"leads": _leads(leads, created), "lead_stages": _stages(leads, created, end - DAY)}
    if day:
        later = _stages(leads, created, end)
        tables = {"lead_stages": later[later["at"] > timestamps(np.array([end - DAY]))[0]]}
        active = random.choice(leads, leads // 20, replace=False)  # on one day one lead in twenty does something
    at = pd.Timestamp(end if day else end - DAY, unit="us", tz="UTC")
    small = Dataset.from_tables({"leads": empty("leads"), **tables}, extracted_at=at, source="benchmark")
    small.write(folder / "small")
    for path in (folder / "small").iterdir():
        path.rename(folder / path.name)
    rows = interactions // 100 if day else interactions
    path = folder / "interactions.parquet"
    ids = pa.array(_ids(np.arange(leads)).tolist(), pa.string())
    among = active if day else np.arange(leads)
    span = (end - DAY, DAY) if day else (START, (SPAN - 1) * DAY)
    schema = _batch(random, 1, ids, among, span).schema
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1) as writer:
        for begin in range(0, rows, ROWS):
            writer.write_table(_batch(random, min(ROWS, rows - begin), ids, among, span))
    meta = json.loads((folder / META).read_text())
    meta["rows"]["interactions"] = rows
    meta["checksums"]["interactions"] = sha256(path)
    assert meta["schema_version"] == SCHEMA_VERSION
    (folder / META).write_text(json.dumps(meta))


def _leads(leads: int, created: npt.NDArray[np.int64]) -> pd.DataFrame:
    company = np.random.default_rng(4).integers(0, leads // 3 + 1, leads)
    return pd.DataFrame(
        {
            "lead_id": _ids(np.arange(leads)),
            "created_at": timestamps(created),
            "company_id": "C" + pd.Series(company).astype("str"),
        }
    )


def _ids(number: npt.NDArray[np.integer]) -> pd.Series[Any]:
    return "L" + pd.Series(number).astype("str")


def _stages(leads: int, created: npt.NDArray[np.int64], end: int) -> pd.DataFrame:
    random = np.random.default_rng(5)
    at, alive, parts = created.copy(), np.ones(leads, bool), []
    for stage, share in (("mql", 0.4), ("sql", 0.4), ("customer", 0.3)):
        at = at + random.integers(DAY, 120 * DAY, leads)
        alive = alive & (random.random(leads) < share)
        rows = np.flatnonzero(alive & (at <= end))
        parts.append(pd.DataFrame({"lead_id": _ids(rows), "lead_stage": stage, "at": timestamps(at[rows])}))
    gone = np.flatnonzero(~alive & (random.random(leads) < 0.5))
    left = at[gone] + random.integers(DAY, 60 * DAY, len(gone))
    inside = left <= end
    parts.append(pd.DataFrame({"lead_id": _ids(gone[inside]), "lead_stage": "lost", "at": timestamps(left[inside])}))
    return pd.concat(parts, ignore_index=True)


def _batch(
    random: np.random.Generator, rows: int, ids: pa.Array, leads: npt.NDArray[np.int64], span: tuple[int, int]
) -> pa.Table:
    """Interactions of `leads`, whose names are `ids`, in the microseconds `span` (begin, length)."""
    kind = random.choice(len(TYPES), rows, p=np.r_[[0.3, 0.15, 0.15], np.full(19, 0.4 / 19)])
    lead = leads[random.integers(0, len(leads), rows)]
    content = random.integers(-1, 40, rows)
    topics = pa.array([f"content-{i}" for i in range(40)])

    def named(codes: npt.NDArray[np.integer], names: pa.Array) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), names).cast(pa.string())

    return pa.table(
        {
            "lead_id": named(lead, ids),
            "type": named(kind, pa.array(TYPES)),
            "at": pa.array(span[0] + random.integers(0, span[1], rows)).cast(pa.timestamp("us", tz="UTC")),
            "value": pa.array(random.integers(0, 300, rows).astype(np.float64)),
            "content": named(content, topics),
            "campaign": pa.nulls(rows, pa.string()),
            "direction": named((kind == 0).astype(np.int32), pa.array(["in", "out"])),
        }
    )


class Watch:
    """What this process and all below it had and used: the most memory (bytes) at any time, pages that several share counted in
    parts (`Pss`), and processor seconds, as /proc gives them five times a second."""

    def __init__(self) -> None:
        self.memory = 0
        self._used: dict[int, float] = {}
        self._own = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._one = threading.Lock()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> float:
        """Processor seconds until now, those of looking left out."""
        with self._one:
            began = time.thread_time()
            self.memory = max(self.memory, self._of(os.getpid()))
            self._own += time.thread_time() - began
            return sum(self._used.values()) - self._own

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.look()

    def _of(self, pid: int) -> int:
        total = 0
        try:
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            self._used[pid] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += sum(self._of(int(child)) for child in (task / "children").read_text().split())
        except (OSError, ValueError):
            pass  # it has just ended
        return total


@contextmanager
def engine_of(kind: str, budget: Budget) -> Iterator[Engine]:
    """Processes, this process, or a Dask cluster of this machine."""
    if kind == "dask":
        from training.engine.dask import cluster

        with cluster(None, budget.workers, replace(budget, memory=budget.memory // budget.workers, workers=1)) as found:
            yield found
    elif kind == "inline":
        yield Inline(budget)
    else:
        with Local(budget) as local:
            yield local


def built(data: Place, manifest: Manifest, out: Place, engine: Engine) -> tuple[int, int]:
    """Landmarks there are, and those computed."""
    head = replace(manifest, buckets=(), whole={}, raw={}, report={})
    tasks = [Building(data, head, b, Store(out), spec()) for b in manifest.buckets]
    found = every(engine, build_bucket, tasks, [b.label for b in manifest.buckets])
    return sum(f.landmarks for f in found), sum(f.computed for f in found)


def child(what: str, home: Path, workers: int, memory: int) -> None:
    """One measurement; prints JSON. Processes are started and have done everything once before it begins."""
    data, out = Place.of(home / "buckets"), Place.of(home / "matrix")
    budget = Budget(memory, workers)
    kind = what.partition("-")[0] if what in ("dask-one", "dask-two") else "local"
    if what in ("none", "lean"):
        kind = "inline"
    with Watch() as watch, engine_of(kind, budget) as engine:
        every(engine, _warm, list(range(4 * workers)), [""] * 4 * workers)
        before, began = watch.look(), time.perf_counter()
        manifest = None
        landmarks = computed = 0
        if what == "lean":
            clean, _ = validate(Raw.of_folder(home / "set").lean, FUNNEL)
            cut_accounts(clean.leads, pd.Series(0, index=pd.Index(clean.leads["lead_id"])), 10**6)
        elif what == "partition":
            manifest = partition(data, Raw.of_folder(home / "set"), FUNNEL, engine)
        elif what == "day":
            manifest = add(data, Raw.of_folder(home / "day"), FUNNEL, engine)
        elif what != "none":
            manifest = Manifest.read(data)
        if manifest and what != "partition":
            landmarks, computed = built(data, manifest, out, engine)
        seconds = time.perf_counter() - began
        said = {
            "seconds": seconds,
            "cpu": watch.look() - before,
            "memory": watch.memory,
            "landmarks": landmarks,
            "computed": computed,
            "buckets": len(manifest.buckets) if manifest else 0,
        }
    print(json.dumps(said))


def _warm(number: int) -> None:
    """A small job from beginning to end: imports, and loading what was compiled, are no cost of the work."""
    with tempfile.TemporaryDirectory() as scratch:
        home, engine = Path(scratch), Inline()
        data, out = Place.of(home / "buckets"), Place.of(home / "matrix")
        for day in (False, True):
            write_world(home / str(day), 5_000, day=day)
            raw = Raw.of_folder(home / str(day))
            manifest = (add if day else partition)(data, raw, FUNNEL, engine)
            built(data, manifest, out, engine)
    time.sleep(0.3)


def rival(name: str, home: Path) -> None:
    """polars or DuckDB on the same files and landmarks: the features they can make in one pass (`benchmarks.features.fair`)."""
    from benchmarks import features as plain

    store, manifest = Store(Place.of(home / "matrix")), Manifest.read(Place.of(home / "buckets"))
    parts = [store.index(r)[["lead_id", "as_of"]] for b in manifest.buckets if (r := store.record(b.number))]
    looks = pd.concat(parts, ignore_index=True)
    with Watch() as watch:
        before, began = watch.look(), time.perf_counter()
        table = pq.read_table(home / "set" / "interactions.parquet", read_dictionary=["lead_id", "type", "direction"])
        frame = table.select(["lead_id", "type", "at", "value", "direction"]).to_pandas()
        ids = pd.Index(looks["lead_id"].unique())
        w = {
            "lead": ids.get_indexer(frame["lead_id"].cat.categories)[frame["lead_id"].cat.codes].astype(np.int32),
            "at": frame["at"].astype("int64").to_numpy(),
            "type": pd.Index(TYPES).get_indexer(frame["type"].cat.categories)[frame["type"].cat.codes].astype(np.int8),
            "direction": pd.Index(["", "in", "out"])
            .get_indexer(frame["direction"].cat.categories)[frame["direction"].cat.codes]
            .astype(np.int8),
            "value": frame["value"].to_numpy(),
            "look_lead": ids.get_indexer(looks["lead_id"]).astype(np.int32),
            "as_of": looks["as_of"].to_numpy(),
        }
        del table, frame
        {"polars": plain.by_polars, "duckdb": plain.by_duckdb}[name](w)
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "cpu": watch.look() - before, "memory": watch.memory, "landmarks": len(looks)}))


def run(arguments: Sequence[str], minutes: float = 120) -> dict[str, float] | None:
    """A measurement in a process of its own; None where it came to no end."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.scale", *arguments]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=60 * minutes
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{' '.join(arguments)}: {error}\n{str(getattr(error, 'stderr', ''))[-2000:]}")
        return None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{' '.join(arguments)}: {found}", flush=True)
    return found


def measure(sizes: Sequence[int], home: Path, memory: int, rivals_at: int, results: Path) -> None:
    """Everything, noted as JSON as it comes."""
    found: dict[str, Any] = json.loads(results.read_text()) if results.is_file() else {}
    for size in sizes:
        folder = home / str(size)
        if not (folder / "set").is_dir():
            write_world(folder / "set", size)
        common = ["--home", str(folder), "--memory", str(memory)]
        at: dict[str, Any] = {}
        at["idle"] = run(["--child", "idle", *common, "--workers", "2"])
        at |= {what: run(["--child", what, *common]) for what in ("none", "lean")}
        at["partition"] = run(["--child", "partition", *common, "--workers", "2"])
        at["features"] = run(["--child", "local", *common, "--workers", "2"])
        found[str(size)] = at
        results.write_text(json.dumps(found, indent=1))
        if size <= rivals_at:
            at |= {name: run(["--rival", name, "--home", str(folder)], 30) for name in ("polars", "duckdb")}
            for kind, workers in (("dask-one", 1), ("dask-two", 2)):
                shutil.rmtree(folder / "matrix")
                at[kind] = run(["--child", kind, *common, "--workers", str(workers)])
        write_world(folder / "day", size, day=True)
        at["day"] = run(["--child", "day", *common, "--workers", "2"])
        results.write_text(json.dumps(found, indent=1))
        shutil.rmtree(folder)


def main() -> None:
    """Measure, then write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000000,10000000,100000000")
    parser.add_argument("--memory", type=int, default=4 * 2**30)
    parser.add_argument("--rivals-at", type=int, default=10_000_000, help="the largest size that polars and DuckDB are asked")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--results", type=Path, default=ROOT / "artefacts" / "scale.json")
    parser.add_argument("--workers", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    parser.add_argument("--page-only", action="store_true", help="write page and picture from what was measured")
    given = parser.parse_args()
    if given.child:
        child(given.child, given.home, given.workers, given.memory)
        return
    if given.rival:
        rival(given.rival, given.home)
        return
    given.results.parent.mkdir(parents=True, exist_ok=True)
    if not given.page_only:
        with tempfile.TemporaryDirectory(prefix="scale", dir=given.home) as scratch:
            measure([int(s) for s in given.sizes.split(",")], Path(scratch), given.memory, given.rivals_at, given.results)
    from benchmarks.scale_page import write

    write(json.loads(given.results.read_text()), given.memory, OUT, PICTURE)
    print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
