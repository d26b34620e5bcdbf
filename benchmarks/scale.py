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
import pyarrow.parquet as pq

from benchmarks import rivals
from benchmarks.features import FAIR, TYPES
from benchmarks.scale_world import AGES, FUNNEL, write_world
from features.catalogue import DataProfile, catalogue
from features.dataset.validate import validate
from features.engine.feature_set import FeatureSet
from features.feature import Feature
from features.partitions.executor import Engine, Inline, run_all
from features.partitions.inputs import Raw
from features.partitions.lead_tables import Accounts
from features.partitions.manifest import Manifest
from features.partitions.matrix import Store
from features.partitions.memory import Budget, installed
from features.partitions.partition import add, partition
from features.partitions.spec import Spec
from features.partitions.storage import Storage
from features.partitions.update import update
from models.store import save
from tests.tiny import tiny_model
from training.executors.local import LocalEngine
from training.jobs.score_partitions import score_buckets

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "benchmarks" / "scale.md"
PICTURE = ROOT / "docs" / "pictures" / "scale.png"
DASK_AT = 30_000_000  # the largest size that one and two workers of a cluster are asked; a small one has few buckets to share


@dataclass(frozen=True)
class NoRules:
    """No rules have been made for this."""

    digest: str = "none"

    @property
    def features(self) -> tuple[Feature, ...]:
        return ()

    def points(self, behaviour: npt.NDArray[Any], values: object) -> npt.NDArray[np.float64]:
        return np.zeros(behaviour.shape[1])


def spec(same: bool = False) -> Spec:
    """The whole catalogue over 22 interaction types, or the `same` features that polars and DuckDB make."""
    profile = DataProfile(TYPES, ("product_video",), frozenset(("in", "out")), contents=True, accounts=True)
    features = FAIR if same else tuple(catalogue(profile, FUNNEL))
    return Spec(FeatureSet(features, (), TYPES), (), NoRules(), FUNNEL, AGES)


class Watch:
    """What this process and all below it had and used: the most memory (bytes) at any time, pages that several share counted in
    parts (`Pss`), and processor seconds, as /proc gives them five times a second. Where that is more than `limit`, it ends."""

    def __init__(self, limit: float = float("inf")) -> None:
        self.memory = 0
        self.limit = limit
        self._seconds_by_pid: dict[int, float] = {}
        self._own = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._lock = threading.Lock()

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> float:
        """Processor seconds until now, those of looking left out."""
        with self._lock:
            began = time.thread_time()
            self.memory = max(self.memory, self._memory_of(os.getpid()))
            self._own += time.thread_time() - began
            return sum(self._seconds_by_pid.values()) - self._own

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            self.look()
            if self.memory > self.limit:
                print(f"It takes more than {self.limit / 2**30:g} GiB.", file=sys.stderr, flush=True)
                os._exit(1)

    def _memory_of(self, pid: int) -> int:
        total = 0
        try:
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
            self._seconds_by_pid[pid] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += 1024 * int(line.split()[1])
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += sum(self._memory_of(int(child)) for child in (task / "children").read_text().split())
        except (OSError, ValueError):
            pass  # it has just ended
        return total


