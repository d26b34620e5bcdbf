"""A HubSpot account's own lead score as a rules file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from features.common.errors import ConfigError
from models.rules.rules import Rules
from tests.connectors.crm.crms import CRMS, SECRETS, site
from tests.connectors.crm.world import world
from tests.connectors.hubspot.test_lead_scoring import event, events, match, operation, score
from training.jobs.hubspot_rules import choose, run, send


def test_the_published_score_becomes_a_file_that_can_be_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    region = match("region", (operation("ENUMERATION", "IS_ANY_OF", values=["north"]), 10))
    whole = score(events(event("4-666440"), event("4-999")), region, category="INTENT")
    with site(CRMS["hubspot"], world(60), tmp_path) as here:
        here.fake.scores = [
            {**whole, "scoreStatus": "published"},
            {**whole, "id": "2", "name": "Draft", "scoreStatus": "draft"},
        ]
        console = Console(file=io.StringIO(), width=200)
        run(tmp_path / "theirs.yaml", tmp_path / "hubspot.yaml", console=console)
        assert isinstance(console.file, io.StringIO)
        told = console.file.getvalue()
        assert "2 rules of HubSpot's score 'Lead score'" in told
        assert "4-999 are not imported" in told
        written = (tmp_path / "theirs.yaml").read_text(encoding="utf-8")
        assert "#   not here: group 'G', rule 1: events of the type 4-999 are not imported" in written
        assert Rules.read(tmp_path / "theirs.yaml").book.fit[0].equals == ["north"]
        with pytest.raises(ConfigError, match="exists already"):
            run(tmp_path / "theirs.yaml", tmp_path / "hubspot.yaml")
        here.fake.scores = [{**score(events(event("4-999"))), "scoreStatus": "published"}]
        with pytest.raises(ConfigError, match=r"No rule .* can be translated: .*4-999"):
            run(tmp_path / "none.yaml", tmp_path / "hubspot.yaml")
        assert not (tmp_path / "none.yaml").exists()
    assert yaml.safe_load(written)["status"] == "draft"


def test_a_score_is_chosen_by_its_name_or_for_being_published() -> None:
    scores: list[dict[str, Any]] = [{"name": n, "scoreStatus": s} for n, s in (("Fit", "PUBLISHED"), ("Old", "draft"))]
    assert choose(scores, None)["name"] == "Fit"
    assert choose(scores, "Old")["name"] == "Old"
    with pytest.raises(ConfigError, match=r"no score of contacts 'Fitt'.*'Fit'"):
        choose(scores, "Fitt")
    with pytest.raises(ConfigError, match=r"2 scores of contacts: 'Fit', 'Fit'"):
        choose([scores[0], scores[0]], None)
    with pytest.raises(ConfigError, match="has no score"):
        choose([], None)


def test_a_draft_is_made_on_request_only_and_no_score_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    rules = tmp_path / "learned.yaml"
    behaviour = [{"interaction": "meeting", "points": 5}, {"interaction": "pricing_page_view", "points": 9}]
    rules.write_text(yaml.safe_dump({"behaviour": behaviour}), encoding="utf-8")
    with site(CRMS["hubspot"], world(60), tmp_path) as here:
        here.fake.scores = [{**score(), "scoreStatus": "published"}]
        console = Console(file=io.StringIO(), width=200)
        send(rules, "Learned", tmp_path / "hubspot.yaml", console=console)
        assert len(here.fake.scores) == 1
        send(rules, "Learned", tmp_path / "hubspot.yaml", really=True, console=console)
        assert isinstance(console.file, io.StringIO)
        told = console.file.getvalue()
        assert "Nothing was sent" in told
        assert "1 of 2 rules are in the draft 'Learned'" in told
        assert "it scores nobody until you publish it" in told
        assert [(s["name"], s["scoreStatus"]) for s in here.fake.scores] == [("Lead score", "published"), ("Learned", "draft")]
        with pytest.raises(ConfigError, match="has a score 'Learned' already"):
            send(rules, "Learned", tmp_path / "hubspot.yaml", really=True)
        rules.write_text(yaml.safe_dump({"behaviour": behaviour[1:]}), encoding="utf-8")
        with pytest.raises(ConfigError, match="None of the rules"):
            send(rules, "Other", tmp_path / "hubspot.yaml", really=True)
