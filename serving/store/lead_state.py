"""Where leads stand in the funnel at a moment: `features.dataset.landmarks.Path` of what the store knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from features.dataset.funnel import Funnel
from features.dataset.landmarks import CONVERTED, EXITED, OPEN, Path, states
from features.dataset.spells import counted_moment

LeadStatus = Literal["not_yet", "open", "closed"]
Changes = Sequence[tuple[str, int]]  # lead stage or exit, moment


@dataclass(frozen=True)
class LeadState:
    """`stage`: position of the furthest lead stage reached before the moment in the spell that the lead is in, `entered`: when;
    `name`: that lead stage, or the exit of a lead that has left."""

    status: LeadStatus
    stage: int
    entered: int
    name: str


def lead_states(created: Sequence[int], changes: Sequence[Changes], funnel: Funnel, as_of: int) -> list[LeadState]:
    """Of leads by when they were created and their changes of all times, in any order. Names outside the funnel count for
    nothing."""
    steps = {name: number for number, name in enumerate((*funnel.stages, *funnel.exits))}
    rows = [(lead, steps.get(name, -1), at) for lead, history in enumerate(changes) for name, at in history]
    row, step, time = np.array(rows, np.int64).reshape(-1, 3).T.copy()
    path = Path.from_changes(np.array(created, np.int64), row, step, time, len(funnel.stages))
    moment = np.full(len(created), as_of, np.int64)
    spell = path.spells(np.arange(len(created)), moment)
    stage = path.stage_at(spell, moment)
    standings: list[LeadState] = []
    for lead, state in enumerate(states(path, as_of).tolist()):
        position, exited_at = max(int(stage[lead]), 0), int(path.exited_at[spell[lead]])
        name, entered = funnel.stages[position], int(path.reached[spell[lead], position])
        if state in (EXITED, CONVERTED) and exited_at < as_of:
            exits = [n for n, at in changes[lead] if n in funnel.exits and counted_moment(created[lead], at) == exited_at]
            name = min(exits)
        status: LeadStatus = "open" if state == OPEN else "closed" if state in (EXITED, CONVERTED) else "not_yet"
        standings.append(LeadState(status, position, entered if stage[lead] >= 0 else created[lead], name))
    return standings
