"""Names become places: known, unknown and missing ones, as text or as categories."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from features.codes import by_category, positions, recode

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
