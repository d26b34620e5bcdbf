"""Where one lead stands in the funnel at a moment: `features.dataset.landmarks.Path` for one, without tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from features.common.clock import NEVER
from features.dataset.funnel import Funnel

Stand = Literal["not_yet", "open", "closed"]


@dataclass(frozen=True)
class Standing:
    """`stage`: position of the furthest lead stage reached before the moment, `entered`: when; `name`: the exit or final lead
    stage of a lead that is closed."""

    stand: Stand
    stage: int
    entered: int
    name: str


def standing(created: int, changes: Iterable[tuple[str, int]], funnel: Funnel, as_of: int) -> Standing:
    """`changes`: (lead stage or exit, moment), of all times; as in training an exit counts if nothing was reached after it."""
    position = {name: i for i, name in enumerate(funnel.stages)}
    first = [NEVER] * len(funnel.stages)
    latest, exits = -1, []
    for name, at in changes:
        if name in position:
            first[position[name]] = min(first[position[name]], at)
            latest = max(latest, at)
        elif name in funnel.exits:
            exits.append((at, name))
    first[0] = min(first[0], created)
    for i in range(len(first) - 2, -1, -1):
        first[i] = min(first[i], first[i + 1])
    left, exit_name = min(((at, name) for at, name in exits if at >= latest), default=(NEVER, ""))
    stage = sum(at < as_of for at in first) - 1
    if stage < 0:
        return Standing("not_yet", 0, created, funnel.stages[0])
    if left < as_of:
        return Standing("closed", stage, first[stage], exit_name)
    final = stage == len(funnel.stages) - 1
    return Standing("closed" if final else "open", stage, first[stage], funnel.stages[stage])
