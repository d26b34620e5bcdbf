"""Rolling origins: the dataset as it was known on a day, and the later landmarks that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.pairs.tasks import HELD_OUT, Task, keep_leads
from features.common.clock import microseconds, moment, timestamps
from features.dataset.dataset import Dataset
from features.dataset.labels import Labels
from training.common.config import Config
from training.data.prepare import DatasetFacts, Prepared, prepare
from training.scale.training_data import rules_of

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Origin:
    """One origin of a task: nothing after `moment` (microseconds) is known; judged are landmarks up to `until`."""

    task: Task
    number: int
    moment: int
    until: int

    @property
    def name(self) -> str:
        return f"{self.task.name}/{self.number}"


@dataclass(frozen=True)
class Later:
    """What came after an origin: landmarks `rows` (m,) of `prepared`, which holds the whole dataset with the features that were
    learned from what was known, and their labels by the end of the data."""

    prepared: Prepared
    rows: Rows
    labels: Labels

    @property
    def stage(self) -> npt.NDArray[np.int32]:
        return self.prepared.looks.stage[self.rows]

    @property
    def as_of(self) -> npt.NDArray[np.int64]:
        return self.prepared.looks.as_of[self.rows]

    @property
    def account(self) -> npt.NDArray[np.int64]:
        return self.prepared.account[self.rows]

    def usable(self, target: int) -> Rows:
        """Which of the m are examples of P(target | the lead stage before it was reached in time)."""
        previous = np.ones(len(self.rows), bool) if target == 0 else self.labels.reached[:, target - 1] | (self.stage == target)
        return np.flatnonzero((self.stage <= target) & self.labels.matured[:, target] & previous)


def rolling_origins(task: Task, prepared: Prepared) -> list[Origin]:
    """The origins of a task, from all its landmarks whose final outcome is known by the end of the data."""
    matured = prepared.labels(prepared.extracted_at).matured[:, -1]
    moments = [int(m) for m in np.quantile(prepared.looks.as_of[matured], task.origins, method="lower")]
    ends = [*moments[1:], prepared.extracted_at]
    return [Origin(task, number, m, end) for number, (m, end) in enumerate(zip(moments, ends, strict=True), start=1)]


def prepare_whole(dataset: Dataset, config: Config) -> Prepared:
    """All landmarks of the whole dataset, with nothing but the rules' features: enough to choose origins."""
    return prepare(dataset, config, config.funnel.build(), rules_of(config), rules_only=True, audited_columns=())


def held_out(dataset: Dataset, task: Task) -> Flags:
    """Leads (n,) of accounts that are never learned from, drawn by a hash of the account; none unless `by_account`."""
    if not task.by_account:
        return np.zeros(len(dataset.leads), bool)
    account = dataset.leads["company_id"].fillna(dataset.leads["lead_id"]).astype("str").astype("object")
    hashed = pd.util.hash_array(account.to_numpy(object), categorize=False)
    return np.asarray(hashed % 1000 < 1000 * HELD_OUT, bool)


def as_known(dataset: Dataset, origin: Origin) -> Dataset:
    """The dataset as it was known at the origin, of accounts that may be learned from.

    Data without dates have an order of rows: whoever came by then has an outcome, and nobody else is there. The day of
    knowledge lies as long after the newest of them as it does in the whole dataset.
    """
    created = microseconds(dataset.leads["created_at"])
    leads_by_then = keep_leads(dataset, (created <= origin.moment) & ~held_out(dataset, origin.task))
    if dataset.time == "row_order":
        delay = moment(dataset.extracted_at) - int(created.max())
        newest = int(microseconds(leads_by_then.leads["created_at"]).max())
        return replace(leads_by_then, extracted_at=timestamps(np.array([newest + delay]))[0])
    day = timestamps(np.array([origin.moment]))[0]

    def before(frame: pd.DataFrame, column: str) -> pd.DataFrame:
        return frame[frame[column] <= day].reset_index(drop=True)

    deals = before(leads_by_then.deals, "created_at")
    open_then = ~(deals["closed_at"] <= day)
    deals = deals.assign(
        closed_at=deals["closed_at"].mask(open_then),
        status=deals["status"].mask(open_then & deals["closed_at"].notna(), "open"),
    )
    return replace(
        leads_by_then,
        interactions=before(leads_by_then.interactions, "at"),
        lead_stages=before(leads_by_then.lead_stages, "at"),
        attribute_changes=before(leads_by_then.attribute_changes, "at"),
        deals=deals,
        extracted_at=day,
    )


def later(dataset: Dataset, config: Config, origin: Origin, at_origin: Prepared) -> Later:
    """Landmarks after the origin up to its end whose outcome is known by the end of the data, as the features of `at_origin`
    see them: encoders, columns left out and horizons are those of the origin, values are those before each landmark."""
    facts = DatasetFacts(at_origin.funnel, at_origin.feature_set, at_origin.rules, at_origin.audit, at_origin.encoders, ())
    prepared = prepare(dataset, config, at_origin.funnel, at_origin.rules, facts=facts)
    labels = prepared.labels(prepared.extracted_at)
    landmarks = prepared.looks
    judged = (landmarks.as_of > origin.moment) & (landmarks.as_of <= origin.until) & labels.matured.any(axis=1)
    if origin.task.by_account:
        ids = dataset.leads["lead_id"].astype("str")[held_out(dataset, origin.task)]
        judged &= prepared.histories.leads["lead_id"].astype("str").isin(ids).to_numpy(bool)[landmarks.lead]
    rows = np.flatnonzero(judged)
    return Later(prepared, rows, labels.take(rows))
