"""One bar over several stages only rises, by their shares, and ends at its end."""

from __future__ import annotations

import io

from rich.console import Console

from training.common.overall_progress import FINE, OverallBar
from training.common.progress import Steps


def test_a_bar_over_stages_rises_by_their_shares() -> None:
    steps = Steps(Console(file=io.StringIO()))
    told: list[int] = []
    steps.step = lambda *_, **__: lambda done, _of: told.append(done)  # type: ignore[method-assign]
    bar = OverallBar(steps, "Scoring", {"partition": 30, "score": 65, "write": 5})
    bar.stage("partition")(1, 2)
    bar.stage("score")(1, 1)
    bar.stage("write")(0, 0)
    bar.end()
    assert told == [0, 1_500, 3_000, 9_500, 9_500, 9_500, FINE]
