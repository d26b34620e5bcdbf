"""The mapping in YAML: what is refused, and in which words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
import yaml
from pydantic import Field, ValidationError

from connectors.files.settings import FileOptions, FilesSource, LeadsFile, LeadStagesFile
from features.common.settings import Settings, explain

ROOT = Path(__file__).parents[3]


class Other(Settings):
    kind: Literal["other"] = "other"
    leeds: int = 1


class Whole(Settings):
    name: str
    source: Annotated[FilesSource | Other, Field(discriminator="kind")]


def message(config: str, model: Any = FilesSource) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(yaml.safe_load(config))
    return str(explain(caught.value, model, "my.yaml"))


def test_a_typo_is_answered_with_the_nearest_known_key_where_it_stands() -> None:
    text = message("{leads: {file: a.csv, colums: {lead_id: Id}}}")
    assert "my.yaml: leads.colums: unknown key 'colums'" in text
    assert "did you mean 'columns'?" in text


def test_the_tag_of_a_union_is_not_shown_and_only_its_keys_are_offered() -> None:
    text = message("{name: x, source: {kind: files, leeds: 3, leads: {file: a.csv}}}", Whole)
    assert "source.leeds: unknown key 'leeds' (with the value 3): did you mean 'leads'?" in text


def test_all_problems_are_listed_at_once() -> None:
    text = message("{source: {kind: files, leads: {fil: a.csv}}}", Whole)
    assert "my.yaml has 3 problems:" in text
    assert "\n  - name is missing" in text
    assert "\n  - source.leads.file is missing" in text
    assert "did you mean 'file'?" in text


def test_a_place_in_a_list_is_counted() -> None:
    text = message("{leads: {file: a.csv}, interactions: [{file: b.csv}, {file: c.csv, skipp: {}}]}")
    assert "interactions[1].skipp: unknown key 'skipp'" in text
    assert "did you mean 'skip'?" in text


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{encoding: utf-9, leads: {file: a}}", "encoding is 'utf-9': there is no such encoding; did you mean 'utf-8'?"),
        ("{timezone: Europe/Berln, leads: {file: a}}", "timezone is 'Europe/Berln': there is no such time zone"),
        ("{separator: '::', leads: {file: a}}", "separator is '::'"),
        (
            "{leads: {file: a}, interactions: {file: b, columns: {typ: x}}}",
            "'interactions' has no column 'typ': did you mean 'type'?",
        ),
        ("{leads: {file: a}, lead_stages: {file: b, dates: {mql: x}, columns: {at: y}}}", "not both"),
        ("{leads: {file: a, order: rows, outcome: {column: y, yes: 1, at: z}}}", "either the order of rows is the time"),
        ("{leads: {file: a, columns: {source: x}, constants: {source: y}}}", "'source' has both a column and a constant"),
    ],
)
def test_a_wrong_value_is_shown_with_the_remedy(config: str, words: str) -> None:
    assert words in message(config)


def test_what_yaml_reads_as_true_false_and_none_means_what_was_written() -> None:
    source = FilesSource.model_validate(
        yaml.safe_load("{null: [Select, 999], leads: {file: a, outcome: {column: y, yes: yes, no: [no, 0]}}}")
    )
    assert source.null == ["Select", 999]
    assert source.leads.outcome is not None
    assert source.leads.outcome.yes == [True]
    assert source.leads.outcome.no == [False, 0]


def test_a_file_s_own_options_win_over_the_source_s_and_those_over_the_defaults() -> None:
    source = FilesSource.model_validate({"timezone": "Asia/Tokyo", "decimal": ",", "leads": {"file": "a", "decimal": "."}})
    options = source.options(source.leads)
    assert isinstance(options, FileOptions)
    assert (options.decimal, options.timezone, options.encoding) == (".", "Asia/Tokyo", "utf-8")


def examples() -> list[str]:
    """Those of a source; other keys of a configuration have their own tests."""
    found = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "data.md").read_text(encoding="utf-8"), re.DOTALL)
    return [example for example in found if re.search(r"^source:", example, re.MULTILINE)]


@pytest.mark.parametrize("example", examples())
def test_the_examples_of_the_documentation_are_valid(example: str) -> None:
    assert FilesSource.model_validate(yaml.safe_load(example)["source"]).leads.file


def test_the_documentation_names_every_key() -> None:
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    for model in (FilesSource, LeadsFile, LeadStagesFile):
        assert [key for key in model.model_fields if key not in text] == []
