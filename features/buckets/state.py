"""A bucket as it is now, without its interactions: its leads, its landmarks with their labels, and digests of its accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.buckets.spec import Spec
from features.dataset import Dataset
from features.histories import Histories, account_keys
from features.labels import label
from features.landmarks import Landmarks, Path, landmarks

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class State:
    """The leads of a bucket in the order of accounts: the `key` of each lead's account and its `account` code, a digest of what
    is known of each account (accounts,), the landmarks and their labels."""

    lead_id: npt.NDArray[np.object_]
    key: npt.NDArray[np.object_]
    account: Ints
    digest: npt.NDArray[np.uint64]
    looks: Landmarks
    labels: dict[str, Flags]

    @classmethod
    def of(cls, lean: Dataset, spec: Spec, extracted_at: int) -> State:
        histories = Histories.of(lean, ())
        path = Path.of(histories.leads, lean.lead_stages, spec.funnel)
        looks = landmarks(path, extracted_at, spec.ages)
        known = label(path, looks, spec.funnel, extracted_at)
        labels = {f"reached_{t}": known.reached[:, i] for i, t in enumerate(spec.funnel.targets)}
        labels |= {f"matured_{t}": known.matured[:, i] for i, t in enumerate(spec.funnel.targets)}
        account = histories.account.astype(np.int64)
        return cls(
            histories.leads["lead_id"].to_numpy(object),
            account_keys(histories.leads).to_numpy(object),
            account,
            _digests(histories, account),
            looks,
            labels,
        )

    @property
    def account_key(self) -> npt.NDArray[np.object_]:
        """(accounts,)"""
        first = np.append(True, np.diff(self.account) > 0) if len(self.account) else np.zeros(0, bool)
        found: npt.NDArray[np.object_] = self.key[first]
        return found


def _digests(histories: Histories, account: Ints) -> npt.NDArray[np.uint64]:
    """(accounts,) a digest of the leads, the company and the recorded changes of each account, in whatever order they are."""
    total = np.zeros(int(account.max()) + 1 if len(account) else 0, np.uint64)
    np.add.at(total, account, _hashes(histories.leads))
    known = histories.company_row >= 0
    if known.any():
        np.add.at(total, account[known], _hashes(histories.companies)[histories.company_row[known]])
    changes = histories.attribute_changes
    if len(changes):
        ids = changes["id"].astype("str")
        of_lead = (changes["entity"] == "lead").to_numpy(bool)
        lead = pd.Index(histories.leads["lead_id"]).get_indexer(pd.Index(ids))
        first = histories.leads["company_id"].drop_duplicates()
        place = pd.Index(first.fillna("")).get_indexer(pd.Index(ids))
        company = np.where(place >= 0, first.index.to_numpy()[np.maximum(place, 0)], -1)
        row = np.where(of_lead, lead, company)
        np.add.at(total, account[row[row >= 0]], _hashes(changes)[row >= 0])
    return total


def _hashes(frame: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """(rows,) hashes of the rows with the names of their columns; a value that is missing adds nothing, in whatever kind."""
    total = np.zeros(len(frame), np.uint64)
    for name in map(str, frame.columns):
        values, known = frame[name], frame[name].notna().to_numpy()
        if pd.api.types.is_bool_dtype(values) or not pd.api.types.is_numeric_dtype(values):
            hashed = pd.util.hash_array(values.astype("str").to_numpy(object, na_value=""))
        else:
            hashed = pd.util.hash_array(values.to_numpy(np.float64, na_value=np.nan))
        salt = pd.util.hash_array(np.array([name], object))[0] | np.uint64(1)
        total[known] += hashed[known] * salt
    return total * np.uint64(0xBF58476D1CE4E5B9) + np.uint64(1)
