"""Files of a source whose partition is there already: known by their content, so that they are not parsed to see that."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from connectors.files.load import files_of
from connectors.files.settings import FilesSource
from features.common.files import sha256
from features.dataset.erasures import USUAL_FILE
from features.partitions.manifest import VERSION, Manifest, is_partitioned
from features.partitions.memory import Budget
from features.partitions.storage import Storage
from training.common.config import Config

RECORD = "source.json"
ROOT = Path(__file__).resolve().parents[2]
READERS = ("connectors/common", "connectors/files", "features/common", "features/dataset")  # the code that makes rows of files


def source_digest(config: Config, folder: Path | None, budget: Budget) -> str | None:
    """Changes with the files of a source, their mapping, the funnel, who was erased, how it is partitioned, and the code that
    reads; None for sources of other kinds, and where a file is missing. `folder` replaces that of the source."""
    source = config.source
    if not isinstance(source, FilesSource):
        return None
    if folder is not None:
        source = source.model_copy(update={"folder": str(folder.resolve())})
    files = files_of(source, config.path(Path()))
    if not all(file.is_file() for file in files):
        return None
    code = [file for package in READERS for file in sorted((ROOT / package).rglob("*.py"))]
    parts = [
        VERSION, source.model_dump(mode="json", exclude={"folder"}), asdict(config.funnel.build()), budget.of_bucket,
        budget.workers, [sha256(file) for file in (*files, *code)], sha256(USUAL_FILE) if USUAL_FILE.is_file() else "",
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def unchanged(out: Storage, digest: str | None) -> Manifest | None:
    """The partition that `out` holds, if it is that of the source `digest` and no day was added since."""
    if digest is None or not is_partitioned(out) or not out.exists(RECORD):
        return None
    saved = out.read_json(RECORD)
    if saved["source"] != digest:
        return None
    manifest = Manifest.read(out)
    return manifest if saved["partition"] == manifest.digest and not manifest.added else None


def remember(out: Storage, digest: str | None, manifest: Manifest) -> None:
    """Note what source the partition in `out` is of."""
    if digest is not None:
        out.write_json(RECORD, {"source": digest, "partition": manifest.digest})
