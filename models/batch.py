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
from models.decision.recommend import Action, Previous
from models.model import FunnelModel
from models.packed import Numbers
from models.score import GRADES, Looked, numbers, said

BLOCK = 20_000  # leads whose features are held at once
CHUNK = 3_000  # leads whose numbers are
REASONS = 3


def looked(model: FunnelModel, histories: Histories, looks: Landmarks, threads: int | None = None) -> Looked:
    """What `models.score.score` needs for these looks."""
    rows = build(model.plan, model.feature_set.encoders, histories, looks, threads=threads)
    age = (looks.as_of - histories.created[looks.lead]) / DAY
    in_stage = (looks.as_of - looks.entered) / DAY
    return Looked(rows, looks.stage, age, in_stage, partial(attribute, histories, looks))


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
    parts, done = [], 0
    with nullcontext() if threads == 1 else short_turns():
        histories, looks = _open(model, dataset, moment(as_of), min(threads or CORES, MOST_THREADS))
        words, seen = _Words(model), _seen(model, histories, looks, threads)
        for found in seen if threads == 1 else _ahead(seen):
            before = _previous(histories, found.looks, previous or {}, as_of)
            parts.append(_rows(model, histories, found, before, words))
            done += len(found.looks)
            if progress:
                progress(done, len(looks))
    table = pd.concat(parts, ignore_index=True) if parts else nobody(model)
    table["as_of"] = as_of.isoformat()
    return table.sort_values([f"p_{model.funnel.final}", "lead_id"], ascending=[False, True], ignore_index=True)


def _previous(
    histories: Histories, looks: Landmarks, known: Mapping[str, tuple[Action, pd.Timestamp]], as_of: pd.Timestamp
) -> list[Previous | None]:
    ids = histories.leads["lead_id"].to_numpy(object)[looks.lead]
    told = [known.get(str(name)) for name in ids]
    return [Previous(one[0], (as_of - one[1]) / pd.Timedelta(days=1)) if one else None for one in told]


class _Seen(NamedTuple):
    """Some leads with their numbers."""

    looks: Landmarks
    what: Looked
    numbers: Numbers


def _ahead(parts: Iterator[_Seen]) -> Iterator[_Seen]:
    """Prefetch: while some leads are put into words, the next ones' numbers come from compiled code, without Python's GIL."""
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(next, parts, None)
        while (found := coming.result()) is not None:
            coming = ahead.submit(next, parts, None)
            yield found


def _seen(model: FunnelModel, histories: Histories, looks: Landmarks, threads: int | None) -> Iterator[_Seen]:
    """Features and attributes of many leads at once, since asking a column takes its time however few are asked for; their
    numbers for few at a time, so that words are soon waited for by nobody."""
    for many in _slices(len(looks), BLOCK):
        block = looks.take(many)
        # first what needs no interactions: their index may still be in the making
        values = cache(partial(attribute, histories, block))
        fits = model.rules.fits(values, len(block))
        what = replace(looked(model, histories, block, threads), values=values)
        for few in _slices(len(block), CHUNK):
            part = what.take(few)
            yield _Seen(block.take(few), part, numbers(model, part, REASONS, fits[few], threads))


