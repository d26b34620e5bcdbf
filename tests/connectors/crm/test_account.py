"""A landing holds one account: another one's data are not mixed in, its records are not written."""

from __future__ import annotations

from typing import Any

import pytest

from features.common.errors import ConfigError
from tests.connectors.crm.crms import Opener, Site, one_quickly
from tests.connectors.crm.test_commands import config, printed, text
from training.jobs.crm import run_write_back
from training.jobs.crm_check import run_check

MUNCHKIN = "https://123-abc-456.mktorest.com"


def _become(here: Site, other: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same address answers for another account, as after another token was set; Marketo's is told by its address."""
    fake: Any = here.fake
    if here.crm.kind == "hubspot":
        fake.portal = 99 if other else 7_654_321
    elif here.crm.kind == "pipedrive":
        fake.company = 99 if other else 4_711
    elif here.crm.kind == "salesforce":
        record = fake.records["Organization"].popitem()[1]
        name = "00D0000000SANDBOX" if other else "00D0000000PRODUCT"
        fake.records["Organization"][name] = {**record, "Id": name}
    else:
        from connectors.marketo.connector import Marketo

        name = "999-XYZ-999" if other else "123-ABC-456"
        monkeypatch.setattr(Marketo, "read_account", lambda _: name)


def test_each_crm_tells_which_account_it_is(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for other in (False, True):
        _become(here, other, monkeypatch)
        names.add(here.open().account())
    assert len(names - {None}) == 2


@one_quickly
def test_another_account_in_the_same_folder_is_refused(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is read or landed; back with the first, all goes on. What is refused is one: three of the four are slow
    tests."""
    _become(here, False, monkeypatch)
    here.run()
    people = here.landed("people")
    _become(here, True, monkeypatch)
    with pytest.raises(ConfigError, match=r"holds what came from .*'s account .*; the credentials are those of .*\n.*folder:"):
        here.run()
    assert here.landed("people") == people
    _become(here, False, monkeypatch)
    assert sum(here.run().synced.rows.values()) == 0


@pytest.mark.usefixtures("secrets")
def test_no_score_is_sent_to_another_account(served: Opener) -> None:
    """Before anything is made there: no field, no score. `make crm-check` says it too."""
    with served("hubspot") as here:
        here.first()
        here.fake.portal = 99
        with pytest.raises(ConfigError, match="account 7654321; the credentials are those of 99"):
            run_write_back("hubspot", config(here), really=True, console=printed())
        assert not [c for c in here.fake.calls if c.method == "POST" and ("properties" in c.path or "update" in c.path)]
        console = printed()
        assert not run_check("hubspot", config(here), console=console)
        assert "7654321" in text(console)


@pytest.mark.usefixtures("secrets")
def test_an_account_that_is_not_told_stops_nothing(served: Opener) -> None:
    """The scope is missing: a warning of the check, no more. A landing of an older version takes the account it meets."""
    with served("hubspot") as here:
        here.fake.scopes = ("account-info",)
        here.run()
        console = printed()
        assert run_check("hubspot", config(here), console=console)
        assert "does not tell which it is" in text(console)
        here.fake.scopes = ()
        here.run()
        here.fake.portal = 99
        with pytest.raises(ConfigError, match="those of 99"):
            here.run()


def test_a_marketo_instance_is_told_by_its_address(served: Opener) -> None:
    with served("marketo") as here:
        connector: Any = here.open()
        assert connector.read_account() is None
        connector.source = connector.source.model_copy(update={"base_url": MUNCHKIN})
        assert connector.read_account() == "123-ABC-456"
