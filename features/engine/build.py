"""Build the feature matrix of landmarks: one code for training, batches and requests, so no training-serving skew."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.attributes.encoders import AttributeEncoder
from features.attributes.point_in_time import Entity, values_at
from features.dataset.landmarks import Landmarks
from features.engine.evaluate import evaluate
from features.engine.feature_set import FeatureSet
from features.engine.histories import Histories
from features.engine.people import LandmarkArrays
from features.engine.plan import Plan

Matrix = npt.NDArray[np.floating]


def build(
    plan: Plan,
    encoders: Sequence[AttributeEncoder],
    histories: Histories,
    looks: Landmarks,
    *,
    dtype: type[np.floating] = np.float32,
    progress: Callable[[int], None] | None = None,
    threads: int | None = None,
    out: Matrix | None = None,
) -> Matrix:
    """(columns, looks): attribute columns first, then the features of `plan`; `looks` must be sorted by (lead, as_of).

    `out` takes the result; where there is none, one of `dtype` is made here.
    """
    width = sum(len(e.names) for e in encoders)
    out = np.empty((width + len(plan.features), len(looks)), dtype) if out is None else out
    limit = np.finfo(out.dtype).max  # beyond it a number would turn endless in the narrower type
    row = 0
    for encoder in encoders:
        block = _encoded(encoder, histories, looks)
        out[row : row + block.shape[1]] = np.minimum(np.maximum(block.T, -limit), limit)
        row += block.shape[1]
    if plan.features and len(looks):
        moments = LandmarkArrays(looks.lead.astype(np.int32), looks.as_of, looks.stage, looks.entered)
        evaluate(plan, histories.people, moments, out=out[row:], progress=progress, threads=threads)
    return out


def frame(feature_set: FeatureSet, histories: Histories, looks: Landmarks) -> pd.DataFrame:
    """The pandas face: lead_id and as_of as the index, one column per feature, float64."""
    plan = feature_set.plan(feature_set.features)
    rows = build(plan, feature_set.encoders, histories, looks, dtype=np.float64)
    index = pd.MultiIndex.from_arrays(
        [histories.leads["lead_id"].to_numpy(object)[looks.lead], pd.to_datetime(looks.as_of, unit="us", utc=True)],
        names=["lead_id", "as_of"],
    )
    return pd.DataFrame(rows.T, index=index, columns=list(feature_set.names))


def _encoded(encoder: AttributeEncoder, histories: Histories, looks: Landmarks) -> npt.NDArray[np.float64]:
    table = histories.leads if encoder.entity == "lead" else histories.companies
    rows = looks.lead if encoder.entity == "lead" else histories.company_row[looks.lead]
    if encoder.column in histories.changed[encoder.entity]:
        return encoder.encode(attribute(histories, looks, encoder.entity, encoder.column), looks.as_of)
    if encoder.kind == "date" and encoder.column in table:
        days, known_rows = np.full((len(rows), 1), np.nan), np.flatnonzero(rows >= 0)
        days[known_rows] = encoder.encode(table[encoder.column].iloc[rows[known_rows]], looks.as_of[known_rows])
        return days
    by_row = np.empty((len(table) + 1, len(encoder.names)))
    encoder.encode([None], 0, by_row[-1:])  # row -1, an unknown company, is the missing value at the end
    if encoder.column not in table:
        by_row[:] = by_row[-1]
    else:
        is_used = np.zeros(len(by_row), bool)
        is_used[rows] = True
        used = np.flatnonzero(is_used[:-1])
        by_row[used] = encoder.encode(table[encoder.column].iloc[used], 0)
    return by_row[rows]


def attribute(histories: Histories, looks: Landmarks, entity: str, column: str) -> list[object]:
    """The raw values (looks,) of an attribute as known at as_of; None where missing."""
    kind: Entity = "lead" if entity == "lead" else "company"
    table = histories.leads if kind == "lead" else histories.companies
    rows = looks.lead if kind == "lead" else histories.company_row[looks.lead]
    raw = np.full(len(rows), None, object)
    if column in table:
        known_rows = np.flatnonzero(rows >= 0)
        extracted = table[column].iloc[rows[known_rows]]
        raw[known_rows] = extracted.astype(object).where(extracted.notna(), None).to_numpy(object)
    values: list[object] = raw.tolist()
    if column in histories.changed[kind]:
        ids = table["lead_id" if kind == "lead" else "company_id"]
        past_values = values_at(histories.attribute_changes, kind, column, ids, rows, looks.as_of)
        values = [current if past is ... else past for current, past in zip(values, past_values, strict=True)]
    return values
