"""Scores kept fresh in the background: what something happened to first, everything after another model or some hours.

Several processes on PostgreSQL share the work; each takes rows of the queue that nobody else has taken. Requests go first:
while any are answered a batch is small, and after it the worker rests for several times as long as it took; else batches are
large, since what a batch costs by itself is the same however many leads are in it.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from features.common.clock import DAY
from features.common.errors import RipelineError
from serving.scoring.scorer import Scorer
from serving.store import rescore_queue
from serving.store.lead_reads import read
from serving.store.score_writes import model_id, save_scores
from serving.store.scoring import StoredScorer
from serving.store.store import HOUR, Store, scoring_moment
from serving.store.tables import current_scores, leads
from serving.store.tables import stale as queue

BATCH, BUSY_BATCH = 1_000, 40  # rows of the queue dealt with at once, and while requests are answered
SAVED = 250  # rows of scores of one transaction, so that who writes meanwhile does not wait long
SWEEP_LEADS = 5_000  # leads put into the queue at once
POLL = 1.0  # seconds between two looks at the queue
PAUSE = 6.0  # times as long as a batch took, while requests are answered
MAX_PAUSE = 1.0  # seconds of it at the most
QUIET_CHECK = 0.01  # seconds between two looks whether requests are still answered
OPEN_AGAIN = 2.0  # seconds between two attempts to open the store
RETENTION_INTERVAL = 3600.0  # seconds between two looks at what is kept too long


class Refresher:
    """The background work of one process. `clock` says microseconds since 1970, `busy` whether requests are answered."""

    def __init__(
        self,
        store: Store,
        provide: Callable[[], Scorer | None],
        clock: Callable[[], int],
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.store, self._provide, self._clock, self._busy = store, provide, clock, busy
        self._stored: StoredScorer | None = None
        self._stop = threading.Event()
        self._tidied_at: float | None = None
        self._looked_at: float | None = None
        self._last_trouble = ""
        self._batch_size = BATCH  # leads of a batch; after trouble one at a time, so that one lead stops nobody else
        self._thread = threading.Thread(target=self._run, name="ripeline-refresh", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self.store.wake.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.store.wake.clear()
            pause = self._run_once()
            if pause:
                self.store.wake.wait(pause)

    def _run_once(self) -> float:
        """Some work; seconds to rest."""
        try:
            if not self.store.opened:
                self.store.open()
            started = monotonic()
            if self.work():
                self._batch_size = min(BATCH, 2 * self._batch_size)
                self._give_way(monotonic() - started)
                self._report_trouble("")
                return 0.0
            self.tidy()
            self._report_trouble("")
        except RipelineError as error:
            self._report_trouble(error.fact)
            self._stop.wait(OPEN_AGAIN)
        except Exception as error:
            self._report_trouble(f"a lead could not be scored ({type(error).__name__}: {str(error)[:200]}).")
            self._pass_over()
        return POLL

    def _give_way(self, worked: float) -> None:
        """Requests first: after `worked` seconds, wait as long as they are answered, but not for ever."""
        until = monotonic() + min(PAUSE * worked, MAX_PAUSE)
        while self._busy() and monotonic() < until and not self._stop.is_set():
            self._stop.wait(QUIET_CHECK)

    def _pass_over(self) -> None:
        """Leads are taken one by one from here on; a poison message, which makes trouble by itself, is left out this time."""
        if self._batch_size > 1:
            self._batch_size = 1
            return
        with contextlib.suppress(RipelineError):
            self.store.write(lambda connection: rescore_queue.finish(connection, rescore_queue.claim(connection, 1)[0]))

    def _report_trouble(self, trouble: str) -> None:
        if trouble and trouble != self._last_trouble:
            print(f"Lead store: {trouble}", file=sys.stderr, flush=True)
        self._last_trouble = trouble

    def tidy(self) -> None:
        """Now and then: delete what is kept too long."""
        if self._tidied_at is None or monotonic() - self._tidied_at > RETENTION_INTERVAL:
            scorer = self._provide()
            self.store.retention.apply(self.store.write, scorer.model.funnel if scorer else None, self._clock())
            self._tidied_at = monotonic()

    def work(self) -> int:
        """Score one batch of the queue, or fill the queue; how many rows of it were dealt with or added.

        Raises
        ------
        StoreError
            where the database cannot be asked.
        """
        scorer = self._provide()
        if scorer is None:
            return 0
        self._look_for_filling()
        if self._stored is None or self._stored.scorer is not scorer:
            self._stored = StoredScorer(scorer)
        stored, now = self._stored, self._clock()
        limit = min(self._batch_size, BUSY_BATCH) if self._busy() else self._batch_size
        if self.store.engine.dialect.name == "postgresql":
            processed = self.store.write(lambda connection: _batch(connection, stored, now, limit), wrote=bool)
        else:  # the one writer of SQLite must not be kept waiting by scoring
            with self.store.read() as connection:
                scored = _scored(connection, stored, now, limit)
            self._save_in_parts(stored, scored, now)
            processed = len(scored.numbers)
        if processed or self.store.filling:  # of leads whose interactions are still to come the score would be another
            return processed
        return self.store.write(lambda connection: _sweep(connection, stored, now, self.store.hours), wrote=bool)

    def _look_for_filling(self) -> None:
        if self._looked_at is None or monotonic() - self._looked_at >= POLL:
            self.store.look_for_filling(self._clock())
            self._looked_at = monotonic()

    def _save_in_parts(self, stored: StoredScorer, scored: _Scored, now: int) -> None:
        """Rows are dealt with once all scores are there; until then they would be done again."""
        for begin in range(0, len(scored.rows), SAVED):
            part = replace(scored, numbers=[], rows=scored.rows[begin : begin + SAVED])
            begun = monotonic()
            self.store.write(lambda connection, part=part: _save(connection, stored, part, now))  # type: ignore[misc]
            self._give_way(monotonic() - begun)
        if scored.numbers:
            self.store.write(lambda connection: rescore_queue.finish(connection, scored.numbers))


@dataclass(frozen=True)
class _Scored:
    """Rows of the queue, a row of scores for everybody of the accounts in them, and as of when."""

    numbers: list[int]
    rows: list[dict[str, Any]]
    as_of: int


def _batch(connection: Connection, stored: StoredScorer, now: int, limit: int) -> int:
    scored = _scored(connection, stored, now, limit)
    _save(connection, stored, scored, now)
    return len(scored.numbers)


def _scored(connection: Connection, stored: StoredScorer, now: int, limit: int) -> _Scored:
    numbers, names = rescore_queue.claim(connection, limit)
    if not names:
        return _Scored(numbers, [], now)
    stored_leads = read(connection, stored.scorer.model.funnel, names, None, now=now, only_scored=True)
    # everybody of an account is scored anew: what a colleague does counts for all
    subjects, colleagues = stored_leads.to_score(stored_leads.people)
    accounts = {lead.company_id for lead in subjects} - {None}
    colleagues = [lead for lead in colleagues if lead.company_id in accounts]  # of others nobody asks
    review_asked = [stored_leads.people[lead.lead_id].review_asked for lead in subjects]
    rows = stored.rows(subjects, colleagues, stored_leads.as_of, review_asked)
    scored_ids = {lead.lead_id for lead in subjects}
    rows += [
        {"lead_id": name, "status": "opted_out" if person.opted_out else person.status}
        for name, person in stored_leads.people.items()
        if name not in scored_ids
    ]
    return _Scored(numbers, rows, stored_leads.as_of)


def _save(connection: Connection, stored: StoredScorer, scored: _Scored, now: int) -> None:
    if scored.rows:
        save_scores(connection, scored.rows, model_id(connection, stored), scored.as_of, now)
    rescore_queue.finish(connection, scored.numbers)


def _sweep(connection: Connection, stored: StoredScorer, now: int, hours: float) -> int:
    """Put leads into the queue whose score is of another model, or older than `hours`; how many. Nothing while some wait."""
    if connection.execute(select(queue.c.stale_id).where(queue.c.priority == rescore_queue.SWEEP).limit(1)).first():
        return 0
    as_of, current_model, c = scoring_moment(connection, now), model_id(connection, stored), current_scores.c
    changing = c.status.in_(("scored", "uncertain", "not_yet"))
    # later than now: the clock was ahead when it was scored
    outdated = and_(changing, or_(c.as_of < as_of - int(hours * HOUR), c.as_of > as_of + DAY))
    query = (
        select(leads.c.lead_id, leads.c.company_id)
        .outerjoin(current_scores, c.lead_id == leads.c.lead_id)
        .where(or_(c.lead_id.is_(None), c.model_id != current_model, outdated))
        .limit(SWEEP_LEADS)
    )
    # one of an account is enough: the others are scored with it
    names = list({company or f"l:{name}": name for name, company in connection.execute(query)}.values())
    rescore_queue.enqueue(connection, names, now, rescore_queue.SWEEP)
    return len(names)
