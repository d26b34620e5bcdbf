"""The configuration of one business: a YAML file checked as a whole; unknown keys are refused with the nearest known one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, Field, PrivateAttr, SerializeAsAny, ValidationError, model_validator

from connectors.common.source import SourceSettings
from connectors.registry import CRMS, SOURCES, read_source, settings_of
from features.common.errors import ConfigError, nearest
from features.common.settings import Settings, explain
from features.dataset.funnel import DEFAULT_EXITS, DEFAULT_STAGES, Funnel
from features.engine.scanners import ROLES, mail_roles
from features.partitions.memory import size
from features.turning_away import TurningAway


class FunnelConfig(Settings):
    """Lead stages in order, exits, and horizons in days; a horizon left out is chosen from the data and reported."""

    stages: list[str] = Field(default_factory=lambda: list(DEFAULT_STAGES))
    exits: list[str] = Field(default_factory=lambda: list(DEFAULT_EXITS))
    horizons: dict[str, float] = Field(default_factory=dict)

    def build(self) -> Funnel:
        return Funnel(tuple(self.stages), tuple(self.exits), self.horizons)


class Sales(Settings):
    """What sales can take and what it costs."""

    capacity_per_week: float | None = Field(None, gt=0, description="leads sales can take per week")
    leads_per_week: float | None = Field(None, gt=0, description="leads that come in a week; default: as their dates say")
    cost_per_contact: float | None = Field(None, ge=0)
    currency: str | None = Field(None, description="of all amounts; default: the one most won deals are in")
    hand_over: str | None = Field(None, description="lead stage in which sales takes over; default: `sql`, else the last")


class Nurturing(Settings):
    """What marketing can take on: leads it nurtures towards sales, in the lead stages before the hand-over."""

    per_week: float | None = Field(None, gt=0, description="leads taken into a lead stage per week; default: as many as now")
    cost: float | None = Field(None, ge=0, description="what nurturing one of them costs")
    steps: list[str] | None = Field(
        None, description="interaction types that marketing can offer as a next step; default: those known as such"
    )


class ReportConfig(Settings):
    """The report for marketers."""

    language: Literal["en", "de"] = "en"


class ValueConfig(Settings):
    """What deals in other currencies are worth, and what a customer is worth beyond its first deal."""

    rates: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="how much of `sales: currency:` one unit of another is worth"
    )
    lifetime: Literal["deals"] | Annotated[float, Field(gt=0)] = Field(
        1.0, description="a customer's worth as a multiple of its first deal; `deals`: what customers won in their first year"
    )


class LandmarkConfig(Settings):
    """At which ages (days in the lead stage) leads are looked at."""

    ages: list[Annotated[float, Field(ge=0)]] | None = None


class Search(Settings):
    """Bounds of the search for LightGBM's settings, per transition. `trials` end it, so the same data give the same model on
    any machine; a limit in `minutes` is for those who would rather have it end, and is said in the result where it was hit.
    """

    trials: int = Field(8, ge=1)
    minutes: float | None = Field(None, gt=0)


class Scanners(Settings):
    """How mail scanners are recognised: which interaction types are mails sent, opened, clicked; default: by their names."""

    off: bool = False
    sent: list[str] | None = None
    opened: list[str] | None = None
    clicked: list[str] | None = None

    def roles(self, types: Sequence[str], turning_away: TurningAway) -> tuple[str, ...]:
        """The role of each type. A role that is given has the types named and no others; what turns away has none.

        Raises
        ------
        ConfigError
            for a type that the data do not hold.
        """
        type_roles = list(mail_roles(types))
        configured_roles = {role: names for role in ROLES if (names := getattr(self, role)) is not None}
        for role, names in configured_roles.items():
            for name in names:
                if name not in types:
                    raise ConfigError(
                        f"scanners: {role}: no interaction type {name!r}: {nearest(name, types)}", "Name one of them."
                    )
            type_roles = ["" if old_role == role else old_role for old_role in type_roles]
            type_roles = [role if name in names else old_role for name, old_role in zip(types, type_roles, strict=True)]
        return tuple("" if name in turning_away.types else role for name, role in zip(types, type_roles, strict=True))


class TurningAwayConfig(Settings):
    """Which interaction types turn away, beside those whose name says so."""

    also: list[str] = Field(default_factory=list, description="interaction types that turn away though their name is another")
    never: list[str] = Field(default_factory=list, description="interaction types that do not, whatever their name")

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if both := sorted({*self.also} & {*self.never}):
            raise ValueError(f"{both[0]!r} stands under `also` and under `never`; leave one of them out")
        return self

    def among(self, types: Collection[str]) -> TurningAway:
        """Which of the types of the data turn away.

        Raises
        ------
        ConfigError
            for a type that the data do not hold.
        """
        for key, names in (("also", self.also), ("never", self.never)):
            for name in names:
                if name not in types:
                    raise ConfigError(
                        f"turning_away: {key}: no interaction type {name!r}: {nearest(name, types)}", "Name one of them."
                    )
        return TurningAway.among(types, self.also, self.never)


class AuditConfig(Settings):
    """Columns that stay although the leakage audit would leave them out, as "budget" or "lead.budget"."""

    insist: list[str] = Field(default_factory=list)


class Attributes(Settings):
    """Which attribute columns to leave out."""

    exclude: list[str] = Field(default_factory=list)
    min_level_rows: int = Field(20, ge=1, description="rows from which a category's level gets a column of its own")


Bytes = Annotated[int, BeforeValidator(size)]


class EngineConfig(Settings):
    """Where the work is done and with how much memory; see docs/scale.md."""

    kind: Literal["local", "dask"] = "local"
    address: str | None = Field(None, description="of a Dask scheduler; without one, a cluster on this machine")
    workers: int | None = Field(None, ge=1, description="processes; default: one per processor")
    memory: Bytes = Field(4 * 2**30, description="of all processes on this machine together, or of each worker of a cluster")
    disk: Bytes | None = Field(None, description="at most so much is spilled while sorting; default: what there is")
    spill: Path | None = Field(None, description="where it is spilled to; default: beside the buckets")
    folder: str | None = Field(None, description="folder or URL of buckets and matrix; default: artefacts/<name>/scale")
    stream: Literal["auto", "always", "never"] = Field(
        "auto", description="whether a training goes through buckets; auto: where it would not fit into `memory`"
    )
    bucket: int | None = Field(None, ge=1_000, description="interactions in a bucket; default: as many as `memory` allows")

    @model_validator(mode="after")
    def _address_of_dask(self) -> Self:
        if self.address and self.kind != "dask":
            raise ValueError("an `address:` is of a Dask scheduler; set `kind: dask` or leave it out")
        return self


class Join(Settings):
    """Which leads of a source are which of the first one: by a column with their ids, else by their e-mail addresses.

    `email`: the column of a file's leads that holds the address, `true` for a CRM. `unmatched`: what becomes of leads that are
    none of the first source's.
    """

    id: str | None = Field(None, description="column of its leads that holds the first source's ids; `lead_id` where alike")
    email: bool | str = False
    unmatched: Literal["leave_out", "add"] = "leave_out"

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.id is None and not self.email:
            raise ValueError("say by what: `id:` names a column with the first source's ids, `email:` one with addresses")
        return self


class SourceItem(Settings):
    """One of several sources: how a dataset is made, or a folder that Ripeline wrote, such as an export of the lead store."""

    name: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="in the report; default: its kind")
    source: Annotated[SerializeAsAny[SourceSettings] | None, BeforeValidator(read_source)] = None
    dataset: Path | None = None
    join: Join | None = Field(None, description="default: its lead ids are the first source's")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.dataset is None) == (self.source is None):
            raise ValueError("give either `source:` or `dataset:`, exactly one of them")
        email = self.join.email if self.join else False
        if email and self.kind in ("dataset", "simulator"):
            raise ValueError("a dataset has no e-mail addresses: join it by `id:`")
        if email is True and self.kind == "files":
            raise ValueError("join: email: names the column of the file of leads that holds the address")
        if isinstance(email, str) and self.kind in CRMS:
            raise ValueError("join: email: is `true`: a CRM's addresses are known")
        return self

    @property
    def kind(self) -> str:
        return "dataset" if self.source is None else self.source.kind


class Config(Settings):
    """One business. `dataset` is a folder that Ripeline wrote; `source` says how to make one."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="MLflow experiment and registered model")
    dataset: Path | None = None
    # written with the settings of its kind, not only those of the base: digests and logs rest on them
    source: Annotated[SerializeAsAny[SourceSettings] | None, BeforeValidator(read_source)] = None
    sources: list[SourceItem] = Field(
        default_factory=list, description="several in place of one; the first says who is a lead, the others add to it"
    )
    funnel: FunnelConfig = FunnelConfig()
    rules: Path | None = None
    sales: Sales = Sales()
    nurturing: Nurturing = Nurturing()
    value: ValueConfig = ValueConfig()
    report: ReportConfig = ReportConfig()
    landmarks: LandmarkConfig = LandmarkConfig()
    search: Search = Search()
    attributes: Attributes = Attributes()
    scanners: Scanners = Scanners()
    turning_away: TurningAwayConfig = TurningAwayConfig()
    audit: AuditConfig = AuditConfig()
    engine: EngineConfig = EngineConfig()
    pool: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="businesses of the same pool learn from each other's aggregates",
    )
    test_share: float = Field(0.2, gt=0, lt=0.6, description="newest share of matured landmarks kept for the test")
    seed: int = 7

    _folder: Path = PrivateAttr(Path())

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.dataset is not None, self.source is not None, bool(self.sources))) != 1:
            raise ValueError(
                "give either `dataset:` (a folder Ripeline wrote), `source:` (how to make one) or `sources:` (several), "
                "exactly one of them"
            )
        kinds = [item.kind for item in self.sources if item.kind in CRMS]
        if repeated := [kind for kind in kinds if kinds.count(kind) > 1]:
            raise ValueError(f"sources: {repeated[0]} stands there twice; one account of a CRM is one source")
        if self.sources and self.sources[0].join is not None and self.sources[0].join.id is not None:
            raise ValueError("sources: the first one is whom the others are joined to, it has no `join: id:`")
        return self

    @property
    def parts(self) -> list[Config]:
        """The same with each of the `sources` alone; itself where there is one."""
        return [self.changed(source=s.source, dataset=s.dataset, sources=[]) for s in self.sources] or [self]

    @classmethod
    def read(cls, path: Path | str) -> Config:
        """Read a configuration; relative paths in it are relative to its folder.

        Raises
        ------
        ConfigError
            if the file is missing, no YAML, or wrong; every problem is named with its place.
        """
        file = Path(path)
        try:
            content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(f"The configuration {file} cannot be read: {error.strerror}.", "Check CONFIG=….") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"The configuration {file} is not valid YAML: {error}.", "Mend it at that line.") from error
        try:
            config = cls.model_validate(content)
        except ValidationError as error:
            raise explain(error, cls, str(file), _settings_around(content)) from error
        config._folder = file.resolve().parent
        return config

    def changed(self, **changes: object) -> Config:
        """The same with other values, which are not checked."""
        config_copy = self.model_copy(update=changes)
        config_copy._folder = self._folder
        return config_copy

    def path(self, relative: Path) -> Path:
        """A path of the configuration, relative to its folder."""
        return relative if relative.is_absolute() else self._folder / relative


def _settings_around(content: Any) -> dict[type[BaseModel], type[BaseModel]]:
    """The settings that `source:` was read as, for hints on unknown keys in it."""
    source = content.get("source") if isinstance(content, dict) else None
    kind = source.get("kind") if isinstance(source, dict) else None
    return {SourceSettings: settings_of(kind)} if isinstance(kind, str) and kind in SOURCES else {}
