"""Score leads of a dataset in batch, with the same code as a request."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.common.clock import DAY, moment
from features.common.threads import CORES, MOST_THREADS, short_turns
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks, Path, open_leads
from features.engine.build import attribute, build
from features.engine.histories import Histories
from models.common.types import Floats, Matrix
from models.decision.recommend import Action, PreviousAdvice
from models.model import FunnelModel
from models.packed import Numbers
from models.score import GRADES, ScoringInput, numbers, recommend_all

BLOCK = 20_000  # leads whose features are held at once
CHUNK = 3_000  # leads whose numbers are
REASONS = 3


def scoring_input(model: FunnelModel, histories: Histories, looks: Landmarks, threads: int | None = None) -> ScoringInput:
    """What `models.score.score` needs for these looks."""
    rows = build(model.plan, model.feature_set.encoders, histories, looks, threads=threads)
    age_days = (looks.as_of - histories.created[looks.lead]) / DAY
    stage_days = (looks.as_of - looks.entered) / DAY
    return ScoringInput(rows, looks.stage, age_days, stage_days, partial(attribute, histories, looks))


def score_open(
    model: FunnelModel,
    dataset: Dataset,
    as_of: pd.Timestamp,
    progress: Callable[[int, int], None] | None = None,
    previous: Mapping[str, tuple[Action, pd.Timestamp]] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """One row per lead that is open at `as_of` and has not opted out → its scores, ranked by P(final lead stage).

    Columns: lead_id, lead_stage, score, grade, p_<target>, low_<target>, high_<target>, p_<target>_<days>d by so many days,
    expected_days_<target> where it converts, points, rules_grade, rules_<target>, expected_value, low_value, high_value,
    expected_amount, low_amount, high_amount (empty without deals), status (scored, uncertain), action,
    recommended_lead_stage, why, next_steps, reasons, as_of. `previous`: lead_id → what was recommended before, and when, so
    that noise alone changes nothing. `threads`: at most so many, all cores where it is not said.
    """
    parts, completed = [], 0
    with nullcontext() if threads == 1 else short_turns():
        histories, looks = _open(model, dataset, moment(as_of), min(threads or CORES, MOST_THREADS))
        words, batches = _Words(model), _scored_batches(model, histories, looks, threads)
        for batch in batches if threads == 1 else _prefetched(batches):
            previous_advice = _previous_advice(histories, batch.looks, previous or {}, as_of)
            parts.append(_rows(model, histories, batch, previous_advice, words))
            completed += len(batch.looks)
            if progress:
                progress(completed, len(looks))
    table = pd.concat(parts, ignore_index=True) if parts else empty_scores(model)
    table["as_of"] = as_of.isoformat()
    return table.sort_values([f"p_{model.funnel.final}", "lead_id"], ascending=[False, True], ignore_index=True)


def _previous_advice(
    histories: Histories, looks: Landmarks, recommendations: Mapping[str, tuple[Action, pd.Timestamp]], as_of: pd.Timestamp
) -> list[PreviousAdvice | None]:
    ids = histories.leads["lead_id"].to_numpy(object)[looks.lead]
    entries = [recommendations.get(str(name)) for name in ids]
    return [PreviousAdvice(entry[0], (as_of - entry[1]) / pd.Timedelta(days=1)) if entry else None for entry in entries]


class _ScoredBatch(NamedTuple):
    """Some leads with their numbers."""

    looks: Landmarks
    inputs: ScoringInput
    numbers: Numbers


def _prefetched(parts: Iterator[_ScoredBatch]) -> Iterator[_ScoredBatch]:
    """Prefetch: while some leads are put into words, the next ones' numbers come from compiled code, without Python's GIL."""
    with ThreadPoolExecutor(1) as executor:
        coming = executor.submit(next, parts, None)
        while (batch := coming.result()) is not None:
            coming = executor.submit(next, parts, None)
            yield batch


def _scored_batches(model: FunnelModel, histories: Histories, looks: Landmarks, threads: int | None) -> Iterator[_ScoredBatch]:
    """Features and attributes of many leads at once, since asking a column takes its time however few are asked for; their
    numbers for few at a time, so that words are soon waited for by nobody."""
    for block_rows in _slices(len(looks), BLOCK):
        block = looks.take(block_rows)
        # first what needs no interactions: their index may still be in the making
        values = cache(partial(attribute, histories, block))
        fits = model.rules.fits(values, len(block))
        inputs = replace(scoring_input(model, histories, block, threads), values=values)
        for chunk_rows in _slices(len(block), CHUNK):
            part = inputs.select(chunk_rows)
            yield _ScoredBatch(block.take(chunk_rows), part, numbers(model, part, REASONS, fits[chunk_rows], threads))


def _slices(count: int, max_size: int) -> Iterator[slice]:
    """0 … count in parts of one size, at most `max_size`."""
    size = -(-count // max(-(-count // max_size), 1))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size)) if count else iter(())


def empty_scores(model: FunnelModel) -> pd.DataFrame:
    """Scores where no lead is open."""
    return pd.DataFrame({"lead_id": pd.Series(dtype="str"), f"p_{model.funnel.final}": pd.Series(dtype="float64")})


def _rows(
    model: FunnelModel,
    histories: Histories,
    batch: _ScoredBatch,
    previous: list[PreviousAdvice | None],
    words: _Words,
) -> pd.DataFrame:
    looks, inputs, results = batch
    row, spans = results.row, model.packed.columns
    advice, steps = recommend_all(model, inputs, results, "en", previous)

    def column_of(name: str) -> npt.NDArray[np.float64]:
        return row[:, spans[name].start]

    columns: dict[str, object] = {
        "lead_id": histories.leads["lead_id"].to_numpy(object)[looks.lead],
        "lead_stage": np.array(model.funnel.stages, object)[looks.stage],
        "score": column_of("score").astype(np.int64),
        "grade": _grades(column_of("fit"), column_of("engagement")),
    }
    for i, target in enumerate(model.funnel.targets):
        for column, name in ((f"p_{target}", "probability"), (f"low_{target}", "low"), (f"high_{target}", "high")):
            columns[column] = row[:, spans[name].start + i]
        if model.dated:
            for day_index, day in enumerate(model.packed.days[i][:-1]):
                columns[f"p_{target}_{day:g}d"] = row[:, spans[f"curve {target}"].start + day_index]
            columns[f"expected_days_{target}"] = row[:, spans["expected_days"].start + i]
    columns["points"] = column_of("points")
    grades = model.rules.book.grades
    columns["rules_grade"] = _grades(column_of("rules_fit"), column_of("rules_engagement")) if grades else [None] * len(looks)
    for i, target in enumerate(model.funnel.targets):
        columns[f"rules_{target}"] = row[:, spans["rules"].start + i]
    nan_column = np.full(len(looks), np.nan)
    for column, name in _VALUE.items():
        columns[column] = column_of(name) if model.value else nan_column
    columns["status"] = ["uncertain" if a.uncertain else "scored" for a in advice]
    columns["action"] = [a.action for a in advice]
    columns["recommended_lead_stage"] = [a.lead_stage for a in advice]
    columns["why"] = [a.why for a in advice]
    columns["next_steps"] = ["; ".join([step.type for step in lead_steps]) for lead_steps in steps]
    columns["reasons"] = words.reasons(results)
    return pd.DataFrame(columns)


def _grades(letter: npt.NDArray[np.float64], digit: npt.NDArray[np.float64]) -> npt.NDArray[np.object_]:
    """Grades (n,) of the places of letter and digit (n,)."""
    grades: npt.NDArray[np.object_] = np.array(GRADES, object)[letter.astype(int), digit.astype(int)]
    return grades


# column → its number in `models.packed`: what the leads are worth and what their deals would bring
_VALUE = {
    "expected_value": "value",
    "low_value": "value_low",
    "high_value": "value_high",
    "expected_amount": "amount",
    "low_amount": "amount_low",
    "high_amount": "amount_high",
}


class _Words:
    """Reasons in one line of text; what one column says of one value, and each effect, is written once."""

    def __init__(self, model: FunnelModel) -> None:
        self.labels = [d.label["en"] for d in model.described]
        self.phrase_cache: dict[tuple[int, float | None], str] = {}

    def reasons(self, results: Numbers) -> npt.NDArray[np.object_]:
        """The reasons of n leads (n,), the strongest first."""
        values = np.take_along_axis(results.x, np.maximum(results.speaker, 0), axis=1)
        lines = np.full(len(values), "", object)
        for rank in range(values.shape[1]):
            rows = np.flatnonzero(results.speaker[:, rank] >= 0)
            texts = self._phrases(results.speaker[rows, rank], values[rows, rank]) + _effects(results.effect[rows, rank])
            lines[rows] += texts if rank == 0 else "; " + texts
        return lines

    def _phrases(self, column: npt.NDArray[np.int64], value: Matrix) -> npt.NDArray[np.object_]:
        """What was seen (n,): the column in words, and its value where it has one."""
        value_codes, values = pd.factorize(value + 0.0, use_na_sentinel=False)  # + 0.0: never -0
        codes, pairs = pd.factorize(column * len(values) + value_codes)
        column_values = zip((pairs // len(values)).tolist(), values[pairs % len(values)].tolist(), strict=True)
        return np.array([self._phrase(*pair) for pair in column_values], object)[codes]

    def _phrase(self, column: int, value: float) -> str:
        missing = value != value  # noqa: PLR0124  NaN, which is not found again either
        key = column, None if missing else value
        phrase = self.phrase_cache.get(key)
        if phrase is None:
            phrase = self.phrase_cache[key] = self.labels[column] + ("" if missing else f" = {round(float(value), 4) + 0.0:g}")
        return phrase


def _effects(effect: Floats) -> npt.NDArray[np.object_]:
    """Effects (n,) in words: with their sign, to two digits."""
    hundredths = np.rint(effect * 100)
    codes, distinct = pd.factorize(np.copysign(np.abs(hundredths) + 1, effect))  # + 1: zero has a sign too
    words = np.array(
        [f" ({math.copysign(abs(signed_number) - 1, signed_number) / 100:+.2f})" for signed_number in distinct.tolist()], object
    )[codes]
    for close in np.flatnonzero(np.abs(np.abs(effect * 100 - hundredths) - 0.5) < 1e-9):  # where the product may have rounded
        words[close] = f" ({effect[close]:+.2f})"
    return words


def _open(model: FunnelModel, dataset: Dataset, as_of: int, threads: int) -> tuple[Histories, Landmarks]:
    """The open leads that have not opted out, with the histories of their accounts: nobody else's are looked at."""
    path = Path.from_tables(dataset.leads, dataset.lead_stages, model.funnel)
    opted_out = dataset.leads["opted_out"].fillna(False).to_numpy(bool)
    eligible = np.zeros(len(opted_out), bool)
    eligible[open_leads(path, as_of).lead] = True
    eligible &= ~opted_out
    account = pd.factorize(dataset.leads["company_id"])[0]
    account_mask = np.zeros(int(account.max(initial=-1)) + 2, bool)  # the last is for leads without a company
    account_mask[account[eligible]] = True
    account_mask[-1] = False
    people = np.flatnonzero(eligible | account_mask[account])
    histories = Histories.from_dataset(
        dataset, model.feature_set.types, model.feature_set.mail, people, threads, background=threads > 1
    )
    looks = open_leads(Path(path.reached[histories.row], path.exited_at[histories.row]), as_of)
    return histories, looks.take(np.flatnonzero(eligible[histories.row][looks.lead]))
