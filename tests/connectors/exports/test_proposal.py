"""The YAML of a proposal: what is written is what is read, and every comment stands at its place."""

from __future__ import annotations

import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from connectors.exports.proposal import Proposal

texts = st.text(alphabet="aB9 :#-'\"{}[],&*!|>%@\n\t\x85\u2028äñ?", max_size=6)
scalars = st.one_of(texts, st.booleans(), st.integers(-5, 5), st.none())
contents = st.dictionaries(
    texts, st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(texts, scalars, max_size=2)), min_size=1
)


def proposal(leads: object, interactions: object, comments: dict[tuple[str | int, ...], str]) -> Proposal:
    source = {"kind": "files", "folder": "x", "interactions": interactions, "leads": leads}
    return Proposal(source, [], [], [], [], comments=comments)


@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(leads=contents, first=contents, second=contents, comment=texts)
def test_any_names_and_values_come_back(
    leads: dict[str, object], first: dict[str, object], second: dict[str, object], comment: str
) -> None:
    place = ("source", "leads", next(iter(leads)))
    written = proposal(leads, [first, second], {place: comment}).yaml("a name")
    read = yaml.safe_load(written)
    assert read["source"] == {"kind": "files", "folder": "x", "leads": leads, "interactions": [first, second]}
    assert list(read["source"])[2:] == ["leads", "interactions"]


def test_a_comment_stands_on_the_line_of_its_guess() -> None:
    written = proposal({"order": "rows", "skip": {"a b": [""]}}, [], {("source", "leads", "skip", "a b"): "2\nrows"}).yaml("n")
    assert "      a b: ['']  # 2 rows\n" in written


def test_the_head_says_what_is_doubted_and_asked() -> None:
    draft = proposal({"file": "a.csv"}, [], {})
    draft.doubts, draft.questions, draft.gaps, draft.unused = ["one"], ["which?"], ["the past"], {"b.csv": "empty"}
    head = draft.yaml("n").splitlines()[:4]
    assert head == [
        "# b.csv: not used: empty",
        "# not known from these files: the past",
        "# look at this: one",
        "# QUESTION: which?",
    ]
