"""The pages name files, folders and words that there are; above all the tables that say where something is added."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("features", "models", "connectors", "training", "serving", "client", "tests", "benchmarks", "docs", "deploy")
# decisions and changes of before name what there was
PAGES = [p for p in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")) if p.name != "CHANGELOG.md" and p.parent.name != "adr"]
TABLES = (("README.md", "Where do I add …"), ("README.md", "The house"), ("CONTRIBUTING.md", "Where do I add …"))
PATH = re.compile(r"[\w.<>/*-]+/|[\w.<>/*-]+\.(?:py|yaml|json|js|md|tsv)")
WORD = re.compile(r"[A-Za-z_][\w.]*")


def rows(page: str, heading: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8").partition(f"## {heading}\n\n")[2]
    return text[text.index("|") :].partition("\n\n")[0].splitlines()[2:]


def files(path: str, *folders: Path) -> list[Path]:
    """The files and folders of a path as pages write it, from the root or from one of `folders`; `<crm>` is any."""
    pattern = re.sub(r"<\w+>", "*", path).rstrip("/")
    return [file for folder in (ROOT, *folders) for file in folder.glob(pattern)]


def missing(row: str) -> list[str]:
    """What a row names and there is not: paths, from the root or beside another of the row, and words that stand in none of
    its files."""
    tokens = re.findall(r"`([^`]+)`", row)
    paths = [token for token in tokens if PATH.fullmatch(token)]
    folders = {file if file.is_dir() else file.parent for path in paths for file in files(path)}
    named = {path: files(path, *folders) for path in paths}
    sources = {file for found in named.values() for one in found for file in ([one] if one.is_file() else one.rglob("*.py"))}
    text = "\n".join(file.read_text(encoding="utf-8") for file in sources)
    words = [token for token in tokens if token not in named and WORD.fullmatch(token)]
    absent = [word for word in words if not re.search(rf"\b{word.rpartition('.')[2]}\b", text)]
    return [path for path, found in named.items() if not found] + absent


@pytest.mark.parametrize("row", [row for table in TABLES for row in rows(*table)], ids=lambda row: row.split("|")[1].strip())
def test_a_row_names_what_there_is(row: str) -> None:
    assert missing(row) == []


def test_what_went_is_missed() -> None:
    assert missing("| a metric | `METRICS` in `training/evaluation/metrics.py`, `holdout.py` |") == [
        "training/evaluation/metrics.py", "holdout.py", "METRICS",
    ]  # fmt: skip
    assert missing("| a metric | one `Evaluator` of `EVALUATOR` in `training/evaluation/evaluate.py`, `holdout.py` |") == [
        "EVALUATOR"
    ]
    assert missing("| a CRM | `tests/connectors/<crm>/stand_in.py`, `tests/connectors/<crm>/stand_out.py` |") == [
        "tests/connectors/<crm>/stand_out.py"
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_paths_that_there_are(page: Path) -> None:
    tokens = re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8"))
    paths = [token for token in tokens if PATH.fullmatch(token) and "/" in token and token.split("/")[0] in FOLDERS]
    assert [token for token in paths if not files(token)] == []
