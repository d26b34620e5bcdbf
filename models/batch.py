"""Score leads of a dataset in batch, with the same code as a request."""

from __future__ import annotations

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
from models.decision.recommend import Action, PreviousAdvice
from models.model import FunnelModel
from models.packed import Numbers
from models.score import ScoringInput, numbers, recommend_all
from models.scored_lead import LISTED_REASONS, LeadWords

BLOCK = 20_000  # leads whose features are held at once
CHUNK = 3_000  # leads whose numbers are


def scoring_input(model: FunnelModel, histories: Histories, landmarks: Landmarks, threads: int | None = None) -> ScoringInput:
    """What `models.score.score` needs for these landmarks."""
    rows = build(model.plan, model.feature_set.encoders, histories, landmarks, threads=threads)
    age_days = (landmarks.as_of - histories.created[landmarks.lead]) / DAY
    stage_days = (landmarks.as_of - landmarks.entered) / DAY
    return ScoringInput(rows, landmarks.stage, age_days, stage_days, partial(attribute, histories, landmarks))


def score_open(
    model: FunnelModel,
    dataset: Dataset,
    as_of: pd.Timestamp,
    progress: Callable[[int, int], None] | None = None,
    previous: Mapping[str, tuple[Action, pd.Timestamp]] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """One row per lead that is open at `as_of` and has not opted out → its scores, ranked by P(final lead stage); when each is
    looked at, `FunnelModel.looked_at` says.

    Columns: lead_id, lead_stage, score, grade, p_<target>, low_<target>, high_<target>, p_<target>_<days>d by so many days,
    expected_days_<target> where it converts, points, rules_grade, rules_<target>, expected_value, low_value, high_value,
    expected_amount, low_amount, high_amount (empty without deals), status (scored, uncertain), action,
    recommended_lead_stage, why, next_steps, reasons, as_of. `previous`: lead_id → what was recommended before, and when, so
    that noise alone changes nothing. `threads`: at most so many, all cores where it is not said.
    """
    parts, completed = [], 0
    with nullcontext() if threads == 1 else short_turns():
        histories, landmarks = _open(model, dataset, moment(as_of), min(threads or CORES, MOST_THREADS))
        words, batches = LeadWords(model, "en"), _scored_batches(model, histories, landmarks, threads)
        for batch in batches if threads == 1 else _prefetched(batches):
            lead_ids = histories.leads["lead_id"].to_numpy(object)[batch.landmarks.lead]
            scored = recommend_all(words, batch.inputs, batch.numbers, _previous_advice(lead_ids, previous or {}, as_of))
            parts.append(pd.DataFrame({"lead_id": lead_ids, **scored.columns()}))
            completed += len(batch.landmarks)
            if progress:
                progress(completed, len(landmarks))
    table = pd.concat(parts, ignore_index=True) if parts else empty_scores(model)
    table["as_of"] = as_of.isoformat()
    return table.sort_values([f"p_{model.funnel.final}", "lead_id"], ascending=[False, True], ignore_index=True)


def _previous_advice(
    lead_ids: npt.NDArray[np.object_], recommendations: Mapping[str, tuple[Action, pd.Timestamp]], as_of: pd.Timestamp
) -> list[PreviousAdvice | None]:
    entries = [recommendations.get(str(name)) for name in lead_ids]
    return [PreviousAdvice(entry[0], (as_of - entry[1]) / pd.Timedelta(days=1)) if entry else None for entry in entries]


class _ScoredBatch(NamedTuple):
    """Some leads with their numbers."""

    landmarks: Landmarks
    inputs: ScoringInput
    numbers: Numbers


def _prefetched(parts: Iterator[_ScoredBatch]) -> Iterator[_ScoredBatch]:
    """Prefetch: while some leads are put into words, the next ones' numbers come from compiled code, without Python's GIL."""
    with ThreadPoolExecutor(1) as executor:
        coming = executor.submit(next, parts, None)
        while (batch := coming.result()) is not None:
            coming = executor.submit(next, parts, None)
            yield batch


def _scored_batches(
    model: FunnelModel, histories: Histories, landmarks: Landmarks, threads: int | None
) -> Iterator[_ScoredBatch]:
    """Features and attributes of many leads at once, since asking a column takes its time however few are asked for; their
    numbers for few at a time, so that words are soon waited for by nobody."""
    for block_rows in _slices(len(landmarks), BLOCK):
        block = landmarks.take(block_rows)
        # first what needs no interactions: their index may still be in the making
        values = cache(partial(attribute, histories, block))
        fits = model.rules.fits(values, len(block))
        inputs = replace(scoring_input(model, histories, block, threads), values=values)
        for chunk_rows in _slices(len(block), CHUNK):
            batch = inputs.select(chunk_rows)
            yield _ScoredBatch(block.take(chunk_rows), batch, numbers(model, batch, LISTED_REASONS, fits[chunk_rows], threads))


def _slices(count: int, max_size: int) -> Iterator[slice]:
    """0 … count in parts of one size, at most `max_size`."""
    size = -(-count // max(-(-count // max_size), 1))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size)) if count else iter(())


def empty_scores(model: FunnelModel) -> pd.DataFrame:
    """Scores where no lead is open."""
    return pd.DataFrame({"lead_id": pd.Series(dtype="str"), f"p_{model.funnel.final}": pd.Series(dtype="float64")})


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
    features = model.feature_set
    histories = Histories.from_dataset(
        dataset, features.types, features.mail, features.turning_away, people, threads, background=threads > 1
    )
    landmarks = open_leads(path.take(histories.row), as_of)
    landmarks = replace(landmarks, as_of=model.looked_at(landmarks.entered, as_of))
    return histories, landmarks.take(np.flatnonzero(eligible[histories.row][landmarks.lead]))
