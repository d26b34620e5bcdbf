"""Names become places: known, unknown and missing ones, as text or as categories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.common.codes import by_category, by_group, count_codes, gather, positions, recode

VALUES = pd.Series(["b", "x", None, "a", "b"], dtype="str")


@pytest.mark.parametrize("values", [VALUES, VALUES.astype("category")], ids=["text", "categories"])
@pytest.mark.parametrize("names", [["a", "b"], pd.Series(["a", "b"], dtype="str"), pd.Series(["a", "b"], dtype="category")])
def test_places_of_known_unknown_and_missing_names(values: pd.Series, names: object) -> None:
    codes, known = recode(values, names)  # type: ignore[arg-type]
    assert codes.tolist() == [1, -1, -1, 0, 1]
    assert known.tolist() == [True, False, False, True, True]


def test_a_missing_name_is_not_found_even_where_one_is_missing_among_the_others() -> None:
    assert positions(pa.array(["a", None]), pa.array([None, "a"])).tolist() == [1, -1]


def test_nobody_is_found_among_nothing() -> None:
    assert recode(VALUES, [])[0].tolist() == [-1] * 5
    assert by_category(pd.Series([], dtype="category"), ["a"]).tolist() == [-1]


def test_rows_come_group_by_group_in_the_order_in_which_they_came() -> None:
    rows, ends = by_group(np.array([3, 0, 3, 0, 1], np.uint16), 4)
    assert rows.tolist() == [1, 3, 4, 0, 2]
    assert ends == [2, 3, 3, 5]  # nobody is in group 2
    assert by_group(np.array([], np.uint16), 2)[1] == [0, 0]


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.float64])
def test_values_are_gathered_whatever_their_kind_and_though_they_may_not_be_written_to(kind: type[np.generic]) -> None:
    values = pa.array(np.array([7, 8, 9], kind)).to_numpy()
    found = gather(values, np.array([2, 0, 2], np.int32))
    assert found.tolist() == [9, 7, 9]
    assert found.dtype == kind
    assert found.flags.writeable


def test_codes_are_tallied_but_for_missing_ones() -> None:
    assert count_codes(np.array([2, -1, 2, 0], np.int8), 4).tolist() == [1, 0, 2, 0]
