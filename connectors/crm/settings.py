"""The part of a configuration that every CRM has: `source: {kind: hubspot, …}`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from connectors.common.source import SourceSettings
from connectors.crm.rate_limit import Rate
from features.common.settings import Settings


class Limit(Settings):
    """At most `calls` in any `seconds`."""

    calls: int = Field(ge=1)
    seconds: float = Field(gt=0)

    def rate(self) -> Rate:
        return Rate(self.calls, self.seconds)


class Columns(Settings):
    """Column of ours: field of theirs. What is given here comes on top of the defaults."""

    leads: dict[str, str] = Field(default_factory=dict)
    companies: dict[str, str] = Field(default_factory=dict)


class WriteBack(Settings):
    """Where scores go. `fields`: which of ours are written, all when not given."""

    prefix: str = Field("ripeline", pattern=r"^[a-z][a-z0-9]{1,19}$", description="first word of the fields' names")
    fields: list[str] | None = None
    most: int | None = Field(None, ge=1, description="scores written in one run, those for sales first; default: all")
    most_changed: float = Field(
        0.2, gt=0, le=1, description="share of the scores that stand in the CRM that a run may empty or move noticeably"
    )


class CrmSource(SourceSettings):
    """A CRM. Secrets never stand here: they come from the environment or the secrets file."""

    LEADS: ClassVar[dict[str, str]] = {}  # column of ours: field of theirs, where `columns` says nothing else
    COMPANIES: ClassVar[dict[str, str]] = {}
    ADDRESS: ClassVar[str] = ""  # what an account's address looks like, where each has its own

    base_url: str
    api_version: str
    folder: Path | None = Field(None, description="landing, dataset and what was written; default: artefacts/<kind>")
    landing: Literal["duckdb", "postgres"] = "duckdb"
    since: date | None = Field(
        None, description="activities before that day are not read; default: two years before the first run"
    )
    columns: Columns = Columns()
    exclude: list[str] = Field(default_factory=list, description="fields of theirs that are no attributes")
    stages: dict[str, dict[str, str | None]] | None = Field(None, description="per field: value of theirs → lead stage")
    interactions: dict[str, str | None] = Field(default_factory=dict, description="type of theirs → ours; null leaves it out")
    limits: list[Limit] | None = Field(None, description="calls we allow ourselves; default: what the smallest plan allows")
    sweep_hours: float = Field(20, ge=0, description="how often all ids are listed to find what was deleted")
    sweep_most: float = Field(0.2, gt=0, le=1, description="share of a table that may be missing at once; more stops the run")
    calls_per_day: int | None = Field(None, ge=1, description="what your plan allows; default: what the vendor says")
    write_back: WriteBack = WriteBack()

    @field_validator("base_url", mode="before")
    @classmethod
    def _require_url(cls, url: object) -> object:
        if url is None:
            raise ValueError(f"give the address of your account, such as {cls.ADDRESS}")
        return url

    @field_validator("base_url", "login_url", check_fields=False)
    @classmethod
    def _an_address(cls, url: str) -> str:
        if not url.startswith(("https://", "http://127.", "http://localhost", "http://[::1]")):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return url.rstrip("/")

    @field_validator("stages", mode="before")
    @classmethod
    def _text(cls, stages: Any) -> Any:
        """Values of stage fields are text, whatever YAML takes them for: 7, true, yes."""
        if not isinstance(stages, dict):
            return stages
        return {k: {_as_text(v): stage for v, stage in m.items()} if isinstance(m, dict) else m for k, m in stages.items()}

    @property
    def leads(self) -> dict[str, str]:
        """Column of a lead: field of theirs."""
        return {**self.LEADS, **self.columns.leads}

    @property
    def companies(self) -> dict[str, str]:
        """Column of a company: field of theirs."""
        return {**self.COMPANIES, **self.columns.companies}

    def rates(self, defaults: list[Rate]) -> list[Rate]:
        return [limit.rate() for limit in self.limits] if self.limits else defaults


def _as_text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
