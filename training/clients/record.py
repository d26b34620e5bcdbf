"""What a finished client leaves in its folder, so that `make train-all` is idempotent while nothing has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connectors.crm import sync
from connectors.crm.settings import CrmSource
from connectors.files.settings import FilesSource
from features.common.files import sha256, whole_file
from features.dataset.dataset import META
from features.dataset.erasures import USUAL_FILE
from features.partitions.manifest import Manifest
from training.clients.row import Row
from training.common.config import Config
from training.data.pooled_prior import prior_of
from training.data.sources import crm_folder
from training.pool.contribution import Contribution
from training.scale.source import dataset_storage

FINISHED_FILE, CONTRIBUTION_FILE, LOG_FILE = "done.json", "contribution.json", "training.log"


def data_key(config: Config) -> str:
    """A digest of a configuration and of all it is trained on, but for the pooled prior.

    Datasets are told by their metadata, which hold a checksum of each table; files by their content.
    """
    digest = hashlib.sha256(config.model_dump_json(exclude={"engine": {"kind", "workers", "address"}}).encode())
    buckets = dataset_storage(config)
    if buckets is not None:
        digest.update(Manifest.read(buckets).digest.encode())
    for path in _files(config):
        digest.update(f"{path.name} {sha256(path) if path.is_file() else 'missing'}".encode())
    return digest.hexdigest()


def training_key(config: Config) -> str:
    """The same with the pooled prior."""
    prior = prior_of(config)
    return hashlib.sha256(f"{data_key(config)} {prior.digest if prior else ''}".encode()).hexdigest()


def _files(config: Config) -> Iterator[Path]:
    yield USUAL_FILE  # whom `make erase` removed is left out of all data
    if config.rules is not None:
        yield config.path(config.rules)
    for part in config.parts:
        yield from _files_of(part)


def _files_of(config: Config) -> Iterator[Path]:
    """The same of one source."""
    if config.dataset is not None:
        yield config.path(config.dataset) / META
    elif isinstance(config.source, FilesSource):
        source = config.source
        folder = config.path(Path(source.folder).expanduser())
        for file in (source.leads, source.companies, *source.interactions, *source.lead_stages, *source.deals):
            if file is not None:
                yield folder / file.file
    elif isinstance(config.source, CrmSource):
        yield crm_folder(config) / sync.DATASET / META


def saved_row(folder: Path, key: str) -> Row | None:
    """The row of the training that ended here with this key; None where there is none."""
    saved = _read_content(folder / FINISHED_FILE, key)
    return Row.from_dict(saved) if saved else None


def save_row(folder: Path, key: str, row: Row) -> None:
    """Leave the row of a training that ended well."""
    _save(folder / FINISHED_FILE, key, asdict(row))


def saved_contribution(folder: Path, key: str) -> Contribution | None:
    """What was contributed from here with this key; None where nothing was."""
    saved = _read_content(folder / CONTRIBUTION_FILE, key)
    return None if saved is None else Contribution.from_dict(saved)


def save_contribution(folder: Path, key: str, contribution: Contribution) -> None:
    """Leave what is contributed."""
    _save(folder / CONTRIBUTION_FILE, key, contribution.to_dict())


def _read_content(path: Path, key: str) -> Any:
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        return saved["content"] if saved["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # nothing there, or of another Ripeline: it is done again


def _save(path: Path, key: str, content: Any) -> None:
    with whole_file(path) as partial:
        partial.write_text(json.dumps({"key": key, "content": content}, indent=1) + "\n", encoding="utf-8")
