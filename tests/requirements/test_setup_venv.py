"""Setting up: which installer, what a stamp vouches for, signs of life, and who comes in between. Nothing is downloaded."""

from __future__ import annotations

import ast
import doctest
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "requirements"))

import setup_venv  # noqa: E402
from installation import environment, installers, locks, mirror  # noqa: E402

VERSION = "{}.{}".format(*sys.version_info)
NETWORK = "The requirements could not be installed; see above. Check the network, then run make again."
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


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def lines(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All that is said, in this process; the environment is the project's."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_", "SSL_", "XDG_", "PYTHON"))]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", *mirror.PROXIES, *map(str.lower, mirror.PROXIES)):
        monkeypatch.delenv(name, raising=False)
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(locks, "HERE", project.folder / "requirements")
    monkeypatch.setattr(environment.Environment, "make", lambda _self, run: project.make_venv(run))
    lines: list[str] = []
    for module in (installers, environment):
        monkeypatch.setattr(module, "say", lines.append)
    return lines


def set_up(project: Project, name: str = "train") -> None:
    environment.set_up(str(project.venv), name)


def ready(project: Project, name: str = "train") -> bool:
    return environment.Environment(project.venv).is_ready(name)


# which installer


def test_uv_of_the_machine_installs_what_is_locked(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    assert project.installs() == ["uv train"]
    assert "--require-hashes" in (project.fake / "calls").read_text()
    assert project.packages() == {"a-1"}
    assert lines[0] == f"Setting up {project.venv} for Python {VERSION} (train, 1 packages); this is done once."
    assert lines[1] == f"uv 9.9.9 ({project.folder}/path/uv) installs them."
    assert lines[-1].startswith(f"{project.venv} is ready after 0 s: 1 packages, by uv 9.9.9")
    set_up(project)
    assert project.installs() == ["uv train"]


def test_without_uv_pip_fetches_the_locked_one(project: Project, lines: list[str]) -> None:
    set_up(project)
    assert project.installs() == ["pip installer", "uv train"]
    assert "uv 9.9.9 installs them." in lines
    assert project.packages() == {"uv-9.9.9", "a-1"}


def test_where_uv_cannot_be_fetched_pip_installs(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    set_up(project)
    assert project.installs() == ["pip installer", "pip train"]
    assert "pip could not fetch it; going on without." in lines
    assert ready(project)


def test_a_uv_that_knows_not_the_options_makes_way(
    project: Project, lines: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    project.uv()
    project.switch("uv.fails")
    set_up(project)
    assert project.installs() == ["uv train", "pip installer", "uv train", "pip train"]
    assert f"uv 9.9.9 ({project.folder}/path/uv) could not install them; see above." in lines
    assert "uv 9.9.9 could not install them; see above." in lines
    assert "unexpected argument" in capfd.readouterr().err
    assert ready(project)


def test_a_uv_that_does_not_answer_makes_way(project: Project, lines: list[str]) -> None:
    project.uv()
    project.switch("mute")
    set_up(project)
    assert f"{project.folder}/path/uv does not answer; going on without it." in lines
    assert project.installs() == ["pip installer", "pip train"]


def test_nobody_builds_on_what_another_left_half_there(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.uv()
    project.lock("train", half="1", whole="1")
    project.switch("uv.breaks")
    project.switch("pip.has.no.uv")
    remains: list[set[str]] = []
    monkeypatch.setattr(environment.Environment, "make", lambda *_: (remains.append(project.packages()), project.make_venv()))
    set_up(project)
    assert remains == [set(), {"half-1"}]
    assert project.packages() == {"half-1", "whole-1"}


@pytest.mark.parametrize(("name", "compiles"), [("PYTHONDONTWRITEBYTECODE", True), ("PYTHONUNBUFFERED", False)])
def test_all_is_compiled_only_where_python_may_not_keep_what_it_compiles(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch, name: str, compiles: bool
) -> None:
    project.uv()
    project.switch("uv.fails")
    monkeypatch.setenv(name, "1")
    set_up(project)
    calls = (project.fake / "calls").read_text()
    assert ("--compile-bytecode" in calls, "--no-compile" in calls) == (compiles, not compiles)


def test_when_none_can_that_is_said_and_nothing_is_ready(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    project.switch("python.fails")
    with pytest.raises(SystemExit, match=NETWORK):
        set_up(project)
    assert not ready(project)
    project.switch("python.fails", on=False)
    set_up(project)
    assert ready(project)


def test_a_uv_is_named_for_locking(project: Project, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    set_up(project, "uv")
    assert capsys.readouterr().out == f"{project.venv}/bin/uv\n"
    project.uv()
    set_up(project, "uv")
    assert capsys.readouterr().out == f"{project.folder}/path/uv\n"
    assert project.installs() == ["pip installer"]


# stamps


@pytest.mark.parametrize(("kind", "kinds"), [("train", ["train"]), ("dev", ["train", "dev"]), ("bench", environment.KINDS)])
def test_a_stamp_serves_the_narrower_too(project: Project, lines: list[str], kind: str, kinds: list[str]) -> None:
    project.uv()
    set_up(project, kind)
    assert [kind for kind in environment.KINDS if ready(project, kind)] == kinds


def test_the_stamp_of_an_earlier_release_still_counts(project: Project, lines: list[str]) -> None:
    project.venv.mkdir()
    project.make_venv()
    (project.venv / "train.ok").write_text(locks.digest("train"))
    assert ready(project)
    (project.venv / "train.ok").write_text(locks.digest("train")[:-1])
    assert not ready(project)


def test_a_lock_that_changed_is_followed_in_place(project: Project, lines: list[str]) -> None:
    project.uv()
    project.lock("train", a="1", old="1", pip="1")
    set_up(project)
    project.lock("train", a="1", new="1")
    (project.site / "by_hand-1.dist-info").mkdir()
    lines.clear()
    set_up(project)
    assert project.installs() == ["uv train", "uv -old", "uv train"]  # what comes may own files of what goes
    assert project.packages() == {"a-1", "new-1", "pip-1", "by_hand-1"}
    assert lines[0].startswith(f"Bringing {project.venv} up to date for Python")


def test_pip_takes_away_too(project: Project, lines: list[str]) -> None:
    project.switch("pip.has.no.uv")
    project.lock("train", a="1", old="1")
    set_up(project)
    project.lock("train", a="1")
    set_up(project)
    assert project.installs()[2:] == ["pip installer", "pip -old", "pip train"]
    assert ready(project)


def test_a_wider_one_stays_wide_and_vouches_alone(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    set_up(project, "dev")
    for kind in ("train", "dev"):
        project.lock(kind, a="2", **{"b": "1"} if kind == "dev" else {})
    set_up(project)
    assert project.installs() == ["uv train", "uv dev", "uv dev"]
    assert {path.name for path in project.venv.glob("*.ok")} == {"dev.ok"}


def test_what_failed_without_a_trace_leaves_what_was_ready(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    before = (project.folder / "requirements" / "train.lock").read_text()
    project.lock("train", a="2")
    for name in ("pip.has.no.uv", "uv.fails", "python.fails"):
        project.switch(name)
    with pytest.raises(SystemExit, match=NETWORK):
        set_up(project)
    (project.folder / "requirements" / "train.lock").write_text(before)
    assert ready(project)


def test_another_python_or_one_that_went_gets_a_new_environment(project: Project, lines: list[str]) -> None:
    project.uv()
    set_up(project)
    (project.venv / "bin" / "python").unlink()
    assert not ready(project)
    (project.venv / "bin" / "of_the_old_one").touch()
    set_up(project)
    assert ready(project)
    assert not (project.venv / "bin" / "of_the_old_one").exists()


def test_a_folder_that_is_something_else_is_left_alone(project: Project, lines: list[str]) -> None:
    project.venv.mkdir()
    (project.venv / "thesis.txt").touch()
    with pytest.raises(SystemExit, match="no virtual environment"):
        set_up(project)
    assert [path.name for path in project.venv.iterdir()] == ["thesis.txt"]


# signs of life


def test_while_an_installer_says_nothing_we_do(project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert installers.EVERY < 5
    project.uv()
    project.switch("wait")
    beats: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if line.startswith("  uv"):
            beats.append(line)
            (project.fake / "cache" / "archive-v0" / str(len(beats))).touch()
        if len(beats) == 3:
            (project.fake / "wait").unlink(missing_ok=True)

    monkeypatch.setattr(installers, "say", say)
    monkeypatch.setattr(installers, "EVERY", 0.01)
    project.lock("train", **{f"package-{'abc'[number]}": "1" for number in range(3)})
    set_up(project)
    name = f"  uv 9.9.9 ({project.folder}/path/uv): "
    assert beats[:3] == [f"{name}{count} of 3 packages fetched, 0 there, 0 s" for count in range(3)]


def test_pip_is_counted_by_what_it_says(project: Project, lines: list[str]) -> None:
    with (project.folder / "guard").open("w") as guard:
        run = installers.Runner(guard.fileno())
        assert run(["sh", "-c", "echo Collecting a==1; echo Processing ./b.whl; echo Downloading a; exit 3"]) == 3
        assert run.mentions == 2
        assert run(["/nowhere/uv"]) == 127
    assert lines == ["/nowhere/uv: No such file or directory"]


# who comes in between: the whole, as make calls it


@pytest.fixture
def start(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], subprocess.Popen[str]]]:
    """Start the set-up of `train` as a program of its own. Its uv waits."""
    shutil.copytree(ROOT / "requirements" / "installation", project.folder / "requirements" / "installation")
    shutil.copy(ROOT / "requirements" / "setup_venv.py", project.folder / "requirements")
    project.uv()
    project.switch("wait")
    programs = []

    def begin() -> subprocess.Popen[str]:
        command = [sys.executable, "requirements/setup_venv.py", ".venv", "train"]
        one = subprocess.Popen(command, cwd=project.folder, env=project.environ, stderr=subprocess.PIPE, text=True)
        programs.append(one)
        return one

    yield begin
    project.switch("wait", on=False) if (project.fake / "wait").exists() else None
    for one in programs:
        one.kill()
        one.communicate()


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read what is said until these words."""
    assert process.stderr
    assert any(words in line for line in process.stderr)


def waiting(project: Project) -> int:
    """The process of the uv that waits, once it does."""
    while not project.installs():
        time.sleep(0.01)
    return int((project.fake / "pid").read_text())


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_no_stamp_and_no_installer(
    project: Project, start: Callable[[], subprocess.Popen[str]], number: signal.Signals
) -> None:
    first = start()
    until(first, "installs them")
    installer = waiting(project)
    first.send_signal(number)
    _out, text = first.communicate(timeout=20)
    assert first.returncode == 130
    assert text.startswith("Stopped. Nothing half-done is taken for done")
    assert not lives(installer)
    assert not list(project.venv.glob("*.ok"))
    (project.site / "half-1.dist-info").mkdir()
    project.switch("wait", on=False)
    second = start()
    assert second.communicate(timeout=20)[1].startswith("Setting up .venv")
    assert project.packages() == {"a-1"}  # anew: who knows what was half there


def test_of_two_at_once_one_waits_and_finds_all_done(project: Project, start: Callable[[], subprocess.Popen[str]]) -> None:
    first = start()
    until(first, "installs them")
    second = start()
    until(second, "Another make sets up .venv; waiting for it, 0 s")
    project.switch("wait", on=False)
    assert "is ready after" in first.communicate(timeout=20)[1]
    assert second.communicate(timeout=20)[1] == ""
    assert (first.returncode, second.returncode) == (0, 0)
    assert project.installs() == ["uv train"]


def test_who_is_killed_keeps_others_out_until_its_installer_is_done(
    project: Project, start: Callable[[], subprocess.Popen[str]]
) -> None:
    first = start()
    until(first, "installs them")
    installer = waiting(project)
    first.kill()
    first.wait()
    second = start()
    until(second, "Another make")
    assert lives(installer)
    project.switch("wait", on=False)
    assert "is ready after" in second.communicate(timeout=20)[1]
    assert project.installs() == ["uv train", "uv train"]


# where packages come from


def for_uv(project: Project) -> tuple[dict[str, str], list[str]]:
    return mirror.for_uv(project.venv, project.folder)


def test_uv_is_told_what_pip_is_told_and_not_as_an_argument(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@mirror.test/simple")
    project.uv()
    set_up(project)
    variables = (project.fake / "variables").read_text().splitlines()
    assert {f"{name}=https://me:secret@mirror.test/simple" for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")} <= set(variables)
    assert "secret" not in (project.fake / "calls").read_text()
    assert not any("secret" in line for line in lines)


def test_files_of_pip_are_read_as_pip_does(project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = project.folder / "company.pem"
    certificates.touch()
    files = {
        project.folder / "xdg" / "pip" / "pip.conf": "[global]\nindex-url = https://machine.test/simple\ntimeout = 90\n",
        project.folder / "home" / ".config" / "pip" / "pip.conf": (
            f"[global]\nindex-url = https://mine.test/simple\nproxy = http://proxy.test:8080\ncert = {certificates}\n"
            "extra-index-url =\n    https://one.test/simple\n    https://two.test/simple\nfind-links = /wheels\n    /more\n"
            "[install]\nTRUSTED_HOST = mine.test\nno-index = true\n"
        ),
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert for_uv(project) == ({}, [])  # /dev/null is the only one of them
    monkeypatch.delenv("PIP_CONFIG_FILE")
    variables, options = for_uv(project)
    assert variables == {
        "ALL_PROXY": "http://proxy.test:8080",
        "SSL_CERT_FILE": str(certificates),
        "UV_DEFAULT_INDEX": "https://mine.test/simple",
        "UV_EXTRA_INDEX_URL": "https://one.test/simple https://two.test/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_HTTP_TIMEOUT": "90",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INDEX_URL": "https://mine.test/simple",
        "UV_INSECURE_HOST": "mine.test",
    }
    assert options == ["--no-index"]
    monkeypatch.setenv("PIP_INDEX_URL", "https://now.test/simple")
    assert for_uv(project)[0]["UV_INDEX_URL"] == "https://now.test/simple"


@pytest.mark.parametrize("by_file", [False, True])
def test_what_uv_is_told_itself_goes_before_pip(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch, by_file: bool
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.test/simple")
    monkeypatch.setenv("PIP_TIMEOUT", "90")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "7")
    if by_file:
        (project.folder / "uv.toml").write_text('[[index]]\nurl = "https://uv.test/simple"\n')
    else:
        monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.test/simple")
    assert for_uv(project) == ({}, [])


def test_a_file_of_pip_that_is_broken_is_for_pip_to_complain_of(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.folder / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    for content in (b"index-url = https://mirror.test\n", b"\xff\xfe\x00"):
        file.write_bytes(content)
        assert "UV_INDEX_URL" not in for_uv(project)[0]


# locks


def test_the_lock_of_uv_has_hashes_and_no_addresses() -> None:
    text = (ROOT / "requirements" / "installer.lock").read_text()
    assert re.match(r"uv==\d+\.\d+\.\d+ \\\n", text)
    assert len(re.findall(r"^    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)) > 10  # a wheel for each platform
    assert "://" not in text


def test_what_is_locked_is_counted_for_this_machine() -> None:
    assert doctest.testmod(locks).failed == 0
    packages = locks.packages("train")
    names = re.findall(r"^[a-z0-9-]+==", locks.file("train").read_text(), re.MULTILINE)
    assert {"numpy", "mlflow", "pip"} <= packages.keys()  # pip: environments are made without
    assert 0.9 * len(names) < len(packages) <= len(names)
    assert locks.applies("nobody_knows == 'this'", locks.here())
    assert locks.applies("python_version ~= '3.0'", locks.here())


# an old Python


@pytest.mark.parametrize("version", [(3, 4), (3, 10), (3, 14)])
def test_an_unsuitable_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, version: tuple[int, int]) -> None:
    monkeypatch.setattr(sys, "version_info", (*version, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11, 3\.12 or 3\.13; .* is {}\.{}\. Name another".format(*version)):
        setup_venv.main("nowhere", "train")


def test_what_python_is_started_with_can_be_read_by_old_ones() -> None:
    tree = ast.parse((ROOT / "requirements" / "setup_venv.py").read_text(), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(tree))
