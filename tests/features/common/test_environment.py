"""Settings from the environment: which source goes first, what is empty, and what is never shown."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from features.common.environment import Address, EnvironmentSettings, masked_address, number, revealed, table, variable
from features.common.errors import ConfigError


class Example(EnvironmentSettings):
    """Three variables."""

    word: str = variable("usual", "a word")
    key: SecretStr | None = variable(None, "a key", "one that is `made` in place")
    place: Address | None = variable(None, "an address", name="PLACE")


def test_options_go_before_the_environment_and_that_before_a_file() -> None:
    environment = {"RIPELINE_WORD": "environment", "RIPELINE_OTHER": "of somebody else", "PLACE": "  "}
    file = {"RIPELINE_WORD": "file", "PLACE": "pg://me:pass@host/x"}
    settings = Example.read(environment, options={"RIPELINE_KEY": "option"}, file=file, file_name="a.env")
    assert (settings.word, revealed(settings.key), revealed(settings.place)) == ("environment", "option", "pg://me:pass@host/x")
    assert settings.rows() == [
        ("RIPELINE_WORD", "environment", "environment"),
        ("RIPELINE_KEY", "**********", "option"),
        ("PLACE", "pg://•••@host/x", "file a.env"),
    ]
    assert Example.read({}).rows() == [
        ("RIPELINE_WORD", "usual", "default"),
        ("RIPELINE_KEY", "one that is made in place", "default"),
        ("PLACE", "none", "default"),
    ]
    assert settings.source_of("word") == "environment"
    assert Example.read({}).source_of("word") is None
    assert table(settings).splitlines()[1].split() == ["RIPELINE_WORD", "environment", "environment"]
    with pytest.raises(ValidationError, match="frozen"):
        settings.word = "another"


def test_a_value_of_another_type_is_refused_in_a_sentence() -> None:
    """Also of a field that says no more than its type."""

    class Counted(EnvironmentSettings):
        count: int = variable(1, "how many")

    assert Counted.read({"RIPELINE_COUNT": "3"}).count == 3
    with pytest.raises(ConfigError, match="RIPELINE_COUNT: Input should be a valid integer") as refused:
        Counted.read({"RIPELINE_COUNT": "very-secret"})
    assert "very-secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:///artefacts/leads.db", "sqlite:///artefacts/leads.db"),
        ("postgresql://me:p@ss/w:rd@host:5432/leads", "postgresql://•••@host:5432/leads"),
        ("https://host/x?password=secret", "https://host/x?•••"),
    ],
)
def test_an_address_is_shown_without_what_lets_in(text: str, shown: str) -> None:
    assert masked_address(text) == shown
    assert "pass" not in repr(Address("pg://u:pass@h"))


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1.0), (" 2.5 ", 2.5), ("0", None), ("10.1", None), ("nan", None), ("x", None)]
)
def test_a_number_lies_between_its_bounds(text: str, value: float | None) -> None:
    assert number(text, 1, 10) == value
