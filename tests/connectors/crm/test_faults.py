"""What goes wrong while a CRM is read: nothing is lost, nothing is doubled, and nothing ends green that is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.crm.responses import RefusedError, UnreachableError
from tests.connectors.crm.crms import SECRETS, Crm, Site, one_quickly, site, tables
from tests.connectors.crm.killed import IN_PARTS, killed_at
from tests.connectors.crm.server import Fault
from tests.connectors.crm.world import World


@one_quickly
@pytest.mark.usefixtures("with_dlt")
def test_killed_at_any_point_the_next_run_brings_the_same(crm: Crm, small: World, tmp_path: Path) -> None:
    """Two kills; the dataset is that of a run that was never disturbed. Landing is one for all four: three are slow tests."""
    with site(crm, small, tmp_path / "a") as calm:
        calm.first()
        expected, calls = tables(calm.dataset), len(calm.fake.calls)
    with site(crm, small, tmp_path / "b") as here:
        code = IN_PARTS.format(kind=crm.kind, config=str(here.home / f"{crm.kind}.yaml"))
        for share in (0.35, 0.6):
            killed_at(here, code, max(4, int(calls * share)))
        here.run()
        assert tables(here.dataset) == expected


def test_nobody_answers(here: Site) -> None:
    here.fake.faults.append(Fault("503", ""))
    with pytest.raises(UnreachableError, match=r"did not answer .* after 8 attempts: HTTP 503"):
        here.run()


def test_html_in_place_of_json_is_said(here: Site) -> None:
    here.fake.faults.append(Fault("html", ""))
    with pytest.raises(UnreachableError, match=r"HTML came in place of JSON .*is the base URL right"):
        here.run()


def test_secrets_are_in_no_error_and_no_file(here: Site) -> None:
    """An answer that repeats our token, an error that holds an address: neither is shown."""
    echo = {"hubspot": SECRETS["HUBSPOT_TOKEN"], "salesforce": SECRETS["SALESFORCE_CLIENT_SECRET"],
            "marketo": SECRETS["MARKETO_CLIENT_SECRET"], "pipedrive": SECRETS["PIPEDRIVE_TOKEN"]}[here.crm.kind]  # fmt: skip
    here.first()
    here.fake.faults.append(Fault("echo", "", reply=(400, {"message": f"bad token {echo} of jane.doe@example.com"}, {})))
    with pytest.raises(RefusedError, match="bad token") as caught:
        here.run()
    assert echo not in str(caught.value)
    assert "jane.doe" not in str(caught.value)
    kept = b"".join(path.read_bytes() for path in here.home.rglob("*") if path.is_file())
    for secret in SECRETS.values():
        assert secret.encode() not in kept
