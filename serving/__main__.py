"""`python -m serving --model FOLDER`: start the server; `python -m serving settings`: what it would start with."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from serving.common.settings import ServingSettings
    from serving.store.store import Store

MODULES = (
    "alembic", "bentoml", "jwt", "lightgbm", "numpy", "pandas", "psycopg", "pyarrow", "pydantic", "sklearn", "scipy",
    "sqlalchemy", "starlette", "yaml",
)  # fmt: skip
USUAL_MODEL = Path("artefacts/champion")

KEEP_ALIVE_SECONDS = 75  # more than proxies keep an idle connection (60): who ends it first resets who is just asking on it


def arguments() -> argparse.Namespace:
    """What was asked for. An option that is a setting goes before its variable."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve a model folder.")
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "settings"),
        default="serve",
        help="settings: show, and say where they come from",
    )
    parser.add_argument("--model", type=Path, help=f"model folder; default: RIPELINE_MODEL, else {USUAL_MODEL}")
    parser.add_argument("--report", type=Path, help="report.html of its training, shown at /report")
    parser.add_argument("--store", help="address of the lead store, whose work list is shown at /; default: RIPELINE_STORE")
    parser.add_argument("--shadow", type=Path, help="model folder of a challenger that scores beside, after each answer")
    parser.add_argument(
        "--keys", type=Path, help="file of the API keys (serving/access/api_keys.py); default: keys.json, if there is one"
    )
    parser.add_argument("--audit", type=Path, help="folder of the audit trail (serving/logs/audit_cli.py); default: none")
    parser.add_argument("--workers", help="processes that answer; default: RIPELINE_WORKERS, else 1")
    parser.add_argument("--wait-for-model", action="store_true", help="start without a model and take the one that comes")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3000)
    return parser.parse_args()


def main() -> None:
    """Check what can be checked, then become BentoML's server."""
    options = arguments()
    missing = [m for m in MODULES if importlib.util.find_spec(m) is None]
    if missing:
        sys.exit(f"The Python module {missing[0]!r} is missing. Run `make setup`, then `make serve`.")
    from features.common.environment import table
    from features.common.errors import RipelineError
    from serving.common.settings import LAST_SECONDS, process_environment, process_settings

    try:
        settings = process_settings(overrides(options))
        if options.command == "settings":
            print(table(settings))
            return
        message, changes = checked(settings, options.host, options.wait_for_model)
    except RipelineError as error:
        sys.exit(str(error))
    if trouble := cannot_listen(options.host, options.port):
        sys.exit(
            f"Cannot listen on {options.host}:{options.port}: {trouble}. Name another with --port (PORT=… for make serve)."
        )
    print(f"{message} on http://{options.host}:{options.port} (work list at /, API at /docs)", flush=True)
    root = Path(__file__).resolve().parent.parent
    command = [
        "serve",
        "serving.service:Ripeline",
        "--host",
        options.host,
        "--port",
        str(options.port),
        "--working-dir",
        str(root),
        "--timeout-keep-alive",
        str(KEEP_ALIVE_SECONDS),
        "--timeout-graceful-shutdown",
        str(LAST_SECONDS),
    ]
    environment = process_environment(changes, root)
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", *command], environment)  # noqa: S606  our own


def overrides(options: argparse.Namespace) -> dict[str, str]:
    """Variable → what the options say in its place. What is only shown need not be there: then it is as if not named."""
    named = {name: getattr(options, name) for name in ("model", "store", "keys", "audit", "workers")}
    shown = {name: getattr(options, name) for name in ("report", "shadow")}
    named |= {name: path for name, path in shown.items() if path is not None and path.exists()}
    return {f"RIPELINE_{name.upper()}": str(value) for name, value in named.items() if value is not None}


def checked(settings: ServingSettings, host: str, wait_for_model: bool) -> tuple[str, dict[str, str]]:
    """What is served in words, and what changes in the environment of the server: paths and addresses whole, since it works
    in another folder, the issuer's key set among them.

    Raises
    ------
    RipelineError
        for a model folder, keys or settings with which it is not to start.
    """
    from serving.access.jwks import file_of

    model = settings.model or USUAL_MODEL
    message = model_in_words(model, wait_for_model)
    keys = checked_keys(settings, host)
    store = opened_store(settings)
    paths: dict[str, Path | None] = {name: value for name, value in settings if isinstance(value, Path)}
    paths |= {"model": model, "keys": keys, "jwt_keys": file_of(settings.jwt_keys) if settings.jwt_keys else None}
    fields = type(settings).model_fields
    changes = {fields[name].alias or name: str(path.resolve()) for name, path in paths.items() if path is not None}
    if store is not None:
        changes["RIPELINE_STORE"] = store.url.render_as_string(hide_password=False)
    return message, changes | {"RIPELINE_WORKERS": str(settings.workers)}


def model_in_words(folder: Path, wait: bool) -> str:
    """Which model is served; where there is none and `wait`, that one is waited for."""
    from features.common.errors import ModelError
    from models.store import load

    try:
        model = load(folder)
    except ModelError:
        if not wait:
            raise
        return "Waiting for a model, and answering what needs none,"
    return f"Serving {model.name!r}, version {model.version},"


def checked_keys(settings: ServingSettings, host: str) -> Path | None:
    """The file of the API keys; None where there are none.

    Raises
    ------
    ConfigError
        where keys that were named are not there, or nobody would be kept out who can reach this machine.
    """
    from features.common.errors import ConfigError
    from serving.access.api_keys import USUAL_FILE, read
    from serving.access.jwt_tokens import read_trust
    from serving.access.middleware import loopback

    file = settings.keys or USUAL_FILE
    ready = bool(read(file))
    if settings.keys and not ready:
        raise ConfigError(f"There are no API keys in {file}.", "make key NAME=crm")
    if not read_trust(settings) and not ready and not loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and there are no API keys: anybody could read your leads.",
            "make key NAME=crm, then start again; or stay on 127.0.0.1.",
        )
    return file if ready else None


def opened_store(settings: ServingSettings) -> Store | None:
    """The lead store, with the folder that SQLite needs; whether it answers is for the server to see."""
    from features.common.environment import revealed
    from serving.store.store import Store

    if not settings.store:
        return None
    store = Store.from_address(revealed(settings.store), settings)
    store.make_folder()
    return store


def cannot_listen(host: str, port: int) -> str | None:
    """Why not, in words; None when it can. The server itself would say so with a traceback."""
    if not 0 < port < 2**16:  # the resolver would wrap it round without a word
        return "a port is a number from 1 to 65535"
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


if __name__ == "__main__":
    main()
