"""`python -m serving --model FOLDER`: start the server."""

from __future__ import annotations

import argparse
import importlib.util
import os
import socket
import sys
from pathlib import Path

MODULES = (
    "alembic", "bentoml", "jwt", "lightgbm", "numpy", "pandas", "psycopg", "pyarrow", "pydantic", "sklearn", "scipy",
    "sqlalchemy", "starlette", "yaml",
)  # fmt: skip

KEEP_ALIVE_SECONDS = 75  # more than proxies keep an idle connection (60): who ends it first resets who is just asking on it


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m serving", description="Serve a model folder.")
    parser.add_argument("--model", type=Path, default=Path("artefacts/champion"), help="model folder")
    parser.add_argument("--report", type=Path, help="report.html of its training, shown at /report")
    parser.add_argument("--work-list", type=Path, help="folder of the work list, shown at /")
    parser.add_argument("--store", help="address of the lead store, shown in place of the work list; default: RIPELINE_STORE")
    parser.add_argument("--shadow", type=Path, help="model folder of a challenger that scores beside, after each answer")
    parser.add_argument(
        "--keys", type=Path, help="file of the API keys (serving/access/api_keys.py); default: keys.json, if there is one"
    )
    parser.add_argument("--audit", type=Path, help="folder of the audit trail (serving/logs/audit_cli.py); default: none")
    workers = int(os.environ.get("RIPELINE_WORKERS") or 1)
    parser.add_argument("--workers", type=int, default=workers, help="processes that answer")
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
    from features.common.errors import RipelineError
    from serving.server.shutdown import LAST_SECONDS

    try:
        message, environment = checked(options)
    except RipelineError as error:
        sys.exit(str(error))
    if trouble := cannot_listen(options.host, options.port):
        sys.exit(
            f"Cannot listen on {options.host}:{options.port}: {trouble}. Name another with --port (PORT=… for make serve)."
        )
    print(f"{message} on http://{options.host}:{options.port} (work list at /, API at /docs)", flush=True)
    root = Path(__file__).resolve().parent.parent
    environment |= {
        "BENTOML_DO_NOT_TRACK": "True",
        "PYTHONPATH": os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])]),
    }
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
    os.execve(sys.executable, [sys.executable, "-m", "bentoml", *command], os.environ | environment)  # noqa: S606  our own


def checked(options: argparse.Namespace) -> tuple[str, dict[str, str]]:
    """What is served in words, and the environment of the server.

    Raises
    ------
    RipelineError
        for a model folder, keys or settings with which it is not to start.
    """
    from features.common.errors import ConfigError, ModelError
    from models.store import load
    from serving.access.api_keys import KEYS_VARIABLE, USUAL_FILE, secret
    from serving.access.api_keys import read as read_keys
    from serving.access.jwks import check_location
    from serving.access.jwt_tokens import read_trust
    from serving.access.middleware import loopback
    from serving.common.json_logging import LEVEL_VARIABLE, level
    from serving.logs.access_log import ORIGINS_VARIABLE, PROXIES_VARIABLE, origins, proxies
    from serving.logs.audit_cli import FOLDER_VARIABLE as AUDIT_VARIABLE
    from serving.server.shutdown import shutdown_seconds
    from serving.store.store import STORE_VARIABLE, Store

    try:
        model = load(options.model)
        message = f"Serving {model.name!r}, version {model.version},"
    except ModelError:
        if not options.wait_for_model:
            raise
        message = "Waiting for a model, and answering what needs none,"
    keys = options.keys or Path(os.environ.get(KEYS_VARIABLE) or USUAL_FILE)
    ready = bool(read_keys(keys))
    secret(keys)
    origins(os.environ.get(ORIGINS_VARIABLE, ""))
    proxies(os.environ.get(PROXIES_VARIABLE, ""))
    level(os.environ.get(LEVEL_VARIABLE, ""))
    shutdown_seconds()
    named_store = options.store or os.environ.get(STORE_VARIABLE)
    store = Store.from_address(named_store) if named_store else None  # whether it answers is for the server to see
    if store is not None and store.url.database and store.engine.dialect.name == "sqlite":
        Path(store.url.database).parent.mkdir(parents=True, exist_ok=True)
    trust = read_trust(os.environ)
    if trust:
        check_location(trust.keys)
    if (options.keys or os.environ.get(KEYS_VARIABLE)) and not ready:
        raise ConfigError(f"There are no API keys in {keys}.", "make key NAME=crm")
    if options.workers < 1:
        raise ConfigError(
            f"{options.workers} workers answer nobody.", "Name one or more with --workers (WORKERS=… for make serve)."
        )
    if not ready and not trust and not loopback(options.host):
        raise ConfigError(
            f"{options.host} can be reached from other machines, and there are no API keys: anybody could read your leads.",
            "make key NAME=crm, then start again; or stay on 127.0.0.1.",
        )
    given_paths = {
        "RIPELINE_REPORT": options.report,
        "RIPELINE_WORK_LIST": options.work_list,
        "RIPELINE_SHADOW": options.shadow,
    }
    environment = {
        "RIPELINE_MODEL": str(options.model.resolve()),
        **{variable: str(path.resolve()) for variable, path in given_paths.items() if path is not None and path.exists()},
        **({AUDIT_VARIABLE: str(options.audit.resolve())} if options.audit else {}),
        **({KEYS_VARIABLE: str(keys.resolve())} if ready else {}),
        **({STORE_VARIABLE: store.url.render_as_string(hide_password=False)} if store else {}),
        "RIPELINE_WORKERS": str(options.workers),
    }
    return message, environment


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
