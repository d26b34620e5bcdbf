"""Filledness: who has a value at all."""

from __future__ import annotations

import numpy as np
import pytest

from features.leakage.missingness import filled, filledness

N = 1_000
Y = np.arange(N) < 100  # one in ten


def one_in(every: int, among: np.ndarray) -> np.ndarray:
    return among & (np.arange(N) % every == 0)


@pytest.mark.parametrize(
    ("there", "level"),
    [
        (one_in(2, Y), "block"),  # half of the converts, nobody else
        (Y, "block"),  # exactly the converts
        (Y | one_in(3, ~Y), "block"),  # all converts and a third of the others: "is filled" alone ranks them
        (one_in(4, Y), "block"),  # 25 rows are enough when all of them converted
        (one_in(10, Y), None),  # ten rows are not
        (one_in(2, np.ones(N, bool)), None),  # every second lead
        (one_in(3, np.ones(N, bool)) | one_in(2, Y), None),  # the interested fill in more
    ],
)
def test_only_what_is_filled_for_one_outcome_is_blocked(there: np.ndarray, level: str | None) -> None:
    found = filledness(there, Y, np.arange(N), "customer")
    assert (found.level if found else None) == level


def test_a_reason_for_losing_is_filled_for_the_lost_only() -> None:
    y = np.arange(N) < 400
    found = filledness(one_in(2, ~y), y, np.arange(N), "customer")
    assert found is not None
    assert (found.level, found.sentence) == (
        "block", "filled for 300 leads, of whom 0% became customer, against 57% of the others"
    )  # fmt: skip


def test_that_hardly_anybody_converts_anyway_is_no_evidence() -> None:
    """With one convert in a hundred, thirty filled rows without any are no news."""
    y = np.arange(N) % 100 == 0
    there = np.zeros(N, bool)
    there[1:31] = True
    assert filledness(there, y, np.arange(N), "customer") is None


def test_forty_people_of_one_company_are_one_witness() -> None:
    there = np.arange(N) < 40
    assert filledness(there, Y, np.where(there, 0, np.arange(N)), "customer") is None


def test_all_or_none_filled_has_no_contrast() -> None:
    assert filled(np.ones(N, bool), Y, np.arange(N)) is None
    assert filled(np.zeros(N, bool), Y, np.arange(N)) is None
