"""Digests of accounts: what is known of each, apart from interactions and lead stages, as one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.common.clock import microseconds
from features.common.codes import positions
from features.dataset.dataset import Dataset


def digests_of(dataset: Dataset, account: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    """(accounts,) a digest of the leads, the company and the recorded changes of each account, in whatever order they are.

    `account`: the code of each lead's account (leads,), which rises with the rows of `dataset.leads`.
    """
    leads = dataset.leads
    account_starts = np.flatnonzero(np.diff(account, prepend=-1))
    total = np.zeros(len(account_starts), np.uint64)
    if not len(account_starts):
        return total
    total += np.add.reduceat(_hashes(leads), account_starts)
    company_of = texts(leads["company_id"].iloc[account_starts])
    company = positions(company_of, texts(dataset.companies["company_id"]))
    if (company >= 0).any():
        total[company >= 0] += _hashes(dataset.companies)[company[company >= 0]]
    changes = dataset.attribute_changes
    if len(changes):
        ids = texts(changes["id"])
        lead = positions(ids, texts(leads["lead_id"]))
        of_lead = (changes["entity"] == "lead").to_numpy(bool)
        account_index = np.where(of_lead, np.where(lead >= 0, account[lead], -1), positions(ids, company_of))
        np.add.at(total, account_index[account_index >= 0], _hashes(changes)[account_index >= 0])
    return total


def texts(column: pd.Series[Any]) -> pa.Array:
    """A column as text in one piece; what is missing is null."""
    array = pa.array(column.astype("str"))
    return (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array).cast(pa.string())


def _hashes(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """(rows,) hashes of the rows with the names of their columns; a value that is missing adds nothing, in whatever kind."""
    total = np.zeros(len(frame), np.uint64)
    for name in map(str, frame.columns):
        values, present = frame[name], frame[name].notna().to_numpy()
        if not present.any():
            continue
        if pd.api.types.is_datetime64_any_dtype(values):
            hashed = pd.util.hash_array(microseconds(values))
        elif pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            coded = texts(values).dictionary_encode()
            names = pd.util.hash_array(coded.dictionary.to_numpy(zero_copy_only=False), categorize=False)
            hashed = names[coded.indices.fill_null(0).to_numpy()]
        else:
            hashed = pd.util.hash_array(values.to_numpy(np.float64, na_value=np.nan))
        salt = pd.util.hash_array(np.array([name], object))[0] | np.uint64(1)
        total += np.where(present, hashed * salt, np.uint64(0))
    return total * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(1)
