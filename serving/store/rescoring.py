"""Scores kept fresh in the background: what something happened to first, everything after another model or some hours.

Several processes on PostgreSQL share the work; each takes rows of the queue that nobody else has taken. Requests go first: a
batch is small, and after it the worker rests as long as it took.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from features.common.clock import DAY
from features.common.errors import RipelineError
from serving.scoring.scorer import Scorer
from serving.store import rescore_queue
from serving.store.lead_reads import StoredLeads, read
from serving.store.score_writes import model_id, save_scores
from serving.store.scoring import StoredScorer
from serving.store.store import HOUR, Store, scoring_moment
from serving.store.tables import current_scores, leads
from serving.store.tables import stale as queue

BATCH = 40  # leads
SWEEP_LEADS = 2_000  # leads put into the queue at once
POLL = 1.0  # seconds between two looks at the queue
MAX_REST = 0.2  # seconds at the most after a batch
OPEN_AGAIN = 2.0  # seconds between two attempts to open the store
RETENTION_INTERVAL = 3600.0  # seconds between two looks at what is kept too long


class Refresher:
    """The background work of one process. `clock` says microseconds since 1970."""

    def __init__(self, store: Store, provide: Callable[[], Scorer | None], clock: Callable[[], int]) -> None:
        self.store, self._provide, self._clock = store, provide, clock
        self._stored: StoredScorer | None = None
        self._stop = threading.Event()
        self._tidied_at: float | None = None
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
                self._stop.wait(min(monotonic() - started, MAX_REST))
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
        if self._stored is None or self._stored.scorer is not scorer:
            self._stored = StoredScorer(scorer)
        stored, now = self._stored, self._clock()
        if self.store.engine.dialect.name == "postgresql":
            processed = self.store.write(lambda connection: _batch(connection, stored, now, self._batch_size))
        else:  # the one writer of SQLite must not be kept waiting by scoring
            with self.store.read() as connection:
                numbers, rows, as_of = _scored(connection, stored, now, self._batch_size)
            if numbers:
                self.store.write(lambda connection: _save(connection, stored, numbers, rows, as_of, now))
            processed = len(numbers)
        return processed or self.store.write(lambda connection: _sweep(connection, stored, now, self.store.hours))


def _batch(connection: Connection, stored: StoredScorer, now: int, limit: int) -> int:
    numbers, rows, as_of = _scored(connection, stored, now, limit)
    _save(connection, stored, numbers, rows, as_of, now)
    return len(numbers)


def _scored(connection: Connection, stored: StoredScorer, now: int, limit: int) -> tuple[list[int], list[dict[str, Any]], int]:
    """Rows of the queue, and a row of scores for everybody of the accounts in them."""
    as_of = scoring_moment(connection, now)
    numbers, names = rescore_queue.claim(connection, limit)
    stored_leads = read(connection, stored.scorer.model.funnel, names, as_of) if names else StoredLeads()
    # everybody of an account is scored anew: what a colleague does counts for all
    subjects, colleagues = stored_leads.to_score(stored_leads.people)
    rows = stored.rows(subjects, colleagues, as_of, [stored_leads.people[lead.lead_id].review_asked for lead in subjects])
    scored_ids = {lead.lead_id for lead in subjects}
    rows += [
        {"lead_id": name, "status": "opted_out" if person.opted_out else person.status}
        for name, person in stored_leads.people.items()
        if name not in scored_ids
    ]
    return numbers, rows, as_of


def _save(
    connection: Connection, stored: StoredScorer, numbers: list[int], rows: list[dict[str, Any]], as_of: int, now: int
) -> None:
    save_scores(connection, rows, model_id(connection, stored), as_of, now)
    rescore_queue.finish(connection, numbers)


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
