"""The kernel, compiled: one walk along a lead's interactions for each look at it, and then one instruction per feature.

Each look is worked out by itself, from the interactions before its as_of in the order in which they happened, so that it gives
the same bits alone and among millions. Counts fall into the shortest window that holds them and are summed up over longer ones
afterwards. Of colleagues, counts are differences of prefix sums over the interactions of the whole account, sorted once, so
that tens of thousands of people behind one company id cost no more than as many of their own.
"""

# ruff: noqa: PLR0912, PLR0915, PLR0917  compiled code takes arrays one by one, and one walk does for all features

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from features.common.clock import DAY, MINUTE, NO_MOMENT
from features.common.compiled import exact, part
from features.engine import plan as p
from features.engine.index import OUTBOUND
from features.engine.people import LandmarkArrays, People
from features.engine.plan import Plan

Matrix = npt.NDArray[np.floating]

VISIT_GAP = 30 * MINUTE
LARGEST_GROUP = 50  # more people than this behind one company id are no buying group
PER_DAY = DAY // MINUTE
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio (Knuth's multiplicative hashing)
# parts of the plan's tables
SIZES, INSTRUCTIONS, SPANS, FIRST_MEMBER, MEMBERS, FADED, SUMMED, CELLS = range(8)
SHARED_SPANS, SHARED_FIRST, SHARED_MEMBERS, AWAY = range(8, 12)
LIVES, DAYS = range(2)


def compute(plan: Plan, people: People, looks: LandmarkArrays, leads: slice, rows: slice, out: Matrix) -> None:
    """Fill `out[:, rows]`, shape (features, looks), for the accounts `leads`."""
    h = people.history
    _compute(
        *plan.tables, h.start, h.time, h.kind, h.value, h.content, people.account, people.created,
        looks.lead, looks.as_of, looks.stage, looks.entered, leads.start, leads.stop, rows.start, rows.stop, out,
    )  # fmt: skip


@exact
def _compute(
    integers: Any, reals: Any, start: Any, time: Any, kind: Any, value: Any, content: Any, account: Any, created: Any,
    lead: Any, as_of: Any, stage: Any, entered: Any, lead_begin: int, lead_end: int, look: int, look_end: int, out: Any,
) -> None:  # fmt: skip
    sizes, spans, lives = part(integers, SIZES), part(integers, SPANS), part(reals, LIVES)
    counts = np.empty(sizes[0] * (len(spans) + 1), np.int64)
    sums = np.empty(sizes[2] * (len(spans) + 1), np.int64)
    faded, weight = np.empty(sizes[1] * len(lives)), np.empty(len(lives))
    first_time, last_time = np.empty(sizes[0], np.int64), np.empty(sizes[0], np.int64)
    rhythm = np.empty(5, np.int64)
    slots = np.empty(2, np.int64)
    ago = np.empty(LARGEST_GROUP)
    begin = lead_begin
    while begin < lead_end and look < look_end:
        end = begin + 1
        while end < lead_end and account[end] == account[begin]:
            end += 1
        if lead[look] >= end:
            begin = end
            continue
        size = end - begin
        prefix, moments, arrivals = np.empty((0, 1), np.int32), time[:0], created[:0]
        if size > 1 and sizes[7]:
            if sizes[3]:
                prefix, moments = _account(integers, start[begin], start[end], time, kind)
            arrivals = np.sort(created[begin:end])
        while look < look_end and lead[look] < end:
            i, now = lead[look], as_of[look]
            if sizes[6] and len(slots) < 8 * (start[i + 1] - start[i]):
                slots = np.empty(8 * (start[i + 1] - start[i]), np.int64)
            _walk(
                integers, reals, start[i], start[i + 1], time, kind, value, content, now,
                counts, sums, faded, weight, first_time, last_time, rhythm, slots,
            )  # fmt: skip
            colleagues = 0
            if 1 < size <= LARGEST_GROUP and sizes[7]:
                colleagues = _colleagues(integers, begin, end, i, start, time, kind, now, ago)
            _fill_features(
                integers, reals, counts, sums, faded, first_time, last_time, rhythm, slots, prefix, moments, arrivals,
                ago[:colleagues], size, created[i], entered[look], stage[look], now, out, look,
            )  # fmt: skip
            look += 1
        begin = end


@exact
def _lower_bound(time: Any, low: int, high: int, moment: int) -> int:
    """The first of the rows from `low` on, up to `high`, that does not lie before `moment`, by binary search."""
    while low < high:
        middle = (low + high) >> 1
        if time[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@exact
def _walk(
    integers: Any, reals: Any, row: int, row_end: int, time: Any, kind: Any, value: Any, content: Any, now: int,
    counts: Any, sums: Any, faded: Any, weight: Any, first_time: Any, last_time: Any, rhythm: Any, slots: Any,
) -> None:  # fmt: skip
    """Along the interactions of a lead before `now`. `rhythm`: visits, minute of the first and of the last, sum of the squares
    of the gaps between them, moment of the last; `slots` then begins with the number of topics and how often the deepest."""
    sizes, spans, lives = part(integers, SIZES), part(integers, SPANS), part(reals, LIVES)
    first_member, members = part(integers, FIRST_MEMBER), part(integers, MEMBERS)
    fading, summing, away = part(integers, FADED), part(integers, SUMMED), part(integers, AWAY)
    visit, active_day, asks_topics = sizes[4], sizes[5], sizes[6]
    channels, totals, life_count = sizes[0], sizes[2], len(lives)
    counts[:] = 0
    sums[:] = 0
    faded[:] = 0.0
    first_time[:] = NO_MOMENT
    rhythm[:] = 0
    last_inbound, today, topics, deepest, mask, shift = NO_MOMENT, NO_MOMENT, 0, 0, 0, 64
    if asks_topics:
        rows, bits = row_end - row, 1
        while (1 << bits) < 2 * rows:
            bits += 1
        mask, shift = (1 << bits) - 1, 64 - bits
        slots[: 2 * (mask + 1)] = -1
    rank = len(spans)
    for k in range(row, row_end):
        moment, code = time[k], kind[k]
        if moment >= now:
            break
        while rank > 0 and moment >= now - spans[rank - 1]:
            rank -= 1
        age = (now - moment) / DAY
        for life in range(life_count):
            weight[life] = np.exp2(age * (-1.0 / lives[life]))
        # what turns away is no activity, whatever its direction
        own, turns_away = code % 3 != OUTBOUND, away[code // 3]
        opens = own and not turns_away and (last_inbound == NO_MOMENT or moment - last_inbound > VISIT_GAP)
        day = moment // DAY
        begin, end = first_member[code], first_member[code + 1]
        for member in range(begin, end + 2):
            if member < end:
                channel = members[member]
            elif member == end:
                channel = visit if opens else -1
            else:
                channel = active_day if day != today and not turns_away else -1
            if channel < 0:
                continue
            counts[rank * channels + channel] += 1
            if first_time[channel] == NO_MOMENT:
                first_time[channel] = moment
            last_time[channel] = moment
            if fading[channel] >= 0:
                base = fading[channel] * life_count
                for life in range(life_count):
                    faded[base + life] += weight[life]
            if summing[channel] >= 0:
                sums[rank * totals + summing[channel]] += value[k]
        if turns_away:
            continue
        today = day
        if not own:
            continue
        last_inbound = moment
        if opens:
            minute = moment // MINUTE
            if rhythm[0]:
                rhythm[3] += (minute - rhythm[2]) ** 2
            else:
                rhythm[1] = minute
            rhythm[0] += 1
            rhythm[2], rhythm[4] = minute, moment
        if asks_topics and content[k] >= 0:
            slot = np.int64((np.uint64(content[k]) * np.uint64(SPREAD)) >> np.uint64(shift))
            while slots[2 * slot] >= 0 and slots[2 * slot] != content[k]:
                slot = (slot + 1) & mask
            if slots[2 * slot] < 0:
                slots[2 * slot], slots[2 * slot + 1] = content[k], 0
                topics += 1
            slots[2 * slot + 1] += 1
            deepest = max(deepest, slots[2 * slot + 1])
    slots[0], slots[1] = topics, deepest
    for window in range(len(spans)):
        shorter, longer = counts[window * channels : (window + 1) * channels], counts[(window + 1) * channels :]
        for channel in range(channels):
            longer[channel] += shorter[channel]
        for total in range(totals):
            sums[(window + 1) * totals + total] += sums[window * totals + total]


@exact
def _account(integers: Any, row: int, row_end: int, time: Any, kind: Any) -> Any:
    """Of all interactions of an account in the order of time: how many belong to each channel before each (channels, n + 1),
    and their moments (n,)."""
    first_member, members = part(integers, SHARED_FIRST), part(integers, SHARED_MEMBERS)
    channels = part(integers, SIZES)[3]
    order = np.argsort(time[row:row_end], kind="mergesort")
    prefix = np.zeros((channels, len(order) + 1), np.int32)
    moments = np.empty(len(order), np.int64)
    for position in range(len(order)):
        k = row + order[position]
        moments[position] = time[k]
        for channel in range(channels):
            prefix[channel, position + 1] = prefix[channel, position]
        for member in range(first_member[kind[k]], first_member[kind[k] + 1]):
            prefix[members[member], position + 1] += 1
    return prefix, moments


@exact
def _colleagues(integers: Any, begin: int, end: int, lead: int, start: Any, time: Any, kind: Any, now: int, ago: Any) -> int:
    """Into `ago` days since each colleague that ever did anything did so last; how many those are."""
    count, away = 0, part(integers, AWAY)
    for colleague in range(begin, end):
        if colleague != lead:
            row_end = _lower_bound(time, start[colleague], start[colleague + 1], now)
            while row_end > start[colleague] and away[kind[row_end - 1] // 3]:
                row_end -= 1
            if row_end > start[colleague]:
                ago[count] = (now - time[row_end - 1]) / DAY
                count += 1
    return count


@exact
def _fill_features(
    integers: Any, reals: Any, counts: Any, sums: Any, faded: Any, first_time: Any, last_time: Any, rhythm: Any, slots: Any,
    prefix: Any, moments: Any, arrivals: Any, ago: Any, size: int, created: int, entered: int, stage: int, now: int,
    out: Any, look: int,
) -> None:  # fmt: skip
    """One value per feature, by its instruction."""
    instructions, cells = part(integers, INSTRUCTIONS), part(integers, CELLS)
    days, shared_spans = part(reals, DAYS), part(integers, SHARED_SPANS)
    gaps = rhythm[0] - 1
    mean = (rhythm[2] - rhythm[1]) / max(gaps, 1)
    for feature in range(len(instructions) // 4):
        opcode, a = instructions[4 * feature], instructions[4 * feature + 1]
        b, c = instructions[4 * feature + 2], instructions[4 * feature + 3]
        value = np.nan
        if opcode == p.COUNT:
            value = np.float64(counts[a])
        elif opcode == p.DECAYED:
            value = faded[a]
        elif opcode == p.DAYS_SINCE_LAST:
            if first_time[a] != NO_MOMENT:
                value = (now - last_time[a]) / DAY
        elif opcode == p.DAYS_SINCE_FIRST:
            if first_time[a] != NO_MOMENT:
                value = (now - first_time[a]) / DAY
        elif opcode == p.TOTAL:
            value = sums[a] / 1000.0
        elif opcode == p.SHARE:
            if counts[b] > 0:
                value = counts[a] / counts[b]
        elif opcode == p.TREND:
            value = np.log2((1.0 + counts[a]) / (1.0 + counts[b] - counts[a]))
        elif opcode == p.VARIETY:
            value = 0.0
            for index in range(a, b):
                value += counts[cells[index]] > 0
        elif opcode == p.GAP:
            if gaps >= 1:
                value = mean / PER_DAY
        elif opcode == p.GAP_SPREAD:
            if gaps >= 2:
                value = np.sqrt(max(rhythm[3] / gaps - mean * mean, 0.0)) / PER_DAY
        elif opcode == p.SILENCE:
            if gaps >= 1 and mean >= 1:
                value = ((now - rhythm[4]) / MINUTE) / mean
        elif opcode == p.BREADTH:
            value = np.float64(slots[0])
        elif opcode == p.DEPTH:
            value = np.float64(slots[1])
        elif opcode == p.AGE:
            value = (now - created) / DAY
        elif opcode == p.STAGE_AGE:
            value = (now - entered) / DAY
        elif opcode == p.IN_STAGE:
            value = np.float64(stage == a)
        elif opcode == p.WEEKDAY:
            value = np.float64((created // DAY + 3) % 7)  # 1970-01-01 was a Thursday
        elif opcode == p.HOUR:
            value = np.float64(created // (60 * MINUTE) % 24)
        elif opcode == p.GROUP_SIZE:
            value = np.float64(max(_lower_bound(arrivals, 0, len(arrivals), now), 1))
        elif opcode == p.ACTIVE:
            if size <= LARGEST_GROUP:
                value = 0.0
                for index in range(len(ago)):
                    value += ago[index] <= days[a]
        elif opcode == p.QUIET:
            for index in range(len(ago)):
                if not value <= ago[index]:
                    value = ago[index]
        elif opcode == p.COLLEAGUES:
            value = 0.0
            if size > 1:
                end_row = _lower_bound(moments, 0, len(moments), now)
                begin_row = _lower_bound(moments, 0, len(moments), now - shared_spans[b])
                value = np.float64(prefix[a, end_row] - prefix[a, begin_row] - counts[c])
        out[feature, look] = value
