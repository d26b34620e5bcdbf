"""Where packages come from: uv reads neither pip's files nor its variables, so what pip is told is said to it in its own words.

What uv is told itself goes before that. Addresses may hold passwords: they are passed by the environment, never as arguments,
which everybody on a machine can see.
"""

import configparser
import contextlib
import os
import re
import sys
from pathlib import Path

OWN = ["UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL"]
PROXIES = {"ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"}
STORES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
]


def for_uv(venv, root):
    """Variables and options with which uv looks where pip would look. `root`: where a `uv.toml` may lie beside the project."""
    settings = pip_settings(venv)
    index = any(os.environ.get(name) for name in OWN) or any(map(_names_an_index, _files_of_uv(root)))
    options = []
    variables = {
        "SSL_CERT_FILE": next(filter(_is_file, _certificates(settings)), None),
        "SSL_CLIENT_CERT": settings.get("client-cert"),
        "UV_HTTP_TIMEOUT": settings.get("timeout") or settings.get("default-timeout"),
    }
    if not PROXIES & {name.upper() for name in os.environ}:
        variables["ALL_PROXY"] = settings.get("proxy")
    if not index:
        # uv knows the first name since 0.4.23, the second from the start
        variables["UV_DEFAULT_INDEX"] = variables["UV_INDEX_URL"] = settings.get("index-url")
        variables["UV_EXTRA_INDEX_URL"] = " ".join(settings.get("extra-index-url", "").split())
        variables["UV_FIND_LINKS"] = ",".join(settings.get("find-links", "").split())
        variables["UV_INSECURE_HOST"] = " ".join(settings.get("trusted-host", "").split())
        if variables["UV_EXTRA_INDEX_URL"]:  # from whichever index has what is locked, as pip does; the hashes vouch for it
            variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        if settings.get("no-index", "").lower() in {"1", "on", "t", "true", "y", "yes"}:
            options.append("--no-index")
    return {name: value for name, value in variables.items() if value and not os.environ.get(name)}, options


def _files_of_uv(root):
    return [root / "uv.toml", *(folder / "uv" / "uv.toml" for folder in (*_machine_wide(), _of_the_user(), Path("/etc")))]


def _names_an_index(file):
    return file.is_file() and bool(re.search("index|find-links", file.read_text(encoding="utf-8", errors="replace")))


def has_certificates():
    """Does the machine keep certificates of its own, among which a company's may be?"""
    return sys.platform == "darwin" or any(map(_is_file, STORES))


def pip_settings(venv):
    """What pip is told for installing, by its files and variables; the later ones override."""
    own = os.environ.get("PIP_CONFIG_FILE")
    folders = [*(folder / "pip" for folder in _machine_wide()), Path("/etc")]
    if not (own and Path(own).exists()):
        folders += [Path.home() / ".pip", _of_the_user() / "pip"]
        folders += [Path.home() / "Library/Application Support/pip"] if sys.platform == "darwin" else []
    files = [folder / "pip.conf" for folder in [*folders, venv]] + ([Path(own)] if own else [])
    sections = {"global": {}, "install": {}}
    for file in [] if own == os.devnull else files:
        parser = configparser.RawConfigParser()
        with contextlib.suppress(configparser.Error, OSError, UnicodeError):  # pip itself says what is wrong with it
            parser.read(file)
        for section, settings in sections.items():
            settings.update(parser.items(section) if parser.has_section(section) else {})
    variables = {name.removeprefix("PIP_").lower(): value for name, value in os.environ.items() if name.startswith("PIP_")}
    pairs = [(name.replace("_", "-"), value) for one in (*sections.values(), variables) for name, value in one.items() if value]
    return dict(pairs)


def _machine_wide():
    if sys.platform == "darwin":
        return [Path("/Library/Application Support")]
    return [Path(folder) for folder in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)]


def _of_the_user():
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def _certificates(settings):
    return [settings.get("cert"), os.environ.get("REQUESTS_CA_BUNDLE"), os.environ.get("CURL_CA_BUNDLE")]


def _is_file(path):
    return bool(path) and Path(path).is_file()
