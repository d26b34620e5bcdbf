"""One import: read what is new, land it, write the dataset. What is begun by two at once is done by one."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from connectors.crm.account import ACCOUNT, same_account
from connectors.crm.compile import compile_dataset, stage_values
from connectors.crm.connector import Connector
from connectors.crm.erase import erase_departed
from connectors.crm.mapping import StageValue
from connectors.crm.settings import CrmSource
from connectors.crm.stages import propose
from connectors.crm.stream import Progress, Stream, SyncResult, sync
from connectors.crm.webhooks import Event
from features.common.errors import ConfigError, DataError, nearest
from features.common.files import whole_file
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel

DATASET = "dataset"
STAMP = "import.json"

StageMapping = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True)
class ImportResult:
    """What an import did. `proposed`: stages that the configuration does not have and the data do, as they were
    taken."""

    synced: SyncResult
    report: DataReport
    values: list[StageValue]
    proposed: StageMapping | None
    calls: int
    folder: Path


class BusyError(DataError):
    """Another process works in the folder."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Only one process at a time works in a folder.

    Raises
    ------
    BusyError
        if another one does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(f"Another import or write-back is at work in {folder}.", "Wait until it has ended.") from error
        yield


def run(
    connector: Connector,
    source: CrmSource,
    funnel: Funnel,
    progress: Progress | None = None,
    events: Sequence[Event] = (),
    oldest: float = 0.0,
) -> ImportResult:
    """Import: afterwards the dataset in the landing's folder is as the CRM was when this began. `events`: of webhooks, whose
    records are read whatever the lists say. `oldest`: seconds that what the CRM defines may be old.

    Raises
    ------
    CrmError, ConfigError, DataError
        and nothing of what was fetched before is lost; the dataset stays as it was.
    """
    landing = connector.landing
    with folder_lock(landing.folder):
        connector.greet(oldest)
        account = same_account(connector)
        check_stage_fields(connector, source)
        started_at = datetime.fromtimestamp(connector.http.now(), UTC)
        webhook_stream = Stream("spoken_of", lambda _: connector.reread(events))
        marks = {ACCOUNT: account} if account is not None else {}
        synced = sync([*connector.streams(), *([webhook_stream] if events else [])], landing, progress, marks)
        synced.refused |= connector.left_out
        compared = connector.missing_for_good and "sweep" in synced.read
        missing_before = started_at if compared else None
        erase_departed(landing, started_at - connector.restorable, missing_before, connector.for_good)
        values = stage_values(landing)
        configured_stages = source.stages
        check_stages(configured_stages, funnel)
        stages = configured_stages if configured_stages is not None else propose(values, funnel, connector.propose)
        shape = replace(connector.mapping(stages), exits=frozenset(funnel.exits))
        report = compile_dataset(landing, shape, landing.folder / DATASET, started_at)
        stamp = {
            "extracted_at": started_at.isoformat(),
            "calls": connector.http.calls,
            "rows": dict(synced.rows),
            "refused": synced.refused,
        }
        with whole_file(landing.folder / STAMP) as partial:
            partial.write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
    return ImportResult(
        synced, report, values, stages if configured_stages is None else None, connector.http.calls, landing.folder / DATASET
    )


def check_stage_fields(connector: Connector, source: CrmSource) -> None:
    """Raise a ConfigError for a field of `stages:` that the CRM does not have: nobody would reach the lead stages it names."""
    if not source.stages:
        return
    names = connector.stage_names()
    for name in source.stages:
        if name not in names:
            raise ConfigError(
                f"source.stages: {connector.kind} has no field {name!r} to make lead stages of: {nearest(name, names)}",
                "Write the field's own name in the CRM; fields of deals begin with `deal.`.",
            )


def check_stages(stages: StageMapping | None, funnel: Funnel) -> None:
    """Raise a ConfigError for a lead stage that the funnel does not have."""
    names = (*funnel.stages, *funnel.exits)
    for name, mapping in (stages or {}).items():
        for value, stage in mapping.items():
            if stage is not None and stage not in names:
                raise ConfigError(
                    f"source.stages.{name}: {value!r} is mapped to {stage!r}, which the funnel does not have.",
                    f"It has {', '.join(names)}; write null where a value means none of them.",
                )
