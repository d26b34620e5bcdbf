"""The four CRMs by name: their settings, and how one is opened."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias

from features.sources.crm.connector import Connector
from features.sources.crm.landing import Landing
from features.sources.crm.secrets import Secrets
from features.sources.hubspot.api import open_api as open_hubspot
from features.sources.hubspot.connector import HubSpot
from features.sources.hubspot.settings import HubSpotSource
from features.sources.marketo.api import open_api as open_marketo
from features.sources.marketo.connector import Marketo
from features.sources.marketo.settings import MarketoSource
from features.sources.pipedrive.api import open_api as open_pipedrive
from features.sources.pipedrive.connector import Pipedrive
from features.sources.pipedrive.settings import PipedriveSource
from features.sources.salesforce.api import open_api as open_salesforce
from features.sources.salesforce.connector import Salesforce
from features.sources.salesforce.settings import SalesforceSource

CrmSources: TypeAlias = HubSpotSource | SalesforceSource | MarketoSource | PipedriveSource
SETTINGS: dict[str, type[CrmSources]] = {
    "hubspot": HubSpotSource,
    "salesforce": SalesforceSource,
    "marketo": MarketoSource,
    "pipedrive": PipedriveSource,
}
KINDS = tuple(SETTINGS)
LANDING_URL = "RIPELINE_LANDING_URL"
YEARS = 2  # of activities that a first import reads


def open_landing(source: CrmSources, folder: Path, secrets: Secrets) -> Landing:
    """The landing of a CRM in `folder`.

    Raises
    ------
    ConfigError
        if Postgres is configured and its address is not set.
    """
    url = None
    if source.landing == "postgres":
        url = secrets.require(LANDING_URL, "the address of the Postgres database, postgresql://user:password@host/name")
    return Landing(folder, source.kind, url)


def open_crm(source: CrmSources, folder: Path, secrets: Secrets) -> Connector:
    """A CRM, its landing in `folder`; no call is made.

    Raises
    ------
    ConfigError
        if a secret is not set.
    """
    landing = open_landing(source, folder, secrets)
    since = datetime.combine(source.since or _years_ago(), time(), UTC)
    if isinstance(source, SalesforceSource):
        return Salesforce(source, open_salesforce(source, secrets), landing, since)
    if isinstance(source, MarketoSource):
        return Marketo(source, open_marketo(source, secrets), landing, since)
    if isinstance(source, PipedriveSource):
        return Pipedrive(source, open_pipedrive(source, secrets), landing, since)
    return HubSpot(source, open_hubspot(source, secrets), landing, since)


def _years_ago() -> date:
    return (datetime.now(UTC) - timedelta(days=365 * YEARS)).date()
