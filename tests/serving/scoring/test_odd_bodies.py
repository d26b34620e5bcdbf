"""Several thousand bodies are read as `odd_bodies.tsv` has it: the same status, place and sentence, or the same leads.

Where an answer changes on purpose, `python -m tests.serving.scoring.test_odd_bodies` writes the file anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.dataset.funnel import Funnel
from serving.api.lead_requests import change_of, events_of
from serving.http.errors import RefusedError
from serving.schemas.requests import ScoreRequest, WhatIfRequest
from serving.scoring.request import Parsed, microseconds, read
from serving.store.pseudonyms import Ids
from tests.serving.scoring.odd_bodies import change_bodies, event_bodies, score_bodies

FILE = Path(__file__).with_name("odd_bodies.tsv")
FUNNEL = Funnel()
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


def plain(parsed: Parsed) -> Any:
    """All of it, with types that are told apart (1, 1.0 and True are equal)."""
    leads = [
        [x.lead_id, x.stage, x.created, x.entered, repr(x.attributes), x.company_id, repr(x.company), x.recommended,
         [repr(act) for act in x.interactions]]
        for x in (*parsed.leads, *parsed.context)
    ]  # fmt: skip
    decided = {index: result.model_dump(exclude_none=True) for index, result in parsed.decided.items()}
    return {**vars(parsed), "leads": leads, "context": len(parsed.context), "decided": decided}


def to_score(body: bytes) -> Any:
    return plain(read(body, FUNNEL, NOW, ScoreRequest))


def what_if(body: bytes) -> Any:
    return plain(read(body, FUNNEL, NOW, WhatIfRequest))


def interactions(body: bytes) -> Any:
    events, refused, _ = events_of(body, Ids(), microseconds(NOW))
    return [repr(events), [refusal.model_dump() for refusal in refused]]


def change(body: bytes) -> Any:
    return repr(change_of(body, "L-1", Ids(), FUNNEL, microseconds(NOW))[0])


def answer(reader: Callable[[bytes], Any], body: bytes) -> str:
    """A line: status, place and sentence of a refusal, or of the first among what is read; and a digest of all of it."""
    try:
        content = reader(body)
    except RefusedError as error:
        problem = error.problem
        return f"{problem.status} {problem.field} {_line(problem.detail)} {_digest(problem.model_dump())}"
    first = content[1][0]["detail"] if isinstance(content, list) and content[1] else ""
    return f"read {_line(first)} {_digest(content)}"


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:8]


def _line(text: str) -> str:
    return text.encode("unicode_escape").decode() if not text.isprintable() else text


def bodies() -> Iterator[tuple[str, Callable[[bytes], Any], bytes]]:
    """By name: what reads it, and the body."""
    for name, text in score_bodies():
        yield f"score: {name}", to_score, _bytes(text)
        if "add" in name:
            yield f"what-if: {name}", what_if, _bytes(text)
    for name, text in event_bodies():
        yield f"events: {name}", interactions, _bytes(text)
    for name, text in change_bodies():
        yield f"change: {name}", change, _bytes(text)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def recorded() -> dict[str, str]:
    lines = FILE.read_text(encoding="utf-8").split("\n")
    return dict(line.split("\t") for line in lines if line)


def test_every_body_is_read_as_it_was() -> None:
    answers = recorded()
    current = {_line(name): answer(reader, body) for name, reader, body in bodies()}
    assert [name for name in answers.keys() | current.keys() if answers.get(name) != current.get(name)] == []


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_other_encodings_are_read_alike(encoding: str) -> None:
    """As `json` reads them; only where JSON is damaged the place of the damage may be another."""
    some = [(name, text) for name, text in score_bodies() if len(text) < 2_000][::29]
    for name, text in some:
        one, other = (answer(to_score, text.encode(e, "surrogatepass")) for e in ("utf-8", encoding))
        assert one == other or one.startswith("400"), name


def main() -> None:
    lines = (f"{_line(name)}\t{answer(reader, body)}\n" for name, reader, body in bodies())
    FILE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
