"""What a server reads from its environment, all of it: read once where a program starts, and handed on.

Nothing else in `serving/` asks the environment, and what libraries find there of us is put there here.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr, ValidationInfo, field_validator

from features.common.environment import ANOTHER, Address, EnvironmentSettings, number, variable
from features.common.errors import ConfigError, nearest

LEVELS = ("debug", "info", "warning", "error")
RETAINED = ("interactions", "closed_leads", "scores")  # what is kept so many days
MOST_SECONDS = 3600
LAST_SECONDS = 2  # of stopping: for connections that are still written to when all is answered (`--timeout-graceful-shutdown`)
SECRET_BYTES, PSEUDONYM_CHARACTERS = 32, 16  # of a secret, at least
ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?|http://(localhost|127\.0\.0\.1)(:\d+)?")
ISSUER = "RIPELINE_JWT_"
NO_TRACKING = {"BENTOML_DO_NOT_TRACK": "True"}  # BentoML reports nobody's use
_SECURITY = "([security](docs/security.md))"
_CRM = "([docs/crm](docs/crm/README.md))"
_OPERATION = "([operation](docs/operation.md))"
_PRIVACY = "([privacy](docs/privacy.md))"


def _within(low: float, high: float, kind: str = "number", example: str = "") -> Callable[[str, ValidationInfo], float]:
    """What reads a number from `low` to `high`; every other text is refused with those bounds, as a `kind`, or `example`."""

    def bounded(text: str, info: ValidationInfo) -> float:
        value = number(text, low, high)
        if value is None:
            raise ConfigError(
                f"{_variable(info)}: {text.strip()!r} is no {kind} from {low:.10g} to {high:.10g}.", example or ANOTHER
            )
        return value

    return bounded


_span = _within(1, 1e6, example="Write days or hours, such as 730.")
Span = Annotated[float, BeforeValidator(_span)]
Seconds = Annotated[float, BeforeValidator(_within(0, MOST_SECONDS, "number of seconds"))]


class ServingSettings(EnvironmentSettings):
    """The variables of a server."""

    CLOSED = ISSUER  # a setting of an issuer that is misspelt would let in more than was meant

    model: Path | None = variable(None, "model folder", "`artefacts/champion`; in a Bento the one that is packed")
    report: Path | None = variable(None, "report that is shown")
    shadow: Path | None = variable(None, f"model folder of a challenger that scores beside {_OPERATION}")
    store: Address | None = variable(
        None, "address of the [lead store](docs/store.md)", "`make serve`: `sqlite:///artefacts/leads.db`; else none"
    )
    refresh_hours: Span = variable(24.0, "after so many hours a stored lead is scored again")
    retention_days: Mapping[str, float] = variable(
        {}, f"how long interactions, closed leads and scores are kept {_PRIVACY}", "for ever"
    )
    pseudonym_key: SecretStr | None = variable(
        None, f"secret that makes ids in the store pseudonyms {_PRIVACY}", "none: ids as they come"
    )
    erased_key: SecretStr | None = variable(None, "secret of the hashes of erased ids", "a key in the store")
    erased_kept: bool = variable(True, "`no` remembers nobody who was erased")
    contact: str | None = variable(None, "who answers for decisions, told to who asks")
    keys: Path | None = variable(None, f"file of the API keys {_SECURITY}", "`keys.json`, where there is one")
    secret: SecretStr | None = variable(
        None, f"what signs the passes of browsers, 32 characters or more {_SECURITY}", "`keys.secret` beside the keys"
    )
    jwt_issuer: str | None = variable(None, f"an issuer of tokens, beside keys or instead {_SECURITY}")
    jwt_audience: str | None = variable(None, "what its tokens must be for")
    jwt_keys: str | None = variable(None, "where its key set (JWKS) lies: a URL or a file")
    jwt_algorithms: str = variable("RS256,ES256", "signatures that are taken")
    jwt_claim: str = variable("scope", "where in a token scopes stand")
    jwt_scopes: str | None = variable(None, "the issuer's words for ours, `theirs=ours,…`", "our own words")
    jwt_leeway: Annotated[float, BeforeValidator(_within(0, 300))] = variable(30.0, "seconds by which clocks may differ")
    jwt_rate: Annotated[float, BeforeValidator(_within(0.01, 1e6))] = variable(100.0, "requests a second of one subject")
    audit: Path | None = variable(None, f"folder of the audit trail {_SECURITY}", "`make serve`: `artefacts/audit`; else none")
    proxies: tuple[str, ...] = variable((), "addresses and networks whose `X-Forwarded-For` and `-Proto` are believed")
    origins: tuple[str, ...] = variable((), "web pages elsewhere that may ask from a browser")
    public_url: str = variable("", f"our address as browsers and the CRM call it {_CRM}")
    hooks: Path | None = variable(None, f"folder of the CRM whose webhooks are taken {_CRM}", "none: they are off")
    hubspot_client_secret: SecretStr | None = variable(
        None, f"what signs HubSpot's webhooks {_CRM}", name="HUBSPOT_CLIENT_SECRET"
    )
    pipedrive_hook_user: str | None = variable(None, "user name that Pipedrive's webhooks send", name="PIPEDRIVE_HOOK_USER")
    pipedrive_hook_password: SecretStr | None = variable(None, "their password", name="PIPEDRIVE_HOOK_PASSWORD")
    marketo_hook_key: SecretStr | None = variable(None, "key that Marketo's webhook sends", name="MARKETO_HOOK_KEY")
    workers: int = variable(1, f"processes that answer {_OPERATION}")
    connections: int = variable(2_000, "connections of each")
    drain: Seconds = variable(0.0, "seconds of not being ready before stopping")
    stop: Annotated[float, BeforeValidator(_within(LAST_SECONDS, MOST_SECONDS, "number of seconds"))] = variable(
        30.0, f"seconds for what still runs then, {LAST_SECONDS} or more"
    )
    log_level: str = variable("info", "debug, info, warning or error")
    traces_endpoint: Address | None = variable(
        None, f"where traces go {_OPERATION}", "none: off", name="OTEL_EXPORTER_OTLP_ENDPOINT"
    )
    own_traces_endpoint: Address | None = variable(None, "the same for traces alone", name="OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    traces_exporter: str = variable("otlp", "another than `otlp`: no traces", name="OTEL_TRACES_EXPORTER")
    traces_disabled: str | None = variable(None, "`true`: no traces", name="OTEL_SDK_DISABLED")
    service_name: str | None = variable(None, "what traces call this server", "ripeline", name="OTEL_SERVICE_NAME")

    @field_validator("retention_days", mode="before")
    @classmethod
    def _retention(cls, text: str, info: ValidationInfo) -> dict[str, float]:
        """One number for all three, or `interactions=730,closed_leads=365,scores=400`."""
        if "=" not in text:
            return dict.fromkeys(RETAINED, _span(text, info))
        limits: dict[str, float] = {}
        for setting in _entries(text):
            kind, _, days = setting.partition("=")
            if kind not in RETAINED:
                raise ConfigError(f"{_variable(info)}: {kind!r} is nothing that is kept: {nearest(kind, RETAINED)}")
            limits[kind] = _span(days, info)
        return limits

    @field_validator("pseudonym_key")
    @classmethod
    def _long_key(cls, key: SecretStr, info: ValidationInfo) -> SecretStr:
        if len(key.get_secret_value()) < PSEUDONYM_CHARACTERS:
            raise ConfigError(
                f"{_variable(info)} is shorter than {PSEUDONYM_CHARACTERS} characters.",
                'Make one: python -c "import secrets; print(secrets.token_hex(32))", and keep it: without it no id is found '
                "again.",
            )
        return key

    @field_validator("secret")
    @classmethod
    def _long_secret(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        size = len(secret.get_secret_value().encode())
        if size < SECRET_BYTES:
            raise ConfigError(
                f"{_variable(info)} has {size} characters.", f"Give {SECRET_BYTES} random ones or more, or leave it out."
            )
        return secret

    @field_validator("erased_kept", mode="before")
    @classmethod
    def _is_kept(cls, text: str) -> bool:
        return text.strip().lower() not in ("no", "0", "false")

    @field_validator("jwt_issuer", "jwt_audience", "jwt_keys", "jwt_algorithms", "jwt_claim", "jwt_scopes", mode="before")
    @classmethod
    def _stripped(cls, text: str) -> str:
        return text.strip()

    @field_validator("origins", mode="before")
    @classmethod
    def _whole_origins(cls, text: str, info: ValidationInfo) -> tuple[str, ...]:
        """Whole origins: a star would let in every page that somebody has open."""
        listed = tuple(entry.rstrip("/") for entry in _entries(text))
        for origin in listed:
            if not ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"{_variable(info)}: {origin!r} is no origin.",
                    "Write whole ones, such as https://crm.example.com, no star.",
                )
        return listed

    @field_validator("proxies", mode="before")
    @classmethod
    def _networks(cls, text: str, info: ValidationInfo) -> tuple[str, ...]:
        """No names, and not everybody: then each caller could say to be anybody."""
        for entry in _entries(text):
            try:
                unbounded = ipaddress.ip_network(entry, strict=False).prefixlen == 0
            except ValueError:
                unbounded = True
            if unbounded:
                raise ConfigError(
                    f"{_variable(info)}: {entry!r} is no address.",
                    "Write addresses or networks, such as 10.0.0.0/8, and no star.",
                )
        return tuple(_entries(text))

    @field_validator("workers", "connections", mode="before")
    @classmethod
    def _count(cls, text: str, info: ValidationInfo) -> int:
        try:
            count = int(text)
        except ValueError:
            raise ConfigError(f"{_variable(info)}: {text!r} is no whole number.", "Write one from 1 on.") from None
        if count < 1 and info.field_name == "workers":
            raise ConfigError(
                f"{_variable(info)}: {count} is less than 1.",
                "Name one or more with --workers (WORKERS=… for make serve).",
            )
        if count < 1:
            raise ConfigError(f"{_variable(info)}: {count} is less than 1.", "Write a whole number from 1 on.")
        return count

    @field_validator("log_level", mode="before")
    @classmethod
    def _level(cls, text: str, info: ValidationInfo) -> str:
        level = text.strip().lower()
        if level not in LEVELS:
            raise ConfigError(f"{_variable(info)}: {text!r}.", f"There are {', '.join(LEVELS)}.")
        return level


UNSET = ServingSettings()


def process_settings(options: Mapping[str, str] | None = None) -> ServingSettings:
    """The settings of this process, to be read where it starts; `options` of its command line go first.

    Raises
    ------
    ConfigError
        as `ServingSettings.read` does.
    """
    return ServingSettings.read(os.environ, options=options)


def process_environment(changes: Mapping[str, str], modules: Path) -> dict[str, str]:
    """The environment of a server that this process becomes: ours with `changes`, and `modules` first on Python's path."""
    path = os.pathsep.join([str(modules), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, **changes, **NO_TRACKING, "PYTHONPATH": path}


def tell_libraries(proxies: Iterable[str] = ()) -> None:
    """What BentoML and uvicorn read by themselves, to be said before they are imported.

    X-Forwarded-For is believed of nobody unless they are named; uvicorn would believe whoever asks from this machine.
    """
    for name, value in NO_TRACKING.items():
        os.environ.setdefault(name, value)
    os.environ["FORWARDED_ALLOW_IPS"] = ",".join(proxies)


def _variable(info: ValidationInfo) -> str:
    return ServingSettings.model_fields[str(info.field_name)].alias or ""


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]
