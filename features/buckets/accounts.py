"""Digests of accounts: what is known of each, apart from interactions and lead stages, as one number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.clock import microseconds
from features.dataset import Dataset
from features.histories import account_keys, by_account


def accounts_of(dataset: Dataset) -> pd.DataFrame:
    """account (its key) and digest, in the order of accounts: a digest of the leads, the company and the recorded changes of
    each account, in whatever order they are."""
    leads, account = by_account(dataset.leads)
    keys = account_keys(leads).to_numpy(object)
    first = np.flatnonzero(np.diff(account, prepend=-1))
    total = np.zeros(len(first), np.uint64)
    np.add.at(total, account, _hashes(leads))
    row = pd.Index(dataset.companies["company_id"]).get_indexer(pd.Index(leads["company_id"].iloc[first]))
    if (row >= 0).any():
        total[row >= 0] += _hashes(dataset.companies)[row[row >= 0]]
    changes = dataset.attribute_changes
    if len(changes):
        ids = changes["id"].astype("str")
        lead = pd.Index(leads["lead_id"]).get_indexer(pd.Index(ids))
        of_lead = (changes["entity"] == "lead").to_numpy(bool)
        company = pd.Index(keys[first]).get_indexer(pd.Index("c:" + ids))
        place = np.where(of_lead, np.where(lead >= 0, account[lead], -1), company)
        np.add.at(total, place[place >= 0], _hashes(changes)[place >= 0])
    return pd.DataFrame({"account": pd.Series(keys[first], dtype="str"), "digest": total})


def _hashes(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """(rows,) hashes of the rows with the names of their columns; a value that is missing adds nothing, in whatever kind."""
    total = np.zeros(len(frame), np.uint64)
    for name in map(str, frame.columns):
        values, known = frame[name], frame[name].notna().to_numpy()
        if pd.api.types.is_datetime64_any_dtype(values):
            hashed = pd.util.hash_array(microseconds(values))
        elif pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            hashed = pd.util.hash_array(values.astype("str").to_numpy(object, na_value=""))
        else:
            hashed = pd.util.hash_array(values.to_numpy(np.float64, na_value=np.nan))
        salt = pd.util.hash_array(np.array([name], object))[0] | np.uint64(1)
        total[known] += hashed[known] * salt
    return total * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(1)
