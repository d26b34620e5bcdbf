"""Where one lead stands in the funnel at a moment: `features.dataset.landmarks.Path` for one, without tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from features.common.clock import NO_MOMENT
from features.dataset.funnel import Funnel

LeadStatus = Literal["not_yet", "open", "closed"]


@dataclass(frozen=True)
class LeadState:
    """`stage`: position of the furthest lead stage reached before the moment, `entered`: when; `name`: the exit or final lead
    stage of a lead that is closed."""

    status: LeadStatus
    stage: int
    entered: int
    name: str


def lead_state(created: int, changes: Iterable[tuple[str, int]], funnel: Funnel, as_of: int) -> LeadState:
    """`changes`: (lead stage or exit, moment), of all times; as in training an exit counts if nothing was reached after it."""
    position = {name: i for i, name in enumerate(funnel.stages)}
    entered = [NO_MOMENT] * len(funnel.stages)
    latest, exits = -1, []
    for name, moment in changes:
        if name in position:
            entered[position[name]] = min(entered[position[name]], moment)
            latest = max(latest, moment)
        elif name in funnel.exits:
            exits.append((moment, name))
    entered[0] = min(entered[0], created)
    for i in range(len(entered) - 2, -1, -1):
        entered[i] = min(entered[i], entered[i + 1])
    exit_moment, exit_name = min(((moment, name) for moment, name in exits if moment >= latest), default=(NO_MOMENT, ""))
    stage = sum(moment < as_of for moment in entered) - 1
    if stage < 0:
        return LeadState("not_yet", 0, created, funnel.stages[0])
    if exit_moment < as_of:
        return LeadState("closed", stage, entered[stage], exit_name)
    final = stage == len(funnel.stages) - 1
    return LeadState("closed" if final else "open", stage, entered[stage], funnel.stages[stage])
