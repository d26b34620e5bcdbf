"""The spells of a lead: the one place that judges a history of lead stages, for training, batch, partitions and the store.

A lead is in the first lead stage from its creation; that begins its first spell. An exit ends the spell, whatever lead stage
the lead was in, the last one included: a customer may be lost, too. A lead stage after that begins a new spell, in which no
lead stage of the old one counts. Within a spell each lead stage counts from when it, or one beyond it, was first reached; going
back without an exit changes nothing, nor does an exit of a lead that has left.

At one and the same moment lead stages come before exits. What happened before the creation counts from the creation on, unless
an exit before the creation ended it: then both were of another time and count for nothing. A moment that is midnight UTC of
the very day of the creation is a day without a time: it counts from just after the creation.

What a history says of a moment never depends on what came after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import AFTER_ENTRY, DAY, NO_MOMENT, Moments
from features.common.compiled import exact, inlined

Ints = npt.NDArray[np.integer]


def spells_of(
    created: Moments, row: Ints, step: Ints, time: Moments, stages: int
) -> tuple[npt.NDArray[np.int64], Moments, npt.NDArray[np.intp]]:
    """When leads were created (leads,) and changes (n,) in any order, of the lead at `row` into the lead stage or exit `step`,
    which is one from `stages` on, where -1 is a lead or a name not known → the spells, those of each lead in their order.

    Of each: when each lead stage was first reached (spells, stages) and when the lead left (spells,), `NO_MOMENT` where it did
    not. And the first spell of each lead (leads + 1,); the last of these numbers is how many there are.
    """
    latest, first_exit = created.astype(np.int64), np.full(len(created), NO_MOMENT)
    _scan(row, step, time, created, stages, latest, first_exit)
    involved = first_exit < latest  # an exit before something else: the order matters
    order, returns = np.zeros(0, np.intp), np.zeros(len(created), np.intp)
    if involved.any():
        order = np.flatnonzero((row >= 0) & (step >= 0))
        order = order[involved[row[order]]]
        moment = np.empty(len(order), np.int64)
        _effective_moments(row, time, created, order, moment)
        order = order[np.lexsort((step[order] >= stages, moment, row[order]))]
        _count_returns(row, step, time, created, stages, order, returns)
    begin = np.zeros(len(created) + 1, np.intp)
    np.cumsum(returns + 1, out=begin[1:])
    reached, exited_at = np.full((begin[-1], stages), NO_MOMENT), np.full(begin[-1], NO_MOMENT)
    reached[begin[:-1], 0] = created
    _fill_first(row, step, time, created, involved, begin, reached, exited_at)
    _fill_ordered(row, step, time, created, order, begin, reached, exited_at)
    _carry_back(reached)
    return reached, exited_at, begin


def counted_moment(created: int, moment: int) -> int:
    """When a change at a moment counts, before it is asked whether the lead was there: a day without a time, of the day of the
    creation, from just after it."""
    return created + AFTER_ENTRY if moment < created and moment == created - created % DAY else moment


@inlined
def _effective(time: Any, created: Any) -> Any:
    """`counted_moment`, within compiled code."""
    return created + AFTER_ENTRY if time < created and time == created - created % DAY else time


@exact
def _scan(row: Any, step: Any, time: Any, created: Any, stages: int, latest: Any, first_exit: Any) -> None:
    for k in range(len(row)):
        i = row[k]
        if i >= 0 and step[k] >= 0:
            at = _effective(time[k], created[i])
            if step[k] < stages:
                latest[i] = max(latest[i], at)
            else:
                first_exit[i] = min(first_exit[i], at)


@exact
def _effective_moments(row: Any, time: Any, created: Any, order: Any, out: Any) -> None:
    for n in range(len(order)):
        out[n] = _effective(time[order[n]], created[row[order[n]]])


@exact
def _count_returns(row: Any, step: Any, time: Any, created: Any, stages: int, order: Any, returns: Any) -> None:
    """How many spells each lead has beside its first, from changes in order."""
    lead, has_exited = -1, False
    for n in range(len(order)):
        k = order[n]
        if row[k] != lead:
            lead, has_exited = row[k], False
        if _effective(time[k], created[lead]) < created[lead]:
            continue
        if step[k] >= stages:
            has_exited = True
        elif has_exited:
            returns[lead] += 1
            has_exited = False


@exact
def _fill_first(row: Any, step: Any, time: Any, created: Any, involved: Any, begin: Any, reached: Any, exited_at: Any) -> None:
    """The only spell of leads whose exits come after all else."""
    stages = reached.shape[1]
    for k in range(len(row)):
        i = row[k]
        if i < 0 or step[k] < 0 or involved[i]:
            continue
        at, spell = max(_effective(time[k], created[i]), created[i]), begin[i]
        if step[k] < stages:
            reached[spell, step[k]] = min(reached[spell, step[k]], at)
        else:
            exited_at[spell] = min(exited_at[spell], at)


@exact
def _fill_ordered(row: Any, step: Any, time: Any, created: Any, order: Any, begin: Any, reached: Any, exited_at: Any) -> None:
    """The spells of all other leads, from their changes in order."""
    stages = reached.shape[1]
    lead, spell = -1, 0
    for n in range(len(order)):
        k = order[n]
        if row[k] != lead:
            lead, spell = row[k], begin[row[k]]
        at = _effective(time[k], created[lead])
        if step[k] >= stages and at < created[lead]:
            reached[spell, 1:] = NO_MOMENT  # ended before the lead was here: of another time
        elif step[k] >= stages:
            exited_at[spell] = min(exited_at[spell], at)
        else:
            if exited_at[spell] != NO_MOMENT:
                spell += 1
            reached[spell, step[k]] = min(reached[spell, step[k]], max(at, created[lead]))


@exact
def _carry_back(reached: Any) -> None:
    """Who reaches a lead stage has reached all before it."""
    for i in range(reached.shape[0]):
        for position in range(reached.shape[1] - 2, -1, -1):
            reached[i, position] = min(reached[i, position], reached[i, position + 1])


def spell_at(begin: npt.NDArray[np.intp], start: Moments, lead: Ints, as_of: Moments) -> npt.NDArray[np.intp]:
    """The spell of each lead (n,) that began last before as_of (n,), its first one where none had; spells as of `spells_of`,
    begun at `start` (spells,)."""
    if len(start) == len(begin) - 1:  # nobody came back
        return lead.astype(np.intp)
    spell = np.empty(len(lead), np.intp)
    _find_spell(begin, start, lead, as_of, spell)
    return spell


@exact
def _find_spell(begin: Any, start: Any, lead: Any, as_of: Any, spell: Any) -> None:
    for k in range(len(lead)):
        s = begin[lead[k] + 1] - 1
        while s > begin[lead[k]] and start[s] >= as_of[k]:
            s -= 1
        spell[k] = s
