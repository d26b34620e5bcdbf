"""Settings from the environment: a model of each program, a field of it each variable, and where every value comes from.

Secrets are never shown: a `SecretStr` is stars, of an `Address` user, password and parameters are.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, Secret, SecretStr, ValidationError

from features.common.errors import ConfigError

MASK = "•••"
ANOTHER = "Write another value, or leave it out."
DEFAULT, ENVIRONMENT, OPTION = "default", "environment", "option"


class Address(Secret[str]):
    """An address that may hold a password."""

    def _display(self) -> str:
        return masked_address(self.get_secret_value())


class EnvironmentSettings(BaseModel):
    """Base of them; `RIPELINE_…` of its fields in capitals are their variables, where nothing else is said."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: f"RIPELINE_{name.upper()}")
    CLOSED: ClassVar[str] = ""  # variables that begin so are all known: another is refused
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def read(
        cls, environment: Mapping[str, str], *, options: Mapping[str, str] | None = None, file: Mapping[str, str] | None = None,
        file_name: str = "",
    ) -> Self:  # fmt: skip
        """Variable → text, of options of the command line before those of the environment, and those before a file's; what is
        empty is as if it were not there.

        Raises
        ------
        ConfigError
            naming the variable, what it is and what it takes.
        """
        closed = [name for name in cls.variables() if cls.CLOSED and name.startswith(cls.CLOSED)]
        unknown = sorted(name for name in environment if closed and name.startswith(cls.CLOSED) and name not in closed)
        if unknown:
            raise ConfigError(f"There is no setting {unknown[0]}.", f"There are {', '.join(closed)}.")
        texts: dict[str, str] = {}
        sources: dict[str, str] = {}
        for source, layer in ((f"file {file_name}", file or {}), (ENVIRONMENT, environment), (OPTION, options or {})):
            for name in cls.variables():
                if layer.get(name, "").strip():
                    texts[name], sources[name] = layer[name], source
        try:
            settings = cls.model_validate(texts)
        except ValidationError as error:
            first = error.errors()[0]  # its message alone: the value may be a secret
            raise ConfigError(f"{first['loc'][0]}: {first['msg']}.", ANOTHER) from None
        settings._sources.update(sources)
        return settings

    def source_of(self, field: str) -> str | None:
        """Where the value of a field comes from; None where it is the default."""
        return self._sources.get(type(self).model_fields[field].alias or field)

    @classmethod
    def variables(cls) -> list[str]:
        """The variables, in the order of the fields."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    def rows(self) -> list[tuple[str, str, str]]:
        """Of each variable its name, its value as it may be shown, and where that comes from. Where nothing is set, what holds
        then in words, if the default alone does not say it."""
        rows = []
        for name, field in type(self).model_fields.items():
            source, extra = self.source_of(name), field.json_schema_extra
            usual = str(extra.get("usual") or "") if source is None and isinstance(extra, dict) else ""
            rows.append((field.alias or name, usual.replace("`", "") or _shown(getattr(self, name)), source or DEFAULT))
        return rows


def variable(default: Any, meaning: str, usual: str = "", *, name: str | None = None) -> Any:
    """A field. `usual` says what holds where nothing is set, if the default alone does not; `name` is a variable of others."""
    return Field(default, alias=name, description=meaning, json_schema_extra={"usual": usual})


def revealed(secret: Secret[str] | SecretStr | None) -> str:
    """What a secret hides, to be used and not shown; "" where there is none."""
    return secret.get_secret_value() if secret else ""


def number(text: str, low: float, high: float = math.inf) -> float | None:
    """The number that a text is, from `low` to `high`; None where it is none of them."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if low <= value <= high else None


def masked_address(text: str) -> str:
    """An address without user, password and parameters.

    >>> masked_address("postgresql+psycopg://me:p@ss/word@host/leads?sslpassword=x")
    'postgresql+psycopg://•••@host/leads?•••'
    """
    return re.sub(r"\?.*", f"?{MASK}", re.sub(r"(?<=://).*@", f"{MASK}@", text))


def table(*models: EnvironmentSettings) -> str:
    """All variables of these models, their values and sources in columns."""
    rows = [("variable", "value", "source"), *(row for model in models for row in model.rows())]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)


def _shown(value: Any) -> str:
    if value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={_shown(item)}" for key, item in value.items())
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else f"{value}"
