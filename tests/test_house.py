"""The house rules: who may import whom, and what stands nowhere."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {
    "features": set(),
    "models": {"features"},
    "connectors": {"features", "models"},
    "training": {"features", "models", "connectors"},
    "serving": {"features", "models", "connectors"},
}
HOMES = {"mlflow": {"training/common/tracking.py"}, "bentoml": {"serving/service.py", "serving/server/bento.py"}}
NEVER = {"pickle", "cloudpickle", "joblib", "dill"}
LONG = {
    # the file and why it is longer than 400 lines
    "features/spec.py": "one dataclass per kind of feature; a reader wants them on one page",
    "features/attributes/encoders.py": "encoding and learning of one thing, attributes; the two share most helpers",
}

FILES = [p for package in FLOORS for p in sorted((ROOT / package).rglob("*.py"))]
BESIDE = [p for folder in ("tests", "benchmarks") for p in sorted((ROOT / folder).rglob("*.py"))]


def imported(path: Path) -> list[str]:
    """Every module a file imports, inside functions too."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        top = name.split(".")[0]
        if top in FLOORS and top != package:
            assert top in FLOORS[package], f"{package} imports {name}"
        if top in HOMES:
            assert str(path.relative_to(ROOT)) in HOMES[top], f"{name} has its home in {HOMES[top]}"
        assert top not in NEVER, f"{name}: there is no pickle in Ripeline"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text)), "a file begins with what it is"
    name = str(path.relative_to(ROOT))
    assert len(text.splitlines()) <= 400 or name in LONG, "over 400 lines needs a reason in LONG"


@pytest.mark.parametrize("path", BESIDE, ids=lambda p: str(p.relative_to(ROOT)))
def test_tests_and_benchmarks_are_short_too(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_import_cycles() -> None:
    modules = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in FILES}
    graph = {name: {m for m in imported(path) if m in modules and m != name} for name, path in modules.items()}
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
