"""The result of an audit in words, as a table and as JSON."""

from __future__ import annotations

from features.leakage import Audit, Verdict

AUDIT = Audit(
    (
        Verdict("lead.tags", "block", ("why | so",)),
        Verdict("lead.size", "ok", ("fine",)),
        Verdict("lead.x", "ok", (), idle=True),
    ),
    (Verdict("invoice", "warn", ("later",)),),
    ("audit: a note",),
)


def test_only_what_is_worth_reading_is_shown_after_a_training() -> None:
    assert AUDIT.lines() == ["left out: lead.tags: why | so", "worth a look: invoice: later", "audit: a note"]


def test_the_table_has_every_column_of_use_and_bars_do_not_break_it() -> None:
    text = AUDIT.markdown()
    assert "| lead.tags | block | why \\| so |" in text
    assert "| lead.size | ok | fine |" in text
    assert "- empty or the same in every row: lead.x" in text
    assert text.endswith("\n")


def test_plain_values() -> None:
    assert AUDIT.to_dict()["interactions"] == [{"subject": "invoice", "verdict": "warn", "evidence": ["later"]}]
    assert AUDIT.blocked == ("lead.tags",)
    assert AUDIT.usable == ("lead.tags", "lead.size")
