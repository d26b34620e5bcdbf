"""A project to be set up on a machine where everything is a stand-in."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

from installation import environment

VERSION = "{}.{}".format(*sys.version_info)


# Stands for uv, for pip and for the environment's Python. It writes down what it is told, waits or fails where it is to, and
# installs packages that are a name and a version.
FAKE = """#!/bin/sh
self=${0##*/}
echo "$$" > "$FAKE/pid"
echo "$self $*" >> "$FAKE/calls"
case "$*" in
    --version) [ -e "$FAKE/mute" ] && exit 127; echo "uv 9.9.9 (of nobody)"; exit;;
    "cache dir") echo "$FAKE/cache"; exit;;
    -c*) exit;;
    "-m ensurepip"*) mkdir -p "$SITE/pip"; exit;;
    *uninstall*) for name; do [ "$name" = pip ] || rm -rf "$SITE/$name"-*.dist-info; done; exit;;
esac
for lock; do :; done
while [ -e "$FAKE/wait" ]; do sleep 0.02; done
case "$lock" in *installer.lock) [ -e "$FAKE/pip.has.no.uv" ] && exit 1; cp "$0" "${0%/*}/uv";; esac
[ -e "$FAKE/$self.fails" ] && echo "unexpected argument '--no-deps'" >&2 && exit 2
grep -o '^[a-z-]*==[0-9.]*' "$lock" | sed 's/==/-/' | while read -r package; do
    mkdir -p "$SITE/$package.dist-info"
    [ -e "$FAKE/$self.breaks" ] && break
done
[ -e "$FAKE/$self.breaks" ] && exit 2
env | grep -E '^(UV_|SSL_)' > "$FAKE/variables"
exit 0
"""


class Project:
    """A copy of the set-up with small locks, and a machine on which everything is a stand-in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv, self.fake = folder / ".venv", folder / "fake"
        self.site = self.venv / "lib" / f"python{VERSION}" / "site-packages"
        for path in (folder / "requirements", folder / "path", self.fake / "cache" / "archive-v0", folder / "home"):
            path.mkdir(parents=True)
        self.program(self.fake / "python")
        self.lock("train", a="1")
        self.lock("dev", a="1", b="1")
        self.lock("bench", a="1", b="1", c="1")
        self.lock("installer", uv="9.9.9")
        self.environ = {
            "PATH": f"{folder / 'path'}:/usr/bin:/bin",
            "HOME": str(folder / "home"),
            "FAKE": str(self.fake),
            "SITE": str(self.site),
            "PIP_CONFIG_FILE": os.devnull,
            "XDG_CONFIG_DIRS": str(folder / "xdg"),
        }

    def program(self, path: Path) -> None:
        path.write_text(FAKE)
        path.chmod(0o755)

    def lock(self, kind: str, **packages: str) -> None:
        lines = [f"{name}=={version} \\\n    --hash=sha256:{'0' * 64}\n" for name, version in packages.items()]
        (self.folder / "requirements" / f"{kind}.lock").write_text("".join(lines))

    def uv(self) -> None:
        self.program(self.folder / "path" / "uv")

    def switch(self, name: str, on: bool = True) -> None:
        (self.fake / name).touch() if on else (self.fake / name).unlink()

    def installs(self) -> list[str]:
        """Who installed which lock, in turn; what made way for it."""
        calls = (self.fake / "calls").read_text().splitlines() if (self.fake / "calls").exists() else []
        patterns = [(r"^(uv) pip install .*/(\w+).lock$", r"\1 \2"), (r"^python -m (pip) install .*/(\w+).lock$", r"\1 \2")]
        patterns += [(r"^(uv) pip uninstall .*python (.*)", r"\1 -\2"), (r"^python -m (pip) uninstall .*--yes (.*)", r"\1 -\2")]
        return [re.sub(pattern, short, call) for call in calls for pattern, short in patterns if re.match(pattern, call)]

    def packages(self) -> set[str]:
        return {path.name.removesuffix(".dist-info") for path in self.site.glob("*.dist-info")}

    def make_venv(self, _run: object = None) -> None:
        """As `Environment.make`, but for the Python, which is a stand-in."""
        for path in self.venv.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in {environment.GUARD, environment.UNFINISHED}:
                path.unlink()
        self.site.mkdir(parents=True)
        (self.venv / "bin").mkdir()
        shutil.copy(self.fake / "python", self.venv / "bin" / "python")
        (self.venv / "pyvenv.cfg").touch()


def set_up(project: Project, name: str = "train") -> None:
    environment.set_up(str(project.venv), name)


def ready(project: Project, name: str = "train") -> bool:
    return environment.Environment(project.venv).is_ready(name)
