"""Eight numbers at once say what NumPy says of them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from features.common.compiled import exact
from models.learners.lanes import LANES, broadcast, divide, load, minus, store, summed, times

NUMBERS = arrays(np.float64, 2 * LANES, elements=st.floats(-1e6, 1e6, allow_subnormal=False))


@exact
def _asked(given: Any, out: Any) -> Any:
    one, other = load(given, np.uintp(0)), load(given, np.uintp(LANES))
    for place, vector in enumerate((minus(one, other), times(one, other), divide(one, other), broadcast(given[3]))):
        store(out, np.uintp(LANES * place), vector)
    return summed(one)


@given(NUMBERS)
def test_each_operation_is_numpys(given: Any) -> None:
    one, other, out = given[:LANES], given[LANES:], np.empty(4 * LANES)
    total = _asked(given, out)
    with np.errstate(all="ignore"):
        wanted = [one - other, one * other, one / other, np.full(LANES, given[3])]
    assert np.array_equal(out, np.concatenate(wanted), equal_nan=True)
    halves = one
    while len(halves) > 1:  # in pairs of what is half as far apart each time
        halves = halves[: len(halves) // 2] + halves[len(halves) // 2 :]
    assert total == halves[0]


def test_nothing_beside_the_place_is_written() -> None:
    @exact
    def write(out: Any) -> None:
        store(out, np.uintp(3), broadcast(7.0))

    out = np.zeros(3 + LANES + 1)
    write(out)
    assert out.tolist() == [0.0] * 3 + [7.0] * LANES + [0.0]
