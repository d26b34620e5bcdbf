"""Secrets: from the environment or from a file of NAME=value lines, and out of everything that is shown."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

from features.common.errors import ConfigError, DataError
from features.common.files import whole_file

FILE_VARIABLE = "RIPELINE_SECRETS"
USUAL_FILE = "secrets.env"
MASK = "•••"
SHORTEST = 6  # characters; a shorter value would hide ordinary words


class Secrets:
    """Values by name. `hide` takes them out of a text; they appear in no `repr`."""

    def __init__(self, values: Mapping[str, str], file: Path | None = None, filed: Collection[str] = ()) -> None:
        self._file, self._filed = file, frozenset(filed)  # the names that are in the file alone
        self._values = {name: value for name, value in values.items() if value}
        self._hidden_values: set[str] = set()  # tokens that were given on the way

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Secrets:
        """The environment's values, before those of the file named by `RIPELINE_SECRETS` (else `secrets.env` here, if any).

        Raises
        ------
        ConfigError
            if the named file is missing, readable by others, or has a line that is not NAME=value.
        """
        variables = dict(os.environ if environment is None else environment)
        named = variables.get(FILE_VARIABLE)
        file = Path(named or USUAL_FILE)
        if not named and not file.is_file():
            return cls(variables)
        lines = _lines(file)
        return cls({**lines, **variables}, file.resolve(), lines.keys() - variables.keys())

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def require(self, name: str, purpose: str) -> str:
        """The value of that name.

        Raises
        ------
        ConfigError
            naming the variable and `purpose` it holds.
        """
        value = self._values.get(name)
        if value is None:
            raise ConfigError(
                f"{name} is not set: {purpose}.",
                f"Set it in the environment, or as a line {name}=… in {USUAL_FILE} (mode 600).",
            )
        self._hidden_values.add(value)
        return value

    def learn(self, value: str) -> str:
        """Remember a token that was given on the way, so that it is hidden too; returns it."""
        self._hidden_values.add(value)
        return value

    def reload(self, name: str, purpose: str) -> str:
        """`require`, as the file has it by now: another process may have replaced it.

        Raises
        ------
        ConfigError
            as `require` and `read` do.
        """
        if self._file is not None and name in self._filed:
            self._values[name] = _lines(self._file).get(name) or self._values[name]
        return self.require(name, purpose)

    def replace(self, name: str, value: str, service: str) -> None:
        """A value that the service of `service` gave in place of the one of that name: into the secrets file, if it is another.

        Raises
        ------
        ConfigError
            if the old one does not stand in a file, or the file cannot be written: the next process would begin with a secret
            that may be worth nothing.
        """
        self.learn(value)
        previous_value, self._values[name] = self._values.get(name), value
        if value == previous_value:
            return
        message = f"{service} gave another {name} in place of ours"
        remedy = (
            f"Let {name} stand in a secrets file alone ({FILE_VARIABLE} names it; mode 600), not in the environment; this user "
            "must be able to write it and its folder. Begin with a new value: the old one may have ended."
        )
        if self._file is None or name not in self._filed:
            raise ConfigError(f"{message}, which came from the environment, where none can be kept.", remedy)
        try:
            _rewrite(self._file, name, value)
        except (DataError, OSError) as error:
            reason = error.fact if isinstance(error, DataError) else f"{self._file} cannot be written: {error.strerror}."
            raise ConfigError(f"{message}, which could not be kept: {reason}", remedy) from error

    def hide(self, text: str) -> str:
        """The text without any value that was asked for or learned, as it is or as addresses have it."""
        forms = {
            form
            for value in self._hidden_values
            if len(value) >= SHORTEST
            for form in (value, quote(value, ""), quote_plus(value))
        }
        for value in sorted(forms, key=len, reverse=True):
            text = text.replace(value, MASK)
        return text

    def __repr__(self) -> str:
        return f"Secrets({len(self._values)} values)"


def _rewrite(file: Path, name: str, value: str) -> None:
    """The file with another value of that name, whole or not at all, for our eyes only from its first byte on."""
    lines = []
    for line in file.read_text(encoding="utf-8").splitlines():
        key, sign, _ = line.partition("=")
        matches = sign and key.strip().removeprefix("export ").strip() == name
        lines.append(f"{key}={value}" if matches else line)
    with whole_file(file) as partial:
        with contextlib.suppress(FileNotFoundError):
            partial.unlink()  # of a process that was killed
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as target:
            target.write("\n".join(lines) + "\n")
            target.flush()
            os.fsync(target.fileno())


def _lines(file: Path) -> dict[str, str]:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The secrets file {file} cannot be read: {error.strerror}.", f"Check {FILE_VARIABLE}.") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"Others can read the secrets file {file}.", f"chmod 600 {file}")
    values = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, sign, value = line.removeprefix("export ").partition("=")
        if not sign or not name.strip().isidentifier():
            # the line itself is not shown: it may be a secret
            raise ConfigError(f"{file}, line {number} is not NAME=value.", "Write one secret a line; # begins a comment.")
        values[name.strip()] = value.strip().strip("'\"").replace("\\n", "\n")
    return values
