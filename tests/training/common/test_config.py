"""The configuration: what is wrong is named with its place and the nearest known key."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.errors import ConfigError
from features.turning_away import BY_NAME, TurningAway
from tests.training.scale.worlds import config_of
from training.common.config import Config, Scanners, TurningAwayConfig

GOOD = "name: acme\nsource: {kind: simulator}\n"


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return Config.read(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "horizons: {}\n", "horizons"),
        (GOOD + "funel: {}\n", "did you mean 'funnel'"),
        (GOOD + "funnel: {horizon: {mql: 3}}\n", "did you mean 'horizons'"),
        (GOOD + "sales: {capacity_per_week: -1}\n", "sales.capacity_per_week"),
        (GOOD + "search: {trials: many}\n", "search.trials.*many"),
        ("name: acme\n", "exactly one of them"),
        (GOOD + "dataset: x\n", "exactly one of them"),
        ("name: 'a b'\nsource: {kind: simulator}\n", "name"),
        ("name: acme\nsource: {kind: simulater}\n", "simulat"),
        ("name: [", "not valid YAML"),
        ("just text", "just text|dictionary|mapping"),
    ],
)
def test_a_wrong_configuration_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.read(tmp_path / "none.yaml")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, GOOD + "rules: mine/rules.yaml\n")
    assert config.rules is not None
    assert config.path(config.rules) == tmp_path / "mine" / "rules.yaml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{stages: [a]}", "at least two lead stages"),
        ("{stages: [a, b], exits: [b]}", "names 'b' twice"),
        ("{horizons: {lead: 3}}", "'lead'"),
    ],
)
def test_a_wrong_funnel(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, GOOD + f"funnel: {text}\n").funnel.build()


def test_mail_roles_may_be_given() -> None:
    """A role that is given has the types named and no others; the rest are told by their names."""
    scanners = Scanners(sent=["dispatch"])
    assert scanners.roles(["dispatch", "email_sent", "email_opened"], BY_NAME) == ("sent", "", "opened")
    with pytest.raises(ConfigError, match="no interaction type 'dispach': did you mean 'dispatch'"):
        Scanners(sent=["dispach"]).roles(["dispatch"], BY_NAME)


def test_types_that_turn_away_may_be_named_and_taken_out(tmp_path: Path) -> None:
    types = {"unsubscribed": 30, "bounce": 5, "visit_called_off": 40, "page_view": 90}
    assert TurningAwayConfig().among(types).types == ("bounce", "unsubscribed")
    settings = read(tmp_path, GOOD + "turning_away: {also: [visit_called_off], never: [bounce]}\n").turning_away
    assert settings.among(types) == TurningAway(("unsubscribed", "visit_called_off"), ("bounce",))
    with pytest.raises(ConfigError, match="turning_away: also: no interaction type 'page_veiw': did you mean 'page_view'"):
        TurningAwayConfig(also=["page_veiw"]).among(types)
    with pytest.raises(ConfigError, match="'bounce' stands under `also` and under `never`"):
        read(tmp_path, GOOD + "turning_away: {also: [bounce], never: [bounce]}\n")
    with pytest.raises(ConfigError, match=r"unknown key 'not'(?s:.*)"):
        read(tmp_path, GOOD + "turning_away: {not: [bounce]}\n")


def test_what_turns_away_is_nothing_to_a_mail() -> None:
    """An act of turning away must not make a scanner's of a click beside it."""
    types = ["email_sent", "email_unsubscribe_clicked", "email_clicked"]
    assert Scanners().roles(types, TurningAwayConfig().among(types)) == ("sent", "", "clicked")


def test_settings_of_the_engine_are_checked(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"engine.memory is 'much': 'much' is no size; write it like 4GiB"):
        config_of(tmp_path, memory="much")
    with pytest.raises(ConfigError, match=r"engine .*an `address:` is of a Dask scheduler"):
        config_of(tmp_path, address="tcp://x:1")


def test_settings_of_a_source_are_written_and_told_apart(tmp_path: Path) -> None:
    """What MLflow keeps, and what says whether a client has to be trained again, holds every setting of the source."""
    texts = ("{kind: simulator, leads: 500}", "{kind: simulator, leads: 600}")
    small, large = (read(tmp_path, f"name: acme\nsource: {text}\n").model_dump(mode="json")["source"] for text in texts)
    assert (small["leads"], large["leads"]) == (500, 600)
    assert {"kind", "leads", "days", "seed"} == set(small)