def _slices(count: int, most: int) -> Iterator[slice]:
    """0 … count in parts of one size, at most `most`."""
    size = -(-count // max(-(-count // most), 1))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size)) if count else iter(())


def nobody(model: FunnelModel) -> pd.DataFrame:
    """Scores where no lead is open."""
    return pd.DataFrame({"lead_id": pd.Series(dtype="str"), f"p_{model.funnel.final}": pd.Series(dtype="float64")})


def _rows(
    model: FunnelModel,
    histories: Histories,
    seen: _Seen,
    previous: list[Previous | None],
    words: _Words,
) -> pd.DataFrame:
    looks, what, found = seen
    row, at = found.row, model.made.columns
    advice, steps = said(model, what, found, "en", previous)

    def one(name: str) -> npt.NDArray[np.float64]:
        return row[:, at[name].start]

    columns: dict[str, object] = {
        "lead_id": histories.leads["lead_id"].to_numpy(object)[looks.lead],
        "lead_stage": np.array(model.funnel.stages, object)[looks.stage],
        "score": one("score").astype(np.int64),
        "grade": _grades(one("fit"), one("engagement")),
    }
    for i, target in enumerate(model.funnel.targets):
        for column, name in ((f"p_{target}", "probability"), (f"low_{target}", "low"), (f"high_{target}", "high")):
            columns[column] = row[:, at[name].start + i]
        if model.dated:
            for place, day in enumerate(model.made.days[i][:-1]):
                columns[f"p_{target}_{day:g}d"] = row[:, at[f"curve {target}"].start + place]
            columns[f"expected_days_{target}"] = row[:, at["expected_days"].start + i]
    columns["points"] = one("points")
    grades = model.rules.book.grades
    columns["rules_grade"] = _grades(one("rules_fit"), one("rules_engagement")) if grades else [None] * len(looks)
    for i, target in enumerate(model.funnel.targets):
        columns[f"rules_{target}"] = row[:, at["rules"].start + i]
    nothing = np.full(len(looks), np.nan)
    for column, name in _VALUE.items():
        columns[column] = one(name) if model.value else nothing
    columns["status"] = ["uncertain" if a.uncertain else "scored" for a in advice]
    columns["action"] = [a.action for a in advice]
    columns["recommended_lead_stage"] = [a.lead_stage for a in advice]
    columns["why"] = [a.why for a in advice]
    columns["next_steps"] = ["; ".join([step.type for step in one]) for one in steps]
    columns["reasons"] = words.reasons(found)
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
        self.known: dict[tuple[int, float | None], str] = {}

    def reasons(self, found: Numbers) -> npt.NDArray[np.object_]:
        """The reasons of n leads (n,), the strongest first."""
        values = np.take_along_axis(found.x, np.maximum(found.speaker, 0), axis=1)
        lines = np.full(len(values), "", object)
        for place in range(values.shape[1]):
            rows = np.flatnonzero(found.speaker[:, place] >= 0)
            said = self._seen(found.speaker[rows, place], values[rows, place]) + _effects(found.effect[rows, place])
            lines[rows] += said if place == 0 else "; " + said
        return lines

    def _seen(self, column: npt.NDArray[np.int64], value: Matrix) -> npt.NDArray[np.object_]:
        """What was seen (n,): the column in words, and its value where it has one."""
        which, values = pd.factorize(value + 0.0, use_na_sentinel=False)  # + 0.0: never -0
        codes, pairs = pd.factorize(column * len(values) + which)
        told = zip((pairs // len(values)).tolist(), values[pairs % len(values)].tolist(), strict=True)
        return np.array([self._one(*one) for one in told], object)[codes]

    def _one(self, column: int, value: float) -> str:
        missing = value != value  # noqa: PLR0124  NaN, which is not found again either
        key = column, None if missing else value
        known = self.known.get(key)
        if known is None:
            known = self.known[key] = self.labels[column] + ("" if missing else f" = {round(float(value), 4) + 0.0:g}")
        return known


def _effects(effect: Floats) -> npt.NDArray[np.object_]:
    """Effects (n,) in words: with their sign, to two digits."""
    hundredths = np.rint(effect * 100)
    codes, distinct = pd.factorize(np.copysign(np.abs(hundredths) + 1, effect))  # + 1: zero has a sign too
    words = np.array([f" ({math.copysign(abs(one) - 1, one) / 100:+.2f})" for one in distinct.tolist()], object)[codes]
    for close in np.flatnonzero(np.abs(np.abs(effect * 100 - hundredths) - 0.5) < 1e-9):  # where the product may have rounded
        words[close] = f" ({effect[close]:+.2f})"
    return words


def _open(model: FunnelModel, dataset: Dataset, as_of: int, threads: int) -> tuple[Histories, Landmarks]:
    """The open leads that have not opted out, with the histories of their accounts: nobody else's are looked at."""
    path = Path.of(dataset.leads, dataset.lead_stages, model.funnel)
    opted_out = dataset.leads["opted_out"].fillna(False).to_numpy(bool)
    asked = np.zeros(len(opted_out), bool)
    asked[open_leads(path, as_of).lead] = True
    asked &= ~opted_out
    account = pd.factorize(dataset.leads["company_id"])[0]
    theirs = np.zeros(int(account.max(initial=-1)) + 2, bool)  # the last is for leads without a company
    theirs[account[asked]] = True
    theirs[-1] = False
    people = np.flatnonzero(asked | theirs[account])
    histories = Histories.of(dataset, model.feature_set.types, model.feature_set.mail, people, threads, beside=threads > 1)
    looks = open_leads(Path(path.reached[histories.row], path.left[histories.row]), as_of)
    return histories, looks.take(np.flatnonzero(asked[histories.row][looks.lead]))
