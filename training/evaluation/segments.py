"""Calibration by segment: does "30 %" come true three times in ten in every lead stage, source, country and company size?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta

from features.dataset.labels import Labels
from features.engine.build import attribute
from models.calibration.intervals import design_effect
from models.common.types import Flags, Floats
from training.data.prepare import Prepared

MIN_ROWS = 100
MAX_SEGMENTS = 12  # segments of a kind, the largest first
LEVEL = 0.95
SIZES = (0, 10, 50, 250, 1_000)  # people in the company
ATTRIBUTES = {"source": ("lead", "source"), "country": ("lead", "country"), "company size": ("company", "employees")}


def segments(prepared: Prepared, rows: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[np.object_]]:
    """Kind of segment → the segment of each landmark (m,), as it was known at the landmark; None where it was not.

    What became known later, or what the audit found to know the outcome, would sort leads by how they ended.
    """
    looks = prepared.looks.take(rows)
    learnable = {(encoder.entity, encoder.column) for encoder in prepared.encoders}
    attribute_values = {
        kind: attribute(prepared.histories, looks, entity, column) if (entity, column) in learnable else [None] * len(rows)
        for kind, (entity, column) in ATTRIBUTES.items()
    }
    return {
        "lead stage": np.array(prepared.funnel.stages, object)[looks.stage],
        "source": _texts(attribute_values["source"]),
        "country": _texts(attribute_values["country"]),
        "company size": _texts([_size(people) for people in attribute_values["company size"]]),
    }


def _texts(values: Sequence[object]) -> npt.NDArray[np.object_]:
    texts = np.empty(len(values), object)
    texts[:] = values
    return texts


def _size(value: Any) -> str | None:
    try:
        people = float(value)
    except (TypeError, ValueError):
        return None
    if not 0 <= people < math.inf:
        return None
    low = max(s for s in SIZES if people >= s)
    larger_sizes = [s for s in SIZES if s > low]
    return f"{low:,}–{larger_sizes[0] - 1:,}" if larger_sizes else f"{low:,}+"


def band(y: Flags, account: npt.NDArray[np.int64]) -> tuple[float, float]:
    """95 % band of the share that came true: Jeffreys, on as many rows as the accounts are worth (Kish's design effect)."""
    worth = len(y) / design_effect(y, np.zeros(len(y), np.intp), account)
    hits = y.mean() * worth
    low, high = beta.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2], hits + 0.5, worth - hits + 0.5)
    return float(low), float(high)


def by_segment(prepared: Prepared, rows: npt.NDArray[np.intp], labels: Labels, probability: Floats) -> pd.DataFrame:
    """Held-out landmarks `rows` (m,) and their probabilities (m, targets) → one row per target, kind and segment.

    Columns: target, kind, segment, rows, said (mean probability), came (share that came true), low, high (its 95 % band), and
    holds: whether what was said lies within the band.
    """
    account = prepared.account[rows]
    records = []
    for target, name in enumerate(prepared.funnel.targets):
        usable = labels.matured[:, target]
        for kind, segment in segments(prepared, rows).items():
            records += _kind(name, kind, segment, usable, labels.reached[:, target], probability[:, target], account)
    return pd.DataFrame(records, columns=["target", "kind", "segment", "rows", "said", "came", "low", "high", "holds"])


def _kind(
    target: str, kind: str, segment: npt.NDArray[np.object_], usable: Flags, y: Flags, p: Floats, account: npt.NDArray[np.int64]
) -> list[Mapping[str, object]]:
    counts = pd.Series(segment[usable]).value_counts()
    records: list[Mapping[str, object]] = []
    for value in counts.index[:MAX_SEGMENTS]:
        segment_rows = np.flatnonzero(usable & (segment == value))
        if len(segment_rows) < MIN_ROWS:
            continue
        low, high = band(y[segment_rows], account[segment_rows])
        mean_probability = float(p[segment_rows].mean())
        records.append(
            {"target": target, "kind": kind, "segment": str(value), "rows": len(segment_rows), "said": mean_probability,
             "came": float(y[segment_rows].mean()), "low": low, "high": high, "holds": low <= mean_probability <= high}
        )  # fmt: skip
    return records


def in_words(table: pd.DataFrame) -> list[str]:
    """One sentence: in how many segments what was said came true, and where it was furthest off."""
    if not len(table):
        return []
    worst = table.iloc[int((table["said"] - table["came"]).abs().argmax())]
    worst_segment = f"{worst['target']} in {worst['kind']} {worst['segment']}"
    fact = f"What was said came true, within chance, in {table['holds'].sum()} of {len(table)} segments"
    difference = f"said {worst['said']:.1%}, came {worst['came']:.1%} of {worst['rows']:,}"
    return [f"{fact} (lead stage, source, country, company size); furthest off: {worst_segment}, {difference}."]
