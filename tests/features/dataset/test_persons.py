"""Columns, tables and datasets without what speaks of a person."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from connectors.files.infer import infer
from connectors.files.settings import FileOptions
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.persons import Screen, cut_distinct, personal_column, screen_dataset, screen_table, without_persons

TABLE = Path(__file__).parents[1] / "common" / "persons" / "columns.tsv"
COLUMNS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()]
DAY = pd.Timestamp("2026-06-01", tz="UTC")


@pytest.mark.parametrize(
    ("header", "values", "kind"), COLUMNS, ids=[f"{header}-{n}" for n, (header, _, _) in enumerate(COLUMNS)]
)
def test_personal_columns_are_told_from_others(header: str, values: str, kind: str) -> None:
    texts = pd.Series(values.split("|"), dtype="str")
    judged = personal_column(header, infer(texts, FileOptions(timezone="UTC")), texts, "leads")
    assert (judged or "-") == kind


def test_the_table_has_enough_columns_of_both_sorts() -> None:
    kinds = [kind for _, _, kind in COLUMNS]
    assert len(kinds) >= 150
    assert 60 <= kinds.count("-") <= len(kinds) - 60


@pytest.mark.parametrize("header", ["Name", "Tax number", "LinkedIn", "Description"])
def test_of_a_company_these_are_its_own(header: str) -> None:
    texts = pd.Series(["Acme GmbH 12", "Globex 34"], dtype="str")
    assert personal_column(header, texts, texts, "companies") is None


@pytest.mark.parametrize("category", [False, True])
def test_a_few_personal_values_are_cut_and_the_rows_stay(category: bool) -> None:
    values = pd.Series(["/pricing"] * 97 + ["Offer for jane@ex.org", "jane@ex.org", None], dtype="str", name="content")
    remaining, counts = without_persons(values.astype("category") if category else values)
    assert remaining.astype("str").tolist()[-3:-2] == ["Offer for (e-mail address)"]
    assert remaining.isna().tolist()[-2:] == [True, True]
    assert len(remaining) == 100
    assert counts == {"e-mail address": 2}
    assert remaining.name == "content"


def test_a_column_without_persons_is_the_very_same() -> None:
    values = pd.Series(["web", "/pricing", None], dtype="str")
    assert without_persons(values)[0] is values


@pytest.mark.parametrize("seed", range(5))
def test_each_text_is_cut_alone_whatever_stands_beside_it(seed: int) -> None:
    texts = [value for _, values, _ in COLUMNS for value in values.split("|")]
    shuffled = pd.Series(texts).sample(frac=0.5, random_state=seed).tolist()
    together, _ = cut_distinct(shuffled)
    assert together == [cut_distinct([text])[0][0] for text in shuffled]


def _dataset() -> Dataset:
    ids = ["L1", "L2", "L3"]
    leads = pd.DataFrame(
        {
            "lead_id": ids, "created_at": DAY, "source": ["web", "from zq@ex.org", "web"], "Vorname": ["Zqa", "Zqb", "Zqc"],
            "channel": ["a", "+49 171 1234567", "b"],
        }
    )  # fmt: skip
    interactions = pd.DataFrame(
        {
            "lead_id": ids,
            "type": ["open", "click", "open"],
            "at": DAY,
            "content": ["/a", "zq@ex.org", "/b"],
            "campaign": "zq@ex.org",
        }
    )  # fmt: skip
    changes = pd.DataFrame(
        {
            "entity": "lead", "id": ids, "column": ["Vorname", "source", "channel"], "value": ["Zqd", "zq@ex.org", "b"],
            "at": DAY,
        }
    )  # fmt: skip
    tables = {"leads": leads, "interactions": interactions, "attribute_changes": changes}
    return Dataset.from_tables(tables, extracted_at=DAY)


def test_a_dataset_of_others_is_read_without_persons() -> None:
    dataset, report = screen_dataset(_dataset())
    text = " ".join(frame.to_csv() for frame in dataset.tables.values()) + " ".join(report.lines())
    assert "zq" not in text.casefold().replace("l1", "")
    assert "1234567" not in text
    assert list(dataset.leads.columns)[-1] == "channel"
    assert len(dataset.interactions) == 3
    assert len(dataset.attribute_changes) == 2
    told = " ".join(report.lines())
    assert "1 personal column not taken (for example Vorname (name))" in told
    assert "3 rows whose 'campaign' spoke of a person" in told


def test_a_clean_dataset_stays_the_very_same() -> None:
    clean, _ = screen_dataset(_dataset())
    again, report = screen_dataset(clean)
    assert again.digest == clean.digest
    assert not report.notes


def test_what_blocks_cut_is_told_once() -> None:
    screen = Screen("interactions")
    for _ in range(2):
        screen.without_persons("content", pd.Series(["a@ex.org", "b"], dtype="str"))
    report = DataReport()
    screen.tell(report)
    assert [note.count for note in report.notes] == [2]


def test_a_column_may_have_any_name() -> None:
    """Also one that Python uses for something else."""
    leads = pd.DataFrame({"lead_id": ["1", "2"], "self": ["red", "write to a@b.example"]})
    screened = screen_table("leads", leads, Screen("leads"))
    assert screened["self"].tolist()[0] == "red"
    assert "a@b.example" not in screened["self"].tolist()[1]
