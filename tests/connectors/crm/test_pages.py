"""The page of each CRM says which streams there are, and every call that an import and a write-back make."""

from __future__ import annotations

import re
from pathlib import Path

from tests.connectors.crm.crms import Site
from tests.connectors.crm.writing import scored, written

DOCS = Path(__file__).resolve().parents[3] / "docs" / "crm"
# streams that a configuration asks for, and what is asked for by the kinds of a table ("the same of …")
ASKED = {
    "pipedrive": {"person_changelogs", "mails"},
    "salesforce": {"opportunity_field_history", "task_people", "event_people"},
}
KINDS = ("contacts", "companies", "deals", "calls", "meetings", "emails", "leads")  # of HubSpot's objects, read alike


def _table(kind: str) -> list[list[str]]:
    """The cells of the table of calls."""
    text = (DOCS / f"{kind}.md").read_text(encoding="utf-8").split("## Call by call")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]


def _patterns(kind: str) -> list[str]:
    """The calls of the page as expressions; `…` is what differs from call to call."""
    text = (DOCS / f"{kind}.md").read_text(encoding="utf-8").split("## Call by call")[1].split("\n## ")[0]
    calls = [call for call in re.findall(r"`([^`]+)`", text) if re.match(r"(?:GET |POST |PATCH )?[/…]", call)]
    patterns = [re.escape(call).replace("…", ".*") for call in calls]
    if kind == "hubspot":
        patterns += [
            re.escape(c).replace("contacts", name).replace("…", ".*") for c in calls for name in KINDS if "contacts" in c
        ]
    return [pattern.replace(r"\ ", " ") for pattern in patterns]


def test_every_stream_and_every_call_is_on_the_page(here: Site) -> None:
    kind = here.crm.kind
    here.first()
    written(here, scored(here))
    here.run()
    streams = {name for row in _table(kind) for name in re.findall(r"`(\w+)`", row[0])}
    assert {stream.name for stream in here.open().streams()} | ASKED.get(kind, set()) == streams
    patterns = [
        pattern if pattern.startswith(("GET", "POST", "PATCH")) else f"(?:GET|POST) {pattern}" for pattern in _patterns(kind)
    ]
    calls = {f"{call.method} {call.path}" for call in here.fake.calls}
    missing = [
        call
        for call in sorted(calls)
        if not any(re.fullmatch(f"{pattern}.*" if pattern.endswith(".*") else pattern, call) for pattern in patterns)
    ]
    assert missing == []


def test_every_page_says_what_a_write_does_besides(here: Site) -> None:
    text = (DOCS / f"{here.crm.kind}.md").read_text(encoding="utf-8")
    written_part = text.split("## What is written")[1].split("\n## ")[0]
    assert "| a write also | what we do, what you can do |" in written_part
    assert "(#what-is-written)" in text
