"""Which configurations are trained, and whether they can be side by side."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.crm.settings import CrmSource
from features.common.errors import ConfigError, RipelineError
from training.clients.row import Row
from training.common.config import Config
from training.data.sources import crm_folder
from training.scale.stream import storage_of

DEFAULT_POOL = "all"  # the pool of those that name none, where all are to be pooled


@dataclass(frozen=True)
class Client:
    """A configuration and the file it came from."""

    file: Path
    config: Config


def matching_files(patterns: Sequence[str]) -> list[Path]:
    """The files that paths and patterns such as `clients/*.yaml` name, sorted, each once.

    Raises
    ------
    ConfigError
        if a pattern names none.
    """
    files: set[Path] = set()
    for pattern in patterns:
        names = glob.glob(pattern) if glob.has_magic(pattern) else [pattern]
        if not names:
            raise ConfigError(f"No configuration matches {pattern!r}.", "Name them as CONFIGS='clients/*.yaml'.")
        files.update(Path(name) for name in names)
    if not files:
        raise ConfigError("No configuration is named.", "Name them as CONFIGS='clients/*.yaml'.")
    return sorted(files)


def read(files: Sequence[Path], pool: bool | None = None) -> tuple[list[Client], list[Row]]:
    """The clients, and a row for each file that cannot be read. `pool`: all take part in one, or none; None: as they say.

    Raises
    ------
    ConfigError
        if two of them would write over each other; both are named and nothing has run.
    """
    clients, failed_rows = [], []
    for file in files:
        try:
            config = Config.read(file)
        except RipelineError as error:
            failed_rows.append(Row.failed(file.stem, error))
            continue
        if pool is not None:
            config = config.changed(pool=(config.pool or DEFAULT_POOL) if pool else None)
        clients.append(Client(file, config))
    refuse_clashes(clients)
    return clients, failed_rows


def refuse_clashes(clients: Sequence[Client]) -> None:
    """Refuse two clients with one name, or with one folder to write to.

    Raises
    ------
    ConfigError
        naming both files, and what they share.
    """
    owners: dict[str, Client] = {}
    for client in clients:
        for claim, remedy in _claims(client.config):
            owner = owners.setdefault(claim.casefold(), client)
            if owner is not client:
                raise ConfigError(f"{owner.file} and {client.file} have the same {claim}; nothing was run.", remedy)


def _claims(config: Config) -> Iterator[tuple[str, str]]:
    """What a configuration writes to and nobody else may, in words."""
    yield f"name: {config.name!r}", "Give each client a name of its own: it is that of its MLflow experiment and its model."
    yield f"folder of buckets: {storage_of(config)}", "Give each an `engine: {folder: …}` of its own, or leave it out."
    for part in config.parts:
        if isinstance(part.source, CrmSource):
            yield f"folder of a CRM: {crm_folder(part).resolve()}", "Give each a `source: {folder: …}` of its own."
