"""One bar over a job of several stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from training.common.progress import Advance, Steps

Tick = Callable[[int, int], None]
FINE = 10_000


class OverallBar:
    """A single bar; `stages` are shares of the whole, in their order."""

    def __init__(self, steps: Steps, name: str, stages: Mapping[str, float]) -> None:
        self._advance: Advance = steps.step(name, FINE)
        self._stages = dict(stages)
        self._total = sum(stages.values())

    def stage(self, name: str) -> Tick:
        """Call what is returned with (done, all) parts of the stage; all before it count as done."""
        names = list(self._stages)
        completed = sum(self._stages[n] for n in names[: names.index(name)])
        self._advance(int(FINE * completed / self._total), FINE)

        def tick(parts_done: int, parts_total: int) -> None:
            share = (completed + self._stages[name] * parts_done / max(parts_total, 1)) / self._total
            self._advance(int(FINE * share), FINE)

        return tick

    def end(self) -> None:
        """Everything is done."""
        self._advance(FINE, FINE)