@contextmanager
def engine_of(kind: str, budget: Budget) -> Iterator[Engine]:
    """Processes, this process, or a Dask cluster of this machine."""
    if kind == "dask":
        from training.executors.dask import cluster

        with cluster(None, budget.workers, replace(budget, memory=budget.memory // budget.workers, workers=1)) as engine:
            yield engine
    elif kind == "inline":
        yield Inline(budget)
    else:
        with LocalEngine(budget) as local:
            yield local


def build_matrix(data: Storage, manifest: Manifest, out: Storage, engine: Engine, matrix_spec: Spec) -> tuple[int, int]:
    """Landmarks there are, and those computed."""
    records = update(data, manifest, Store(out), matrix_spec, engine)
    return sum(f.landmarks for f in records), sum(f.computed for f in records)


def child(measurement: str, home: Path, workers: int, memory: int) -> None:
    """One measurement; prints JSON. Processes are started and have done everything once before it begins."""
    data, out = Storage.from_path(home / "buckets"), Storage.from_path(home / ("same" if measurement == "same" else "matrix"))
    budget = Budget(memory, workers)
    kind = "inline" if measurement in ("none", "lean") else "dask" if measurement.startswith(("dask", "score")) else "local"
    with Watch() as watch, engine_of(kind, budget) as engine:
        _warm(0)
        run_all(engine, _warm, list(range(4 * workers)), [""] * 4 * workers)
        before, began = watch.look(), time.perf_counter()
        manifest = None
        landmarks = computed = 0
        if measurement == "lean":
            clean, _ = validate(Raw.of_folder(home / "set").lean, FUNNEL)
            Accounts.from_leads(clean.leads).cut(np.zeros(len(clean.leads), np.int64), 10**6)
        elif measurement == "partition":
            manifest = partition(data, Raw.of_folder(home / "set"), FUNNEL, engine)
        elif measurement == "day":
            manifest = add(data, Raw.of_folder(home / "day"), FUNNEL, engine)
        elif measurement != "none":
            manifest = Manifest.read(data)
        if measurement.startswith("score"):
            out.remove("scores")
            landmarks = score_buckets(home / "model", data, out, pd.Timestamp(Manifest.read(data).extracted_at), engine).leads
        elif manifest and measurement != "partition":
            landmarks, computed = build_matrix(data, manifest, out, engine, spec(measurement == "same"))
        seconds = time.perf_counter() - began
        result = {
            "seconds": seconds,
            "cpu": watch.look() - before,
            "memory": watch.memory,
            "landmarks": landmarks,
            "computed": computed,
            "buckets": len(manifest.buckets) if manifest else 0,
        }
    print(json.dumps(result))


def _warm(number: int) -> None:
    """A small job from beginning to end: imports, and loading what was compiled, are no cost of the work."""
    with tempfile.TemporaryDirectory() as scratch:
        home, engine = Path(scratch), Inline()
        data, out = Storage.from_path(home / "buckets"), Storage.from_path(home / "matrix")
        for day in (False, True):
            write_world(home / str(day), 5_000, day=day)
            raw = Raw.of_folder(home / str(day))
            manifest = (add if day else partition)(data, raw, FUNNEL, engine)
            build_matrix(data, manifest, out, engine, spec())
        save(tiny_model(), home / "model")
        score_buckets(home / "model", data, out, pd.Timestamp(manifest.extracted_at), engine)
    time.sleep(0.3)


def write_looks(home: Path) -> None:
    """The landmarks of the matrix as a Parquet file for others: lead, as_of, look."""
    store, manifest = Store(Storage.from_path(home / "matrix")), Manifest.read(Storage.from_path(home / "buckets"))
    indexes = [store.index(r)[["lead_id", "as_of"]] for b in manifest.buckets if (r := store.record(b.number))]
    looks = pd.concat(indexes, ignore_index=True).rename(columns={"lead_id": "lead"})
    looks.assign(look=np.arange(len(looks), dtype=np.int32)).to_parquet(home / "looks.parquet", index=False)


def rival(name: str, home: Path, memory: int) -> None:
    """polars or DuckDB from the same unsorted file and the same landmarks to a Parquet file of the features they can make; it
    ends itself where it needs more than the memory."""
    import duckdb
    import polars as pl

    events, looks, out = (str(home / f) for f in ("set/interactions.parquet", "looks.parquet", f"{name}.parquet"))
    database = duckdb.connect(
        config={"threads": 2, "memory_limit": f"{memory // 2**20}MiB", "temp_directory": str(home / "spill")}
    )
    with Watch(memory) as watch:
        before, began = watch.look(), time.perf_counter()
        if name == "polars":
            direction = pl.col("direction").replace_strict({"in": 1, "out": 2}, default=0, return_dtype=pl.Int8)
            rows = pl.scan_parquet(events).select(
                pl.col("lead_id").alias("lead"),
                pl.col("at").cast(pl.Int64),
                pl.col("type").cast(pl.Enum(TYPES)).to_physical().cast(pl.Int8),
                direction,
                "value",
            )
            frame = rivals.by_polars(rows, pl.scan_parquet(looks), FAIR, TYPES)
            frame.sink_parquet(out, compression="uncompressed", engine="streaming")
        else:
            database.execute(f"CREATE TYPE kind AS ENUM {TYPES}")
            relation = f"""(SELECT lead_id AS lead, epoch_us("at") AS "at", enum_code(type::kind)::TINYINT AS type, value,
                        (CASE direction WHEN 'in' THEN 1 WHEN 'out' THEN 2 ELSE 0 END)::TINYINT AS direction FROM '{events}')"""
            query = rivals.by_duckdb(relation, f"'{looks}'", FAIR, TYPES)
            database.execute(f"COPY ({query}) TO '{out}' (FORMAT parquet, COMPRESSION uncompressed)")
        seconds = time.perf_counter() - began
        result = {"seconds": seconds, "cpu": watch.look() - before, "memory": watch.memory}
    print(json.dumps(result | {"landmarks": pq.read_metadata(out).num_rows}))


def run(arguments: Sequence[str], minutes: float = 120) -> dict[str, float] | None:
    """A measurement in a process of its own; None where it came to no end."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.scale", *arguments]
    try:
        process = subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=60 * minutes
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{' '.join(arguments)}: {error}\n{str(getattr(error, 'stderr', ''))[-2000:]}")
        return None
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    print(f"{' '.join(arguments)}: {result}", flush=True)
    return result


def measure(sizes: Sequence[int], home: Path, memory: int, rivals_at: int, results_file: Path) -> None:
    """Everything, noted as JSON as it comes."""
    by_size: dict[str, Any] = json.loads(results_file.read_text()) if results_file.is_file() else {}
    for size in sizes:
        folder = home / str(size)
        if not (folder / "set").is_dir():
            write_world(folder / "set", size)
        common = ["--home", str(folder), "--memory", str(memory)]
        measurements: dict[str, Any] = {}
        measurements |= {measurement: run(["--child", measurement, *common]) for measurement in ("none", "lean")}
        measurements["partition"] = run(["--child", "partition", *common, "--workers", "2"])
        measurements["features"] = run(["--child", "local", *common, "--workers", "2"])
        by_size[str(size)] = measurements
        results_file.write_text(json.dumps(by_size, indent=1))
        if size <= rivals_at:
            measurements["same"] = run(["--child", "same", *common, "--workers", "2"])
            write_looks(folder)
            for name in ("polars", "duckdb"):
                measurements[name] = run(["--rival", name, *common], 30)
                if measurements[name] is None:  # with nearly all the machine has, then
                    measurements[f"{name}-free"] = run(
                        ["--rival", name, "--home", str(folder), "--memory", str(int(0.85 * installed()))], 30
                    )
        if size <= DASK_AT:
            save(tiny_model(), folder / "model")  # speed does not ask how good a model is
            for number, workers in (("one", 1), ("two", 2)):
                shutil.rmtree(folder / "matrix")
                measurements[f"dask-{number}"] = run(["--child", f"dask-{number}", *common, "--workers", str(workers)])
                measurements[f"score-{number}"] = run(["--child", f"score-{number}", *common, "--workers", str(workers)])
        write_world(folder / "day", size, day=True)
        measurements["day"] = run(["--child", "day", *common, "--workers", "2"])
        results_file.write_text(json.dumps(by_size, indent=1))
        shutil.rmtree(folder)


def main() -> None:
    """Measure, then write the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000000,10000000,30000000,100000000")
    parser.add_argument("--memory", type=int, default=4 * 2**30)
    parser.add_argument("--rivals-at", type=int, default=10_000_000, help="the largest size that polars and DuckDB are asked")
    parser.add_argument("--home", type=Path)
    parser.add_argument("--results", type=Path, default=ROOT / "artefacts" / "scale.json")
    parser.add_argument("--workers", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--rival", help=argparse.SUPPRESS)
    parser.add_argument("--page-only", action="store_true", help="write page and picture from what was measured")
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.home, arguments.workers, arguments.memory)
        return
    if arguments.rival:
        rival(arguments.rival, arguments.home, arguments.memory)
        return
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    if not arguments.page_only:
        with tempfile.TemporaryDirectory(prefix="scale", dir=arguments.home) as scratch:
            measure(
                [int(s) for s in arguments.sizes.split(",")],
                Path(scratch),
                arguments.memory,
                arguments.rivals_at,
                arguments.results,
            )
    from benchmarks.scale_page import write

    write(json.loads(arguments.results.read_text()), arguments.memory, OUT, PICTURE)
    print(f"Written to {OUT}.")


if __name__ == "__main__":
    main()
