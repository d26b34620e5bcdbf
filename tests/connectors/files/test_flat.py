"""Flat files: one row a lead, a yes/no outcome, row order as time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from connectors.files.flat import in_row_order
from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.common.clock import DAY, microseconds
from features.common.errors import ConfigError, DataError
from features.dataset.funnel import Funnel
from features.dataset.labels import label
from features.dataset.landmarks import Path as LeadPath
from features.dataset.landmarks import landmarks
from features.dataset.validate import validate
from tests.connectors.files.test_load import load, write
from training.data.prepare import ROW_ORDER_HORIZON

FUNNEL = Funnel(("lead", "customer"), ("lost",), {"customer": 30})
ROWS = "a,1\nb,0\nc,\nd,1\ne,\nf,0\n"
CONFIG = "leads: {file: l.csv, columns: {lead_id: id}, order: rows, outcome: {column: won, yes: 1, no: 0}}"


def test_the_rows_are_a_minute_apart_and_outcomes_come_at_once(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\na,1\nb,0\n")
    dataset, _ = load(tmp_path, CONFIG, FUNNEL)
    assert dataset.time == "row_order"
    assert dataset.leads["created_at"].diff().iloc[1] == pd.Timedelta(minutes=1)
    assert dataset.lead_stages["lead_stage"].tolist() == ["customer", "lost"]
    assert ((dataset.lead_stages["at"] - dataset.leads["created_at"]) == pd.Timedelta(seconds=30)).all()


@pytest.mark.parametrize("dated", [False, True])
def test_every_known_label_has_matured_and_a_blank_outcome_is_neither_yes_nor_no(tmp_path: Path, dated: bool) -> None:
    """The landmarks and labels of the real code: those of known leads all mature, open ones have none."""
    rows = ROWS.splitlines()
    text = "id,won,created_at\n" + "\n".join(f"{row},2026-01-0{i + 1}" for i, row in enumerate(rows)) + "\n"
    write(tmp_path, l__csv=text)
    dataset, report = load(tmp_path, CONFIG.replace(" order: rows,", "") if dated else CONFIG, FUNNEL)
    dataset, _ = validate(dataset, FUNNEL)
    known_at = int(microseconds([dataset.extracted_at])[0])
    path = LeadPath.from_tables(dataset.leads, dataset.lead_stages, FUNNEL)
    looks = landmarks(path, known_at, ages=[0], ended_only=True)
    labels = label(path, looks, Funnel(FUNNEL.stages, FUNNEL.exits, {"customer": ROW_ORDER_HORIZON}), known_at)
    ids = dataset.leads["lead_id"].to_numpy()[looks.lead]
    assert labels.matured.all()
    assert set(ids) == {"a", "b", "d", "f"}
    assert set(ids[labels.reached[:, 0]]) == {"a", "d"}
    assert "2 leads with a blank outcome" in "\n".join(report.lines())
    assert dataset.time == "row_order"


def test_open_leads_stay_where_they_are_in_time(tmp_path: Path) -> None:
    """What is counted from their coming would be off by as much as they are moved."""
    write(tmp_path, l__csv="id,won\n" + ROWS, d__csv="id,won,created_at\na,1,2026-01-05\nb,,2026-01-02\nc,,2026-01-09\n")
    leads = load(tmp_path, CONFIG, FUNNEL)[0].leads
    assert leads["lead_id"].to_numpy()[np.argsort(leads["created_at"].to_numpy())].tolist() == list("abcdef")
    dated, _ = load(tmp_path, CONFIG.replace(" order: rows,", "").replace("l.csv", "d.csv"), FUNNEL)
    assert dated.leads["created_at"].dt.day.tolist() == [5, 2, 9]
    assert dated.extracted_at == pd.Timestamp("2026-01-09 00:01", tz="UTC"), "known once the newest had come"


def test_the_order_of_rows_is_told_from_days(tmp_path: Path) -> None:
    ids = [f"{i},{i % 2}" for i in range(40)]
    write(tmp_path, l__csv="id,won\n" + "\n".join(ids) + "\n")
    created = microseconds(load(tmp_path, CONFIG, FUNNEL)[0].leads["created_at"])
    assert in_row_order(created)
    assert in_row_order(np.delete(created, [3, 4, 20])), "rows that were left out leave gaps"
    assert not in_row_order(created[0] + np.arange(40) * DAY)
    every_tenth = created[0] + np.flatnonzero(np.random.default_rng(0).random(4_000) < 0.1) * (created[1] - created[0])
    assert in_row_order(every_tenth), "a sample of the accounts is as little dated as all"
    assert not in_row_order(every_tenth + 9_000 * DAY), "minutes of 2024 are moments"
    assert not in_row_order(np.append(every_tenth, every_tenth[0])), "two leads of a moment are dated"
    assert not in_row_order(created[:1])


def test_an_export_with_the_newest_first_is_turned_round(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\nnew,1\nold,0\n")
    leads = load(tmp_path, CONFIG.replace("order: rows", "order: newest_first"), FUNNEL)[0].leads
    assert leads.sort_values("created_at")["lead_id"].tolist() == ["old", "new"]


def test_a_file_with_dates_keeps_them_for_known_leads(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won,created_at\na,1,2026-01-05\nb,0,2026-01-02\n")
    dataset, _ = load(tmp_path, CONFIG.replace(" order: rows,", ""), FUNNEL)
    assert dataset.leads["created_at"].dt.day.tolist() == [5, 2]
    assert dataset.time == "row_order"


def test_an_outcome_with_a_day_is_dated_and_open_leads_are_simply_open(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won,created_at,closed\na,1,2026-01-01,2026-02-01\nb,0,2026-01-01,2026-01-09\nc,,2026-01-01,\n")
    config = CONFIG.replace(" order: rows,", "").replace("no: 0}", "no: 0, at: closed}")
    dataset, _ = load(tmp_path, config, FUNNEL)
    assert dataset.time == "dates"
    assert dataset.lead_stages["at"].dt.strftime("%m-%d").tolist() == ["02-01", "01-09"]
    assert "closed" not in dataset.leads


def test_without_ids_the_row_number_is_the_id(tmp_path: Path) -> None:
    write(tmp_path, l__csv="age,won\n33,1\n44,0\n")
    dataset, report = load(tmp_path, CONFIG.replace(" columns: {lead_id: id},", ""), FUNNEL)
    assert dataset.leads["lead_id"].tolist() == ["2", "3"]
    assert "2 leads without an id in the file" in "\n".join(report.lines())


def test_without_a_list_of_noes_every_other_value_is_one(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\na,Won\nb,Lost\nc,Junk\n")
    dataset, _ = load(tmp_path, CONFIG.replace("yes: 1, no: 0", "yes: Won"), FUNNEL)
    assert dataset.lead_stages["lead_stage"].tolist() == ["customer", "lost", "lost"]


def test_a_value_that_is_neither_yes_nor_no_names_its_row(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\na,1\nb,0\nc,2\n")
    with pytest.raises(DataError, match=r"l\.csv, row 4, column 'won': '2' is neither in yes \[1\] nor in no \[0\]"):
        load(tmp_path, CONFIG, FUNNEL)


@pytest.mark.parametrize(
    ("funnel", "config", "message"),
    [
        (Funnel(("lead", "customer"), ()), CONFIG, r"2 leads with a no left through no exit: the funnel has none.*\n.*exits:"),
        (FUNNEL, CONFIG.replace("no: 0}", "no: 0, exit: losst}"), r"'losst', which is no exit.*\n.*'lost'"),
        (FUNNEL, CONFIG.replace("no: 0}", "no: 0, lead_stage: custmer}"), r"lead_stage is 'custmer': did you mean 'customer'"),
        (FUNNEL, "leads: {file: l.csv, columns: {lead_id: id}, order: rows}", r"`order: rows` but no `outcome`"),
        (FUNNEL, CONFIG + "\ninteractions: {file: l.csv}", r"flat file whose outcome has no date, but other tables"),
    ],
)
def test_an_outcome_that_does_not_fit_the_funnel_is_an_error(tmp_path: Path, funnel: Funnel, config: str, message: str) -> None:
    write(tmp_path, l__csv="id,won\n" + ROWS)
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, config, funnel)


def test_a_funnel_without_exits_will_do_when_nobody_said_no(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\na,1\nb,\n")
    dataset, _ = load(tmp_path, CONFIG, Funnel(("lead", "customer"), ()))
    assert dataset.lead_stages["lead_stage"].tolist() == ["customer"]


@pytest.mark.parametrize(
    ("yes", "no", "cells", "outcomes"),
    [
        ('["Yes"]', None, ["Yes", "yes", " YES", "No", "1", "1.0", "ja", "x", "Won", "0", "nein", "lost"], "yyynyyyyynnn"),
        ("1", None, ["1", "1.0", "true", "0", "0.0", "oui", "sí", "tak", "Closed Won", "verloren"], "yyynnyyyyn"),
        ("0", None, ["0", "no", "1", "yes"], "yynn"),  # what is looked for may be the no of the column
        ('["Deal signed"]', None, ["deal signed", "Deal  Signed", "competitor", "no budget"], "yynn"),
        ('["Won"]', '["Lost", "Competitor"]', ["won", "gewonnen", "LOST", "competitor", "nein"], "yynnn"),
        ('["Yes"]', '["1"]', ["yes", "true", "1", "1.0"], "yynn"),  # what is named stands above the vocabulary
    ],
)
def test_spellings_of_yes_and_no_are_one_vocabulary(
    tmp_path: Path, yes: str, no: str | None, cells: list[str], outcomes: str
) -> None:
    write(tmp_path, l__csv="id,won\n" + "".join(f"{i},{cell}\n" for i, cell in enumerate(cells)))
    config = CONFIG.replace("yes: 1, no: 0", f"yes: {yes}" + (f", no: {no}" if no else ""))
    dataset, report = load(tmp_path, config, FUNNEL)
    assert "".join("y" if stage == "customer" else "n" for stage in dataset.lead_stages["lead_stage"]) == outcomes
    counted = [note for note in report.notes if "counts as a" in note.what]
    assert [note.count for note in counted] == [outcomes.count("y"), outcomes.count("n")]
    assert all(repr(cell.strip()) in counted[0].example + counted[1].example for cell in cells[:5] if "  " not in cell)


@pytest.mark.parametrize("word", ["maybe", "Pending", "offen", "in progress", "?"])
def test_a_value_that_is_no_answer_is_refused_with_the_remedy(tmp_path: Path, word: str) -> None:
    write(tmp_path, l__csv=f"id,won\n1,Yes\n2,No\n\n3,{word}\n")
    with pytest.raises(DataError, match=r"l\.csv, row 5, column 'won': .* says neither yes nor no\.\n.*`no:`.*`null_in:`"):
        load(tmp_path, CONFIG.replace("yes: 1, no: 0", "yes: ['Yes']"), FUNNEL)
    named = CONFIG.replace("yes: 1, no: 0", f"yes: ['Yes'], no: [No, '{word}']")
    assert len(load(tmp_path, named, FUNNEL)[0].lead_stages) == 3


def test_an_outcome_without_a_yes_lists_the_values_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,won\n1,Signed\n2,Lost\n3,Lost\n")
    with pytest.raises(DataError, match=r"none of its 3 values is a yes \[True\]; seen are 'Lost' 2, 'Signed' 1\.\n.*yes"):
        load(tmp_path, CONFIG.replace("yes: 1, no: 0", "yes: yes"), FUNNEL)


AT = "leads: {file: l.csv, columns: {lead_id: id, created_at: came}, outcome: {column: won, yes: 1, no: 0, at: ended}}"


@pytest.mark.parametrize(
    ("came", "days", "read_as"),
    [
        (("1/25/2026", "1/26/2026"), ("2/3/2026", "2/4/2026"), "3 February 2026"),
        (("25/01/2026", "26/01/2026"), ("03/02/2026", "04/02/2026"), "3 February 2026"),
        (("2026-01-25", "2026-01-26"), ("46056", "46057"), "3 February 2026"),
    ],
)
def test_days_of_outcomes_are_judged_beside_the_other_columns_of_the_file(
    tmp_path: Path, came: tuple[str, str], days: tuple[str, str], read_as: str
) -> None:
    write(tmp_path, l__csv=f"id,came,won,ended\na,{came[0]},1,{days[0]}\nb,{came[1]},0,{days[1]}\n")
    dataset, report = load(tmp_path, AT, FUNNEL)
    assert dataset.lead_stages["at"].dt.strftime("%d %m").tolist() == ["03 02", "04 02"]
    (told,) = (line for line in report.lines() if "'ended' of l.csv" in line)
    assert f"read as {read_as}" in told


def test_days_of_outcomes_that_nothing_settles_are_asked(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,came,won,ended\na,2026-01-25,1,02/03/2026\nb,2026-01-26,0,02/04/2026\n")
    with pytest.raises(DataError, match=r"(?s)column 'ended'.*is 2 March 2026 or 3 February 2026.*Say which"):
        load(tmp_path, AT, FUNNEL)


LIVES = {
    "blank": ("1,", "l.csv row 3: '1'"),
    "after the clock": ("1,2206-02-01", "b"),
    "years after all others": ("1,2024-09-01", "b"),
    "before all others": ("1,1995-02-01", "b"),
}


@pytest.mark.parametrize("kind", LIVES)
@pytest.mark.parametrize("staged", [False, True])
def test_a_yes_that_nobody_knows_the_day_of_leaves_with_all_that_the_lead_did(tmp_path: Path, kind: str, staged: bool) -> None:
    """As an open lead it would be a no until then, which it is not."""
    cells, example = LIVES[kind]
    write(
        tmp_path,
        l__csv=f"id,came,won,ended\na,2020-01-05,1,2020-02-01\nb,2020-01-06,{cells}\nc,2020-01-07,0,\nd,2020-01-08,0,2020-03-01\n",
        e__csv="lead_id,type,at\na,visit,2020-01-06\nb,visit,2020-01-07\nb,visit,2020-01-08\nc,visit,2020-01-09\n",
    )
    config = AT.replace("leads:", "interactions: {file: e.csv}\nleads:")
    source = FilesSource.model_validate(yaml.safe_load(config))
    file = tmp_path / "staged.parquet" if staged else None
    dataset, report = load_files(source, FUNNEL, tmp_path, file, now=datetime(2026, 1, 1, tzinfo=UTC))
    acts = pd.read_parquet(file) if file else dataset.interactions
    assert dataset.leads["lead_id"].tolist() == ["a", "c", "d"]
    assert acts["lead_id"].astype("str").tolist() == ["a", "c"]
    lines = "\n".join(report.lines())
    assert f"(for example {example}); set aside with all that the lead did" in lines
    assert "interactions: 2 rows of leads that were set aside (for example b); left out with them." in lines
    assert "1 row whose 'won' is a no but whose 'ended' is blank (for example l.csv row 4: '0'); taken as still open" in lines


def test_a_yes_after_the_extraction_that_was_given_was_open_then(tmp_path: Path) -> None:
    write(
        tmp_path, l__csv="id,came,won,ended\na,2020-01-05,1,2020-02-01\nb,2020-01-06,1,2020-06-01\nc,2020-01-07,0,2020-02-02\n"
    )
    dataset, _ = load(tmp_path, f"extracted_at: 2020-03-01\n{AT}", FUNNEL)
    assert dataset.leads["lead_id"].tolist() == ["a", "b", "c"]


def test_days_that_are_blank_for_every_yes_are_refused(tmp_path: Path) -> None:
    write(tmp_path, l__csv="id,came,won,ended\na,2020-01-05,1,\nb,2020-01-06,0,2020-02-02\n")
    with pytest.raises(DataError, match=r"'ended' is blank in every row whose 'won' is a yes \(1\)\.\n.*`outcome: \{at: …\}`"):
        load(tmp_path, AT, FUNNEL)


@pytest.mark.parametrize("keep", ["all", "[]"])
def test_values_of_the_outcome_are_translated_before_they_are_a_yes_or_a_no(tmp_path: Path, keep: str) -> None:
    write(tmp_path, l__csv="id,won\na,Signed\nb,Gone\nc,Talking\nd,Signed\n")
    values = "values: {won: {Signed: 1, Gone: 0, Talking: null}}"
    dataset, report = load(tmp_path, CONFIG.replace("order: rows", f"order: rows, keep: {keep}, {values}"), FUNNEL)
    assert dataset.lead_stages["lead_stage"].tolist() == ["customer", "lost", "customer"]
    assert "1 lead with a blank outcome (for example c)" in "\n".join(report.lines())
