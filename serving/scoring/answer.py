"""The answer to a request to score, straight from plain values to bytes, as `serving/schemas/answer.py` has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from serving.scoring.request import Parsed, time_of
from serving.scoring.scorer import Scorer


@dataclass(frozen=True)
class Answer:
    """JSON as bytes, and the results in it as plain values."""

    text: bytes
    results: Sequence[dict[str, Any]]


def build_answer(scorer: Scorer, parsed: Parsed) -> Answer:
    """Score what is to be scored and put every result in its place."""
    results = scorer.plain(parsed.leads, parsed.as_of, parsed.reasons, parsed.language, parsed.context)
    for index, result in zip(parsed.places, results, strict=True):
        result["warnings"] = parsed.warnings[index] + result["warnings"]
    if parsed.decided:
        results_by_index = {index: result.model_dump() for index, result in parsed.decided.items()}
        results_by_index.update(zip(parsed.places, results, strict=True))
        results = [results_by_index[index] for index in sorted(results_by_index)]
    model = scorer.model
    content = {
        "model": {"name": model.name, "version": model.version, "trained_at": model.trained_at},
        "as_of": time_of(parsed.as_of).isoformat().replace("+00:00", "Z"),
        "results": results,
    }
    return Answer(orjson.dumps(content), results)
