"""The ways to install what is locked, and a sign of life while they do.

uv does it in seconds: the one of this machine, else one that pip puts into the environment (`installer.lock`). Where neither
can, pip does it in minutes. All take the same lock files; what these have no hash for is not installed.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from installation import locks, mirror

EVERY = 4  # seconds between two signs of life: nobody waits for more than five without one
PATIENCE = 10  # seconds for a program to end that was told to
TOOLS = {"pip", "setuptools", "uv", "wheel"}  # what installs: it stays, whatever leaves a lock
NO_VENV = "The virtual environment could not be made. On Debian: apt-get install python3-venv"


def say(text):
    """To the error stream: what a target prints may be read by a program."""
    print(text, file=sys.stderr, flush=True)


class Progress:
    """Says every few seconds what goes on, how far it is and for how long."""

    def __init__(self, environment, packages):
        self.environment, self.packages = environment, packages
        self.start, self.over = time.monotonic(), threading.Event()
        self.now("making the environment")

    def now(self, activity, downloads=None, last="finishing"):
        """What goes on from here; where packages are installed: how many are fetched, and what comes when all are there."""
        self.state = activity, downloads, last

    def __enter__(self):
        self.thread = threading.Thread(target=self.beat, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_error):
        self.over.set()
        self.thread.join()

    def beat(self):
        """Until it is over."""
        while not self.over.wait(EVERY):
            say(f"  {self.sentence()}, {self.seconds()} s")

    def sentence(self):
        """What goes on, and of how many packages how many are fetched and there."""
        activity, downloads, last = self.state
        if downloads is None:
            return activity
        total, there = len(self.packages), len(self.packages.items() & self.environment.installed().items())
        if there == total:
            return f"{activity}: all {total} packages are there, {last}"
        return f"{activity}: {min(downloads(), total)} of {total} packages fetched, {there} there"

    def seconds(self):
        """Since it began."""
        return round(time.monotonic() - self.start)


class Runner:
    """Runs one program after another. None outlives it, and while one runs nobody else sets up the same environment."""

    def __init__(self, guard):
        self.guard = guard  # an open file, locked until nobody has it open any more
        self.mentions = 0

    def __call__(self, command, variables=None):
        """The status. Errors go where ours go."""
        self.mentions = 0
        try:
            process = subprocess.Popen(  # noqa: S603  Python, pip or uv
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env={**os.environ, **(variables or {})},
                pass_fds=(self.guard,),
            )
        except OSError as error:
            say(f"{command[0]}: {error.strerror}")
            return 127
        with process.stdout as lines:
            try:
                for line in lines:
                    self.mentions += line.startswith((b"Collecting ", b"Processing "))  # pip says so of each package
                return process.wait()
            except BaseException:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
                process.kill()
                process.wait()
                raise


@dataclass
class Installer:
    """A program that installs, and takes away."""

    name: str
    install: list
    uninstall: list
    downloads: Callable[[], int]
    last: str = "finishing"
    note: str = ""
    variables: dict = field(default_factory=dict)


class Ways:
    """The ways to install into one environment. One that is not to be had here is None, and says so."""

    def __init__(self, environment, run, progress):
        self.environment, self.run, self.progress = environment, run, progress
        # Python compiles at the first import what a program uses, a quarter of all: sooner done than compiling everything here.
        # Where it may not keep that, each process would compile anew
        self.compiles = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))

    def succeeds(self, installer, kind, leftovers):
        """Does it install all that is locked? What has left the lock goes first: what comes may own files of the same names."""
        say(f"{installer.name} installs them{installer.note}.")
        self.progress.now(installer.name, installer.downloads, installer.last)
        if leftovers and self.run([*installer.uninstall, *leftovers], installer.variables):
            return False
        return self.run([*installer.install, "-r", locks.file(kind)], installer.variables) == 0

    def uv_of_machine(self):
        """The one on the path."""
        path = shutil.which("uv")
        if not path:
            return None
        name = _answer(path, "--version")
        if not name:
            say(f"{path} does not answer; going on without it.")
            return None
        return self.uv(path, f"{_short(name)} ({path})", {})

    def uv_of_lock(self):
        """One that pip puts into the environment."""
        path = self.environment.program("uv").absolute()
        if self.environment.installed().get("uv") != locks.packages("installer")["uv"]:
            say("pip fetches a uv, as it is locked.")
            self.need_pip()
            self.progress.now("pip fetches uv")
            # where there is no wheel, pip would compile uv, which takes longer than all that it saves
            lock = ["-qq", "--require-hashes", "--only-binary", ":all:", "-r", locks.file("installer")]
            self.run([*self.pip_command("install"), *lock])
        name = _answer(path, "--version")
        if not name:
            say("pip could not fetch it; going on without.")
            return None
        # where the machine has certificates of its own, a company's may be among them
        return self.uv(path, _short(name), {"UV_SYSTEM_CERTS": "true"} if mirror.has_certificates() else {})

    def uv(self, path, name, variables):
        """Of a path."""
        settings, options = mirror.for_uv(self.environment.folder, locks.HERE.parent)
        python = ["--python", self.environment.python]
        flags = ["--compile-bytecode"] if self.compiles else []
        return Installer(
            name=name,
            install=[path, "pip", "install", "--quiet", "--no-deps", "--require-hashes", *flags, *options, *python],
            uninstall=[path, "pip", "uninstall", "--quiet", *python],
            downloads=_downloads(path),
            last="compiling them" if self.compiles else "finishing",
            variables=settings | {name: value for name, value in variables.items() if name not in os.environ},
        )

    def pip(self):
        """It is always to be had, and takes minutes."""
        self.need_pip()
        flags = [] if self.compiles else ["--no-compile"]
        return Installer(
            name="pip",
            install=[*self.pip_command("install"), "--no-deps", "--require-hashes", *flags],
            uninstall=[*self.pip_command("uninstall"), "--yes"],
            downloads=lambda: self.run.mentions,
            note=", which takes minutes",
        )

    def pip_command(self, verb):
        """It asks nobody anything: nobody would see the question."""
        return [self.environment.python, "-m", "pip", verb, "--no-input", "--disable-pip-version-check"]

    def need_pip(self):
        """Have it in the environment."""
        self.progress.now("setting up pip")
        if not self.environment.has("pip") and self.run([self.environment.python, "-m", "ensurepip", "--default-pip"]):
            sys.exit(NO_VENV)


def _answer(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603  uv
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "" if result.returncode else result.stdout.strip()


def _short(version):
    """Without the machine it was built for: `uv 1.2.3 (…)` → `uv 1.2.3`."""
    return " ".join(version.split()[:2])


def _downloads(path):
    """How many packages a uv has fetched from now on: its cache has a folder for each that it unpacked."""
    cache = Path(_answer(path, "cache", "dir") or os.devnull)

    def count():
        with contextlib.suppress(OSError):
            return sum(len(os.listdir(folder)) for folder in cache.glob("archive-v*"))
        return 0

    before = count()
    return lambda: count() - before
