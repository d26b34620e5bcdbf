"""Secrets: from the environment or from a file of NAME=value lines, and out of everything that is shown."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from features.errors import ConfigError

FILE_VARIABLE = "RIPELINE_SECRETS"
USUAL_FILE = "secrets.env"
SHOWN = "•••"
SHORTEST = 6  # characters; a shorter value would hide ordinary words


class Secrets:
    """Values by name. `hide` takes them out of a text; they appear in no `repr`."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name: value for name, value in values.items() if value}
        self._more: set[str] = set()  # tokens that were given on the way

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Secrets:
        """The environment's values, before those of the file named by `RIPELINE_SECRETS` (else `secrets.env` here, if any).

        Raises
        ------
        ConfigError
            if the named file is missing, readable by others, or has a line that is not NAME=value.
        """
        given = dict(os.environ if environment is None else environment)
        named = given.get(FILE_VARIABLE)
        file = Path(named or USUAL_FILE)
        if named or file.is_file():
            given = {**_lines(file), **given}
        return cls(given)

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def require(self, name: str, what: str) -> str:
        """The value of that name.

        Raises
        ------
        ConfigError
            naming the variable and `what` it holds.
        """
        value = self._values.get(name)
        if value is None:
            raise ConfigError(
                f"{name} is not set: {what}.", f"Set it in the environment, or as a line {name}=… in {USUAL_FILE} (mode 600)."
            )
        self._more.add(value)
        return value

    def learn(self, value: str) -> str:
        """Remember a token that was given on the way, so that it is hidden too; returns it."""
        self._more.add(value)
        return value

    def hide(self, text: str) -> str:
        """The text without any value that was asked for or learned, as it is or as addresses have it."""
        told = {form for value in self._more if len(value) >= SHORTEST for form in (value, quote(value, ""), quote_plus(value))}
        for value in sorted(told, key=len, reverse=True):
            text = text.replace(value, SHOWN)
        return text

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} values)"


def _lines(file: Path) -> dict[str, str]:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The secrets file {file} cannot be read: {error.strerror}.", f"Check {FILE_VARIABLE}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"Others can read the secrets file {file}.", f"chmod 600 {file}")
    found = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, sign, value = line.removeprefix("export ").partition("=")
        if not sign or not name.strip().isidentifier():
            # the line itself is not shown: it may be a secret
            raise ConfigError(f"{file}, line {number} is not NAME=value.", "Write one secret a line; # begins a comment.")
        found[name.strip()] = value.strip().strip("'\"").replace("\\n", "\n")
    return found
