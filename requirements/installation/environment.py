"""A virtual environment that holds what is locked, and says so by a stamp."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from installation import installers, locks
from installation.installers import say

KINDS = ["train", "dev", "bench"]  # each holds all of those before it
GUARD = "setup.lock"  # whoever has it locked sets up; the others wait
UNFINISHED = "setup.unfinished"  # while it is there, no stamp counts: a package may be half there


def set_up(folder, name):
    """Have in the folder what `name` needs. `uv` is a name too: it prints where a uv is, for `make lock`."""
    environment = Environment(folder)
    if environment.is_ready(name):
        return
    if environment.is_foreign():
        sys.exit(f"{folder} is there and no virtual environment. Name another folder: make VENV=.venv train")
    try:
        with environment.alone() as guard:
            if name == "uv":
                print(uv(environment, guard))
            elif not environment.is_ready(name):  # whoever we waited for may have done it
                fill(environment, name, guard)
    except KeyboardInterrupt:
        say("Stopped. Nothing half-done is taken for done: make begins anew where it must.")
        sys.exit(130)


def fill(environment, name, guard):
    """Install, then stamp. What a wider set-up left is brought up to date too, rather than taken away."""
    kind = [kind for kind in KINDS[KINDS.index(name) :] if kind == name or environment.stamp(kind)][-1]
    packages, before, usable = locks.packages(kind), environment.content(), environment.is_usable()
    leftovers = sorted(before.keys() & environment.record() - packages.keys()) if usable else []
    what = "Bringing {} up to date" if usable and any(map(environment.stamp, KINDS)) else "Setting up {}"
    say(f"{what.format(environment.folder)} for Python {locks.VERSION} ({kind}, {len(packages)} packages); this is done once.")
    environment.begin()
    run = installers.Runner(guard)
    with installers.Progress(environment, packages) as progress:
        if not usable:
            environment.make(run)
        installer = install(environment, kind, leftovers, installers.Ways(environment, run, progress))
    if not installer:
        if usable and environment.content() == before:
            environment.end()  # it is as it was: for the lock of before, it is ready
        sys.exit("The requirements could not be installed; see above. Check the network, then run make again.")
    environment.finish(kind, packages)
    say(f"{environment.folder} is ready after {progress.seconds()} s: {len(packages)} packages, by {installer.name}.")


def install(environment, kind, leftovers, ways):
    """By the first way that can; None: by none."""
    for way in (ways.uv_of_machine, ways.uv_of_lock, ways.pip):
        installer = way()
        if not installer:
            continue
        before = environment.content()
        if ways.succeeds(installer, kind, leftovers):
            return installer
        say(f"{installer.name} could not install them; see above.")
        if environment.content() != before:  # nobody builds on what another left half there
            environment.make(ways.run)
            leftovers = []
    return None


def uv(environment, guard):
    """The path of a uv that answers."""
    run = installers.Runner(guard)
    with installers.Progress(environment, {}) as progress:
        if not environment.is_usable():
            environment.begin()
            environment.make(run)
            environment.end()
        ways = installers.Ways(environment, run, progress)
        installer = ways.uv_of_machine() or ways.uv_of_lock()
    return installer.install[0] if installer else sys.exit("There is no uv, and none could be fetched; see above.")


class Environment:
    """A folder: its Python, its packages, its stamps, and the guard that keeps others out."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.python = self.program("python")
        self.site = self.folder / "lib" / f"python{locks.VERSION}" / "site-packages"

    def program(self, name):
        """The path of one of its programs."""
        return self.folder / "bin" / name

    def has(self, module):
        """Is a package of this name there?"""
        return (self.site / module).is_dir()

    def installed(self):
        """Name → version of all packages."""
        names = [folder.name.removesuffix(".dist-info").partition("-") for folder in self.site.glob("*.dist-info")]
        return {locks.normal(name): version for name, _dash, version in names}

    def content(self):
        """The same without what installs."""
        return {name: version for name, version in self.installed().items() if name not in installers.TOOLS}

    # stamps

    def is_ready(self, name):
        """Does a stamp of this name, or of a wider one, fit the lock as it is now?"""
        if name not in KINDS or (self.folder / UNFINISHED).exists() or not self.python.exists():
            return False
        return any(self.stamp(kind)[:1] == [locks.digest(kind)] for kind in KINDS[KINDS.index(name) :])

    def stamp(self, kind):
        """Its lines: which Python and lock, then the names of the packages. None of them where nothing was finished."""
        file = self.folder / f"{kind}.ok"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    def record(self):
        """Names of the packages that set-ups have brought here."""
        return {name for kind in KINDS for name in self.stamp(kind)[1:]}

    def begin(self):
        """From here on it is not ready, until `finish` or `end`."""
        (self.folder / UNFINISHED).touch()

    def finish(self, kind, packages):
        """Stamp it. Only the one stamp counts: what others vouched for may have left."""
        for other in KINDS:
            (self.folder / f"{other}.ok").unlink(missing_ok=True)
        part = self.folder / f"{kind}.part"
        part.write_text("\n".join([locks.digest(kind), *sorted(packages)]), encoding="utf-8")
        part.replace(self.folder / f"{kind}.ok")
        self.end()

    def end(self):
        """What its stamps say counts."""
        (self.folder / UNFINISHED).unlink(missing_ok=True)

    # the folder

    def is_foreign(self):
        """Does somebody use the folder for something else? Then it must not be emptied."""
        names = {path.name for path in self.folder.iterdir()} - {GUARD} if self.folder.is_dir() else set()
        return bool(names) and not names & {"pyvenv.cfg", UNFINISHED}

    def is_usable(self):
        """Is its Python the one that is wanted, does it run, and was nothing left half-done?"""
        if (self.folder / UNFINISHED).exists():
            return False
        question = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{locks.VERSION}')"
        try:
            return subprocess.run([self.python, "-c", question], check=False).returncode == 0  # noqa: S603  its own Python
        except OSError:
            return False

    def make(self, run):
        """Empty it and make it anew, without pip: uv needs none, and what is locked brings one."""
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in {GUARD, UNFINISHED}:
                path.unlink()
        if run([sys.executable, "-m", "venv", "--without-pip", self.folder]):
            sys.exit(installers.NO_VENV)

    @contextlib.contextmanager
    def alone(self):
        """Let one set up at a time. Yields the guard: what has it open keeps the others out."""
        start, words = time.monotonic(), 0
        guard = self.open_guard()
        try:
            while not self.holds(guard):
                if time.monotonic() - start >= words * installers.EVERY:
                    say(f"Another make sets up {self.folder}; waiting for it, {round(time.monotonic() - start)} s")
                    words += 1
                time.sleep(0.1)
                if not self.is_same(guard):  # `make clean` took the folder away meanwhile
                    guard.close()
                    guard = self.open_guard()
            yield guard.fileno()
        finally:
            guard.close()

    def open_guard(self):
        """The file that is locked."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return (self.folder / GUARD).open("a")

    def is_same(self, guard):
        """Is the file that we have open the one that others would open?"""
        path = self.folder / GUARD
        return path.exists() and os.path.samestat(os.fstat(guard.fileno()), path.stat())

    def holds(self, guard):
        """Is it locked for us now? A file system that knows no locks lets everybody in."""
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return self.is_same(guard)
