"""`make erase`, the right to erasure (GDPR): a person removed from all that training wrote or reads, and a search to prove it.

The lead store is the server's: `python -m serving.store erase`. `make erase` runs both.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.crm import erase as crm
from connectors.crm import sync
from connectors.crm.secrets import Secrets
from connectors.crm.settings import CrmSource
from connectors.files.settings import FilesSource
from connectors.registry import open_landing
from features.common.files import whole_file
from features.dataset import erasures
from features.dataset.dataset import META, Dataset
from features.dataset.erasures import remove_lead
from training.common import tracking
from training.common.config import Config
from training.data.sources import crm_folder

MARK = "erased"
TEXT = (".csv", ".html", ".json", ".jsonl", ".txt", ".md", ".yaml", ".log")
SHORT = 5  # characters: a shorter id, or one of digits, is looked for between quotes and tags only


@dataclass(frozen=True)
class ErasureCheck:
    """A place: what was deleted there, and what was found when it was searched again."""

    location: str
    deleted: int
    remaining: int
    note: str = ""


def erase(config: Config, lead_id: str, report: Path, extra_paths: Sequence[Path] = ()) -> list[ErasureCheck]:
    """Erase and search; `extra_paths`: further files and folders, such as scores that were written, or logs. The id is
    remembered as a keyed hash: the next import leaves it out.

    Raises
    ------
    RipelineError
        where a place cannot be read or written; what was erased before that stays erased.
    """
    results = [*_datasets(config, lead_id, extra_paths)]
    for part in config.parts:
        results += [*_crm(part, lead_id), *_sources(part, lead_id)]
    files = [report, *(path for path in extra_paths if not (path / META).is_file())]
    results += [_file(path, lead_id) for root in files for path in _files(root)]
    results += list(_mlflow(config.name, lead_id))
    erasures.record_erasure(lead_id)
    return results


def _datasets(config: Config, lead_id: str, extra_paths: Sequence[Path]) -> Iterator[ErasureCheck]:
    folders = [path for path in extra_paths if (path / META).is_file()]
    for part in config.parts:
        if part.dataset is not None:
            folders.append(part.path(part.dataset))
        if isinstance(part.source, CrmSource):
            folders.append(crm_folder(part) / sync.DATASET)
    for folder in folders:
        if (folder / META).is_file():
            dataset = Dataset.read(folder)
            smaller, deleted = remove_lead(dataset, lead_id)
            if deleted:
                smaller.write(folder)
            yield ErasureCheck(f"dataset {folder}", deleted, remove_lead(Dataset.read(folder), lead_id)[1])


def _crm(config: Config, lead_id: str) -> Iterator[ErasureCheck]:
    if not isinstance(config.source, CrmSource):
        return
    folder = crm_folder(config)
    if not folder.is_dir():
        return
    landing = open_landing(config.source, folder, Secrets.read())
    with sync.folder_lock(folder):
        records = crm.records_of(landing, lead_id)
        deleted = crm.erase(landing, records)
        note = "erase it in the CRM too, else the next import reads it, and leaves it out of the dataset only"
        yield ErasureCheck(f"landing of {config.source.kind}", deleted, crm.remaining_rows(landing, records), note)
        deleted_beside, remaining = crm.erase_beside(folder, records)
        yield ErasureCheck("ledger, failures and webhooks", deleted_beside, remaining)


def _sources(config: Config, lead_id: str) -> Iterator[ErasureCheck]:
    """Files that are the user's own are searched and not changed."""
    if isinstance(config.source, FilesSource):
        folder = config.path(Path(config.source.folder))
        for file in sorted(folder.rglob("*.csv")):
            count = len(_pattern(lead_id, csv=True).findall(file.read_text(encoding="utf-8", errors="replace")))
            if count:
                yield ErasureCheck(f"your file {file}", 0, count, "it is yours: remove the rows there; imports leave it out")


def _files(path: Path) -> list[Path]:
    return (
        sorted(file for file in path.rglob("*") if file.suffix in TEXT) if path.is_dir() else [path] if path.is_file() else []
    )


def _file(path: Path, lead_id: str) -> ErasureCheck:
    """A file of text: rows of a CSV go, elsewhere the id gives way to a mark."""
    if path.suffix == ".csv":
        deleted = crm.erase_rows(path, [lead_id])
    else:
        text, deleted = _pattern(lead_id).subn(MARK, path.read_text(encoding="utf-8", errors="surrogateescape"))
        if deleted:
            with whole_file(path) as partial:
                partial.write_text(text, encoding="utf-8", errors="surrogateescape")
    return ErasureCheck(str(path), deleted, _count(path, lead_id))


def _count(path: Path, lead_id: str) -> int:
    text = path.read_text(encoding="utf-8", errors="replace")
    return len(_pattern(lead_id, csv=path.suffix == ".csv").findall(text))


def _pattern(lead_id: str, *, csv: bool = False) -> re.Pattern[str]:
    """Where a text names a lead."""
    name = re.escape(lead_id)
    if csv:
        return re.compile(rf'(?<=[,"\n]){name}(?=[,"\r\n])|^{name}(?=[,"\r\n])|(?<=[,"\n]){name}$')
    if len(lead_id) < SHORT or lead_id.isdigit():
        return re.compile(rf'(?<="){name}(?=")|(?<=>){name}(?=<)')
    return re.compile(rf"(?<![\w-]){name}(?![\w-])")


def _mlflow(name: str, lead_id: str) -> Iterator[ErasureCheck]:
    """Tables and reports of every training, in MLflow."""
    deleted = remaining = files = 0
    with tempfile.TemporaryDirectory() as scratch:
        for number, (run, path) in enumerate(tracking.text_files(name, TEXT)):
            folder = Path(scratch) / str(number)
            file = tracking.fetch_file(run, path, folder)
            result = _file(file, lead_id)
            files += 1
            if result.deleted:
                tracking.replace_file(run, path, file)
                deleted += result.deleted
                remaining += _count(tracking.fetch_file(run, path, folder / "again"), lead_id)
            shutil.rmtree(folder, ignore_errors=True)
    yield ErasureCheck(f"MLflow: {files} files of the trainings of {name}", deleted, remaining)
