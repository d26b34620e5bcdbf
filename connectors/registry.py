"""All connectors by name. What stands here is text: a connector is imported when its settings are read or it is opened."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from connectors.common.source import SourceSettings
from features.common.errors import ConfigError, nearest

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from connectors.crm.connector import Connector
    from connectors.crm.landing import Landing
    from connectors.crm.secrets import Secrets
    from connectors.crm.settings import CrmSource
    from connectors.hubspot.connector import HubSpot
    from connectors.marketo.connector import Marketo
    from connectors.pipedrive.connector import Pipedrive
    from connectors.salesforce.connector import Salesforce

    # opened by their names below, where no type is seen: each has to be a whole connector
    CONNECTORS: tuple[type[Connector], ...] = (HubSpot, Salesforce, Marketo, Pipedrive)

CRMS: Mapping[str, str] = {
    "hubspot": "HubSpot",
    "salesforce": "Salesforce",
    "marketo": "Marketo",
    "pipedrive": "Pipedrive",
}
SOURCES: Mapping[str, str] = {
    "files": "connectors.files.settings:FilesSource",
    "simulator": "connectors.simulator.settings:SimulatorSource",
    **{kind: f"connectors.{kind}.settings:{name}Source" for kind, name in CRMS.items()},
}
LANDING_URL = "RIPELINE_LANDING_URL"
YEARS = 2  # of activities that a first import reads


def settings_of(kind: str) -> type[SourceSettings]:
    """The settings class of a kind of source.

    Raises
    ------
    ConfigError
        if there is no such kind.
    """
    if kind not in SOURCES:
        raise ConfigError(f"there is no source {kind!r}: {nearest(kind, SOURCES)}", "Name one of them.")
    module, _, name = SOURCES[kind].partition(":")
    settings: type[SourceSettings] = getattr(import_module(module), name)
    return settings


def read_source(value: Any) -> Any:
    """`source:` of a configuration as the settings of its kind; what is none yet is left to the caller's check.

    Raises
    ------
    ValueError
        if its kind is missing or unknown, or something in it is wrong (pydantic's ValidationError).
    """
    if not isinstance(value, Mapping):
        return value
    if "kind" not in value:
        raise ValueError(f"say which with `kind:`, one of {', '.join(SOURCES)}")
    try:
        return settings_of(str(value["kind"])).model_validate(value)
    except ConfigError as error:
        raise ValueError(error.fact) from error


def open_landing(source: CrmSource, folder: Path, secrets: Secrets) -> Landing:
    """The landing of a CRM in `folder`.

    Raises
    ------
    ConfigError
        if Postgres is configured and its address is not set.
    """
    from connectors.crm.landing import Landing

    url = None
    if source.landing == "postgres":
        url = secrets.require(LANDING_URL, "the address of the Postgres database, postgresql://user:password@host/name")
    return Landing(folder, source.kind, url)


def open_crm(source: CrmSource, folder: Path, secrets: Secrets) -> Connector:
    """A CRM, its landing in `folder`; no call is made.

    Raises
    ------
    ConfigError
        if a secret is not set.
    """
    from datetime import UTC, datetime, time

    landing = open_landing(source, folder, secrets)
    history_start = datetime.combine(source.since or _years_ago(), time(), UTC)
    api = import_module(f"connectors.{source.kind}.api").open_api(source, secrets)
    connector: Connector = getattr(import_module(f"connectors.{source.kind}.connector"), CRMS[source.kind])(
        source, api, landing, history_start
    )
    return connector


def _years_ago() -> date:
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) - timedelta(days=365 * YEARS)).date()
