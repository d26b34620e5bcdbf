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

from features.common.clock import DAY, MINUTE, NEVER
from features.common.compiled import exact, part
from features.engine import plan as p
from features.engine.index import OUTBOUND
from features.engine.people import Looks, People
from features.engine.plan import Plan

Matrix = npt.NDArray[np.floating]

VISIT_GAP = 30 * MINUTE
LARGEST_GROUP = 50  # more people than this behind one company id are no buying group
PER_DAY = DAY // MINUTE
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio (Knuth's multiplicative hashing)
# parts of the plan's tables
SIZES, INSTRUCTIONS, SPANS, FIRST_MEMBER, MEMBERS, FADED, SUMMED, SEVERAL = range(8)
SHARED_SPANS, SHARED_FIRST, SHARED_MEMBERS = range(8, 11)
LIVES, DAYS = range(2)


def compute(plan: Plan, people: People, looks: Looks, leads: slice, rows: slice, out: Matrix) -> None:
    """Fill `out[:, rows]`, shape (features, looks), for the accounts `leads`."""
    h = people.history
    _compute(
        *plan.tables, h.start, h.at, h.kind, h.value, h.content, people.account, people.created,
        looks.lead, looks.as_of, looks.stage, looks.entered, leads.start, leads.stop, rows.start, rows.stop, out,
    )  # fmt: skip


@exact
def _compute(
    whole: Any, real: Any, start: Any, at: Any, kind: Any, value: Any, content: Any, account: Any, created: Any,
    lead: Any, as_of: Any, stage: Any, entered: Any, lead_begin: int, lead_end: int, look: int, look_end: int, out: Any,
) -> None:  # fmt: skip
    sizes, spans, lives = part(whole, SIZES), part(whole, SPANS), part(real, LIVES)
    counts = np.empty(sizes[0] * (len(spans) + 1), np.int64)
    sums = np.empty(sizes[2] * (len(spans) + 1), np.int64)
    faded, weight = np.empty(sizes[1] * len(lives)), np.empty(len(lives))
    first, last = np.empty(sizes[0], np.int64), np.empty(sizes[0], np.int64)
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
        prefix, moments, arrivals = np.empty((0, 1), np.int32), at[:0], created[:0]
        if size > 1 and sizes[7]:
            if sizes[3]:
                prefix, moments = _account(whole, start[begin], start[end], at, kind)
            arrivals = np.sort(created[begin:end])
        while look < look_end and lead[look] < end:
            i, now = lead[look], as_of[look]
            if sizes[6] and len(slots) < 8 * (start[i + 1] - start[i]):
                slots = np.empty(8 * (start[i + 1] - start[i]), np.int64)
            _walk(
                whole, real, start[i], start[i + 1], at, kind, value, content, now,
                counts, sums, faded, weight, first, last, rhythm, slots,
            )  # fmt: skip
            colleagues = 0
            if 1 < size <= LARGEST_GROUP and sizes[7]:
                colleagues = _colleagues(begin, end, i, start, at, now, ago)
            _say(
                whole, real, counts, sums, faded, first, last, rhythm, slots, prefix, moments, arrivals,
                ago[:colleagues], size, created[i], entered[look], stage[look], now, out, look,
            )  # fmt: skip
            look += 1
        begin = end


@exact
def _before(at: Any, low: int, high: int, moment: int) -> int:
    """The first of the rows from `low` on, up to `high`, that does not lie before `moment`, by binary search."""
    while low < high:
        middle = (low + high) >> 1
        if at[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@exact
def _walk(
    whole: Any, real: Any, row: int, row_end: int, at: Any, kind: Any, value: Any, content: Any, now: int,
    counts: Any, sums: Any, faded: Any, weight: Any, first: Any, last: Any, rhythm: Any, slots: Any,
) -> None:  # fmt: skip
    """Along the interactions of a lead before `now`. `rhythm`: visits, minute of the first and of the last, sum of the squares
    of the gaps between them, moment of the last; `slots` then begins with the number of topics and how often the deepest."""
    sizes, spans, lives = part(whole, SIZES), part(whole, SPANS), part(real, LIVES)
    first_member, members = part(whole, FIRST_MEMBER), part(whole, MEMBERS)
    fading, summing = part(whole, FADED), part(whole, SUMMED)
    visit, active_day, asks_topics = sizes[4], sizes[5], sizes[6]
    channels, totals, longest = sizes[0], sizes[2], len(lives)
    counts[:] = 0
    sums[:] = 0
    faded[:] = 0.0
    first[:] = NEVER
    rhythm[:] = 0
    own, today, topics, deepest, mask, shift = NEVER, NEVER, 0, 0, 0, 64
    if asks_topics:
        rows, bits = row_end - row, 1
        while (1 << bits) < 2 * rows:
            bits += 1
        mask, shift = (1 << bits) - 1, 64 - bits
        slots[: 2 * (mask + 1)] = -1
    rank = len(spans)
    for k in range(row, row_end):
        moment, what = at[k], kind[k]
        if moment >= now:
            break
        while rank > 0 and moment >= now - spans[rank - 1]:
            rank -= 1
        age = (now - moment) / DAY
        for life in range(longest):
            weight[life] = np.exp2(age * (-1.0 / lives[life]))
        opens = what % 3 != OUTBOUND and (own == NEVER or moment - own > VISIT_GAP)
        day = moment // DAY
        begin, end = first_member[what], first_member[what + 1]
        for member in range(begin, end + 2):
            if member < end:
                channel = members[member]
            elif member == end:
                channel = visit if opens else -1
            else:
                channel = active_day if day != today else -1
            if channel < 0:
                continue
            counts[rank * channels + channel] += 1
            if first[channel] == NEVER:
                first[channel] = moment
            last[channel] = moment
            if fading[channel] >= 0:
                base = fading[channel] * longest
                for life in range(longest):
                    faded[base + life] += weight[life]
            if summing[channel] >= 0:
                sums[rank * totals + summing[channel]] += value[k]
        today = day
        if what % 3 == OUTBOUND:
            continue
        own = moment
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
def _account(whole: Any, row: int, row_end: int, at: Any, kind: Any) -> Any:
    """Of all interactions of an account in the order of time: how many belong to each channel before each (channels, n + 1),
    and their moments (n,)."""
    first_member, members = part(whole, SHARED_FIRST), part(whole, SHARED_MEMBERS)
    channels = part(whole, SIZES)[3]
    order = np.argsort(at[row:row_end], kind="mergesort")
    prefix = np.zeros((channels, len(order) + 1), np.int32)
    moments = np.empty(len(order), np.int64)
    for place in range(len(order)):
        k = row + order[place]
        moments[place] = at[k]
        for channel in range(channels):
            prefix[channel, place + 1] = prefix[channel, place]
        for member in range(first_member[kind[k]], first_member[kind[k] + 1]):
            prefix[members[member], place + 1] += 1
    return prefix, moments


@exact
def _colleagues(begin: int, end: int, lead: int, start: Any, at: Any, now: int, ago: Any) -> int:
    """Into `ago` days since each colleague that ever did anything did so last; how many those are."""
    found = 0
    for other in range(begin, end):
        if other != lead:
            until = _before(at, start[other], start[other + 1], now)
            if until > start[other]:
                ago[found] = (now - at[until - 1]) / DAY
                found += 1
    return found


@exact
def _say(
    whole: Any, real: Any, counts: Any, sums: Any, faded: Any, first: Any, last: Any, rhythm: Any, slots: Any,
    prefix: Any, moments: Any, arrivals: Any, ago: Any, size: int, created: int, entered: int, stage: int, now: int,
    out: Any, look: int,
) -> None:  # fmt: skip
    """One value per feature, by its instruction."""
    instructions, several = part(whole, INSTRUCTIONS), part(whole, SEVERAL)
    days, shared_spans = part(real, DAYS), part(whole, SHARED_SPANS)
    gaps = rhythm[0] - 1
    mean = (rhythm[2] - rhythm[1]) / max(gaps, 1)
    for feature in range(len(instructions) // 4):
        what, a = instructions[4 * feature], instructions[4 * feature + 1]
        b, c = instructions[4 * feature + 2], instructions[4 * feature + 3]
        found = np.nan
        if what == p.COUNT:
            found = np.float64(counts[a])
        elif what == p.DECAYED:
            found = faded[a]
        elif what == p.LAST:
            if first[a] != NEVER:
                found = (now - last[a]) / DAY
        elif what == p.FIRST:
            if first[a] != NEVER:
                found = (now - first[a]) / DAY
        elif what == p.TOTAL:
            found = sums[a] / 1000.0
        elif what == p.SHARE:
            if counts[b] > 0:
                found = counts[a] / counts[b]
        elif what == p.TREND:
            found = np.log2((1.0 + counts[a]) / (1.0 + counts[b] - counts[a]))
        elif what == p.VARIETY:
            found = 0.0
            for one in range(a, b):
                found += counts[several[one]] > 0
        elif what == p.GAP:
            if gaps >= 1:
                found = mean / PER_DAY
        elif what == p.GAP_SPREAD:
            if gaps >= 2:
                found = np.sqrt(max(rhythm[3] / gaps - mean * mean, 0.0)) / PER_DAY
        elif what == p.SILENCE:
            if gaps >= 1 and mean >= 1:
                found = ((now - rhythm[4]) / MINUTE) / mean
        elif what == p.BREADTH:
            found = np.float64(slots[0])
        elif what == p.DEPTH:
            found = np.float64(slots[1])
        elif what == p.AGE:
            found = (now - created) / DAY
        elif what == p.STAGE_AGE:
            found = (now - entered) / DAY
        elif what == p.IN_STAGE:
            found = np.float64(stage == a)
        elif what == p.WEEKDAY:
            found = np.float64((created // DAY + 3) % 7)  # 1970-01-01 was a Thursday
        elif what == p.HOUR:
            found = np.float64(created // (60 * MINUTE) % 24)
        elif what == p.GROUP_SIZE:
            found = np.float64(max(_before(arrivals, 0, len(arrivals), now), 1))
        elif what == p.ACTIVE:
            if size <= LARGEST_GROUP:
                found = 0.0
                for one in range(len(ago)):
                    found += ago[one] <= days[a]
        elif what == p.QUIET:
            for one in range(len(ago)):
                if not found <= ago[one]:
                    found = ago[one]
        elif what == p.COLLEAGUES:
            found = 0.0
            if size > 1:
                until = _before(moments, 0, len(moments), now)
                since = _before(moments, 0, len(moments), now - shared_spans[b])
                found = np.float64(prefix[a, until] - prefix[a, since] - counts[c])
        out[feature, look] = found
