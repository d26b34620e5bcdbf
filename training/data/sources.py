"""Several sources of one business, each read as it is alone, as one dataset."""

from __future__ import annotations

import secrets as random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.crm.keys import mail_key
from connectors.crm.secrets import Secrets
from connectors.crm.settings import CrmSource
from connectors.files.settings import FilesSource
from connectors.registry import CRMS, open_landing
from features.common.errors import ConfigError
from features.dataset.combine import SourceDataset, combine
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from training.common.config import Config, SourceItem

if TYPE_CHECKING:
    import pandas as pd

    from connectors.crm.landing import Landing

SALT_BYTES = 32
MAIL_IDS = "lead_ids are e-mail addresses"  # what a reader of files says of them


def crm_folder(config: Config) -> Path:
    """Where landing, dataset and ledger of the configured CRM lie."""
    assert isinstance(config.source, CrmSource)  # noqa: S101
    return config.path(config.source.folder or Path("artefacts") / config.source.kind)


def read_combined(config: Config, read: Callable[[Config], tuple[Dataset, DataReport]]) -> tuple[Dataset, DataReport]:
    """The dataset of all `sources:`, and what reading and joining them has found. `read`: of a configuration with one source.

    Raises
    ------
    ConfigError, DataError
        as for each source alone, and where they cannot be joined.
    """
    parts, report = read_parts(config, read)
    dataset, joining = combine(parts)
    return dataset, report.merge(joining)


def read_parts(config: Config, read: Callable[[Config], tuple[Dataset, DataReport]]) -> tuple[list[SourceDataset], DataReport]:
    """Each source as it is alone, with what its leads are joined by, and what reading them has found."""
    by_address = any(item.join is not None and item.join.email for item in config.sources[1:])
    salt = share_salt(config) if by_address else None
    parts, report = [], DataReport()
    for number, (name, item, source_config) in enumerate(zip(source_names(config), config.sources, config.parts, strict=True)):
        dataset, source_report = read(source_config)
        # ids that are addresses are none of the whole, and each source has a day of its own
        notes = [note for note in source_report.notes if number == 0 or not note.what.endswith(MAIL_IDS)]
        report = report.merge(replace(source_report, notes=notes, extraction=""))
        addresses = _addresses(item, source_config, salt, first=number == 0) if salt is not None else None
        id_column = "lead_id" if item.join is None else item.join.id
        parts.append(SourceDataset(name, dataset, id_column, addresses, item.join.unmatched if item.join else "leave_out"))
    return parts, report


def source_names(config: Config) -> list[str]:
    """What the sources are called: by their kinds, where they have no names; of several alike the later ones are numbered."""
    names: list[str] = []
    for item in config.sources:
        name, number = item.name or item.kind, 1
        while (numbered := name if number == 1 else f"{name}{number}") in names:
            number += 1
        names.append(numbered)
    return names


def share_salt(config: Config) -> bytes:
    """What all sources mix e-mail addresses with before they are hashed: the salt of the first CRM's landing, which the other
    landings take over before anything is in them; where no source is a CRM, one that nobody keeps.

    Raises
    ------
    ConfigError
        if a CRM that is joined by addresses was imported with a salt of its own.
    """
    salt: bytes | None = None
    for item, source_config in zip(config.sources, config.parts, strict=True):
        if not isinstance(source_config.source, CrmSource):
            continue
        landing = _landing(source_config)
        own_salt = landing.shared_salt(salt)
        salt = salt or own_salt
        if own_salt != salt and item.join is not None and item.join.email:
            raise ConfigError(
                f"{landing.folder} was imported by itself: its e-mail addresses are hashed with a salt of its own, and cannot "
                "be joined with those of another source.",
                f"Name another `folder:` for {CRMS[item.kind]} under `source:` and import it anew, or join it by `id:`.",
            )
    return salt or random.token_bytes(SALT_BYTES)


def _addresses(item: SourceItem, source_config: Config, salt: bytes, *, first: bool) -> pd.DataFrame | None:
    """By which hashed addresses the leads of a source are known; None where it is not joined by them."""
    email = item.join.email if item.join else False
    if isinstance(source_config.source, CrmSource) and (email or first):
        from connectors.crm.compile import address_keys

        return address_keys(_landing(source_config))
    if isinstance(source_config.source, FilesSource) and isinstance(email, str):
        from connectors.files.addresses import address_keys as keys_of_files

        return keys_of_files(source_config.source, source_config.path(Path()), email, partial(mail_key, salt=salt))
    if first:
        raise ConfigError(
            f"sources: others are joined by e-mail addresses, and of the first one ({item.kind}) none are known.",
            "Name the column that holds them under its `join: email:` (a file), or join the others by `id:`.",
        )
    return None


def _landing(source_config: Config) -> Landing:
    assert isinstance(source_config.source, CrmSource)  # noqa: S101
    return open_landing(source_config.source, crm_folder(source_config), Secrets.read())
