"""The house rules: who may import whom, between the houses and within them, and what stands nowhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from connectors.registry import CRMS

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "features": set(),
    "models": {"features"},
    "connectors": {"features", "models"},
    "training": {"features", "models", "connectors"},
    "serving": {"features", "models", "connectors"},
}
VENDORS = tuple(CRMS)
# the rooms of a house from the ground up: a room imports only those before it; "." are the files beside the rooms
ROOMS = {
    "features": ("common", "dataset", ".", "attributes", "engine", "leakage", "partitions"),
    "models": ("common", "learners", "calibration", "decision", "rules", "."),
    "connectors": ("common", "simulator", "files", "crm", *VENDORS, "exports", "."),
    "training": (
        "common", "executors", "data", "fit", "scale", "pool", "evaluation", "policy", "rules", "report", "jobs", ".",
        "clients",
    ),
    "serving": ("common", "schemas", "http", "access", "scoring", "logs", "store", "api", "server", "web", "."),
}  # fmt: skip
HOMES = {"mlflow": {"training/common/tracking.py"}, "bentoml": {"serving/service.py", "serving/server/bento.py"}}
NEVER = {"pickle", "cloudpickle", "joblib", "dill"}
MOST_LINES = 400
# words that name nothing when they stand alone: not which rows, not whose text
NAMELESS = {
    "found", "said", "told", "given", "held", "mine", "theirs", "asked", "made", "known", "place", "taken", "kept", "seen",
    "done", "left", "gone", "got", "gave", "wanted", "looked", "put", "one", "ones", "whole", "rest", "others", "thing",
}  # fmt: skip
# where such a word is a name given to others: a field of an answer, of JSON on disk, a key of the configuration
GIVEN_TO_OTHERS = {
    "features/dataset/data_report.py": {"done"},
    "features/partitions/manifest.py": {"whole"},
    "features/partitions/matrix.py": {"made"},
    "models/decision/next_steps.py": {"others"},
    "serving/schemas/answer.py": {"others", "rest"},
    "serving/schemas/leads.py": {"place", "known", "rest", "left"},
    "training/pool/contribution.py": {"told"},
    "training/report/page.py": {"said"},
}

FILES = [p for house in FLOORS for p in sorted((ROOT / house).rglob("*.py"))]
BESIDE = [p for folder in ("tests", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))]
MODULES = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[1] if len(parts) > 2 else "."


@cache
def nodes(path: Path) -> list[ast.AST]:
    """All that a file consists of; the first is the file itself."""
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imported(path: Path) -> list[str]:
    """Every module a file imports, inside functions too."""
    modules = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return modules


def bindings(path: Path) -> Iterator[str]:
    """Every name that a file gives: functions, classes, parameters, variables, attributes."""
    for node in nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


# one test for all files, not one for each: pytest would take longer than the looking does
def test_imports_go_down_only() -> None:
    faults = []
    for path in FILES:
        file, house = name_of(path), path.relative_to(ROOT).parts[0]
        for name in imported(path):
            top = name.split(".")[0]
            if top in FLOORS and top != house and top not in FLOORS[house]:
                faults.append(f"{file}: {house} imports {name}")
            if top in HOMES and file not in HOMES[top]:
                faults.append(f"{file}: {name} has its home in {HOMES[top]}")
            if top in NEVER:
                faults.append(f"{file}: {name}: there is no pickle in Ripeline")
    assert not faults, "\n".join(faults)


def test_there_is_no_pickle_anywhere() -> None:
    """Not in tests and benchmarks either, where what is kept is made anew or kept as text, JSON and arrays."""
    files = [path for folder in ("tests", "benchmarks", "client") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert not [name_of(path) for path in files for name in imported(path) if name.split(".")[0] in NEVER]


def test_within_a_house_imports_go_down_only_too() -> None:
    """So no two rooms import each other. Commands (`__main__.py`) may call anything and are imported by nobody."""
    faults = []
    for path in FILES:
        house, room = path.relative_to(ROOT).parts[0], room_of(path)
        rooms = ROOMS[house]
        for name in imported(path) if path.name != "__main__.py" else ():
            target = MODULES.get(name)
            if target is None or target.relative_to(ROOT).parts[0] != house or name == house:
                continue
            if rooms.index(room_of(target)) > rooms.index(room):
                faults.append(f"{name_of(path)}: {room} imports {name}, from above")
            if len({room_of(target), room} & set(VENDORS)) > 1:
                faults.append(f"{name_of(path)}: {room} imports {name}: no CRM knows another")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("house", list(FLOORS))
def test_every_room_has_its_floor(house: str) -> None:
    rooms = {room_of(path) for path in FILES if path.relative_to(ROOT).parts[0] == house}
    assert rooms <= set(ROOMS[house])


def test_files_say_what_they_are() -> None:
    silent = [name_of(path) for path in FILES if not ast.get_docstring(cast("ast.Module", nodes(path)[0]))]
    assert not silent, f"a file begins with what it is: {silent}"


def test_files_are_short() -> None:
    """Tests and benchmarks too."""
    lines = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*FILES, *BESIDE]}
    long = {file: number for file, number in lines.items() if number > MOST_LINES}
    assert not long, long


def stems_elsewhere() -> dict[str, tuple[list[str], str]]:
    """Product files without a test of their stem → the tests that prove them, and why it is so (`tests/stems.tsv`)."""
    rows = [line.split("\t") for line in (ROOT / "tests" / "stems.tsv").read_text(encoding="utf-8").splitlines()]
    return {file: ([test.strip() for test in tests.split(",")], reason) for file, tests, reason in rows}


def test_every_file_has_a_test_of_its_stem_or_a_reason() -> None:
    elsewhere, faults = stems_elsewhere(), []
    for path in FILES:
        if path.name.startswith("__") or "migrations" in path.parts:
            continue
        file, own = name_of(path), ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.stem}.py")
        if own.is_file() == (file in elsewhere):
            faults.append(f"{file}: a test of its own, or a line in tests/stems.tsv, and not both")
        tests, reason = elsewhere.get(file, ([], "its own"))
        if not reason.strip():
            faults.append(f"{file}: no reason")
        faults += [f"{file}: there is no {test}" for test in tests if not (ROOT / test).is_file()]
    assert not faults, "\n".join(faults)


def test_no_reason_is_left_of_files_that_went() -> None:
    assert set(stems_elsewhere()) <= {name_of(path) for path in FILES}


def test_names_name_something() -> None:
    faults = []
    for path in FILES:
        names = {name.strip("_").lower() for name in bindings(path)}
        if nameless := (names & NAMELESS) - GIVEN_TO_OTHERS.get(name_of(path), set()):
            faults.append(f"{name_of(path)}: say which rows, whose text: {', '.join(sorted(nameless))}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("house", list(FLOORS))
def test_a_class_has_its_name_once_in_a_house(house: str) -> None:
    places: dict[str, list[str]] = {}
    for path in FILES:
        if path.relative_to(ROOT).parts[0] == house:
            for node in nodes(path):
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(name_of(path))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_the_configuration_loads_no_connector() -> None:
    """A connector is imported when it is opened: who trains on a CSV loads no CRM."""
    code = "import sys, training.common.config; print([m for m in sys.modules if m.startswith('connectors.')])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(ran.stdout))
    assert loaded <= {"connectors.registry", "connectors.common", "connectors.common.source"}


def test_no_import_cycles() -> None:
    graph = {name: {m for m in imported(path) if m in MODULES and m != name} for name, path in MODULES.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way, name))
        if name not in done:
            for following in graph[name]:
                # a package imports its parts; a part may name its own package without a cycle of definitions
                if not name.startswith(following + "."):
                    visit(following, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())
