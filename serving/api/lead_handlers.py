"""What is answered about stored leads: a method for each. What is asked blocks, and is run in threads by the routes of
`serving/api/leads.py`; what comes in waits with others for one transaction."""

from __future__ import annotations

from collections.abc import Callable
from io import TextIOWrapper
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from starlette.concurrency import run_in_threadpool

from features.common.clock import NO_MOMENT
from features.common.words import Language
from models.decision.review import with_request
from serving.api import decision
from serving.api.lead_requests import (
    change_of,
    events_of,
    language_of,
    list_query,
    moment_of,
    version_of,
    whole_number,
    withdrawn_of,
)
from serving.api.responses import ready
from serving.common.clock import Clock
from serving.http.direct import INLINE_BYTES
from serving.http.errors import RefusedError, quote, refuse
from serving.schemas.answer import Result
from serving.schemas.leads import (
    DataUsed,
    Decision,
    Erasure,
    HumanReview,
    InteractionsAnswer,
    LeadStageHistory,
    LeadStageWithdrawn,
    LeadWritten,
    RecordedLeadStage,
    RefusedEvent,
    ScoreHistory,
    StoredScore,
    Why,
    WhySide,
)
from serving.schemas.requests import MOST_REASONS
from serving.schemas.score import ModelName
from serving.scoring.request import closed_result, microseconds, opted_out_result, time_of
from serving.scoring.scorer import Scorer
from serving.store import history, interactions, lead_stages, lead_writes, why, work_list
from serving.store.erase import erase
from serving.store.group_commit import Task
from serving.store.lead_reads import Person, StoredLeads, read
from serving.store.request import as_request
from serving.store.scoring import StoredScorer
from serving.store.store import Store

MOST_HISTORY = 1_000
MOST_LINES = 200
SPOOLED_BYTES = 2**20  # of a list as CSV that are held in memory; a longer one lies on disk


class Leads:
    """The answers."""

    def __init__(self, provide: Callable[[], Scorer | None], store: Store, clock: Clock, contact: str | None = None) -> None:
        self._provide, self.store, self._clock, self._contact = provide, store, clock, contact
        self._stored: StoredScorer | None = None

    @property
    def now(self) -> int:
        return microseconds(self._clock())

    async def add_interactions(self, body: bytes) -> tuple[InteractionsAnswer, list[str]]:
        """Interactions come in, idempotent by event_id; the answer, and whom they are about."""
        now = self.now
        if len(body) < INLINE_BYTES:
            events, refused, personal = events_of(body, self.store.ids, now)
        else:
            events, refused, personal = await run_in_threadpool(events_of, body, self.store.ids, now)
        if not events:
            raise _all_refused(refused)
        outcome: interactions.IngestResult = await self.store.live(interactions.Batch(list(events.values()), now))
        if outcome.added > outcome.waiting:
            self.store.wake.set()
        if outcome.refused:
            places = list(events)
            for number, detail in outcome.refused.items():
                index = places[number]
                event = events[index]
                refused.append(
                    RefusedEvent(
                        place=index, event_id=event.event_id, lead_id=event.lead_id, detail=detail,
                        field=f"/interactions/{index}/event_id",
                    )
                )  # fmt: skip
        answer = InteractionsAnswer(
            received=outcome.added + outcome.duplicates + outcome.erased + len(refused), new=outcome.added,
            known=outcome.duplicates, waiting=outcome.waiting, erased=outcome.erased, personal=personal,
            refused=sorted(refused, key=lambda refusal: refusal.place),
        )  # fmt: skip
        return answer, list(dict.fromkeys(event.lead_id for event in events.values()))

    async def write_lead(self, lead_id: str, body: bytes, if_match: str | None, if_none_match: str | None) -> LeadWritten:
        """What is known of a lead: an upsert, with optimistic locking where `If-Match` is sent."""
        scorer, now = self._provide(), self.now
        funnel = scorer.model.funnel if scorer else None
        change, left_out = await run_in_threadpool(change_of, body, lead_id, self.store.ids, funnel, now)
        expected, create_only = version_of(if_match), (if_none_match or "").strip() == "*"

        def work(connection: Any) -> lead_writes.WriteResult:
            return lead_writes.write_lead(
                connection, change, now, self.store.erased, expected=expected, create_only=create_only
            )

        outcome = await self.store.live(Task(work, change.lead_id, now))
        if outcome.changed:
            self.store.wake.set()
        return LeadWritten(
            lead_id=change.lead_id, version=outcome.version, created=outcome.created, changed=outcome.changed, left_out=left_out
        )

    def lead_stages(self, lead_id: str, parameters: dict[str, str]) -> LeadStageHistory:
        """The recorded lead stages, what was taken back among them."""
        name = self.store.ids(lead_id)
        with self.store.read() as connection:
            rows = lead_stages.records(connection, name)
        recorded = [
            RecordedLeadStage(
                lead_stage=row.lead_stage, at=time_of(row.at), received_at=time_of(row.received_at),
                withdrawn_at=None if row.withdrawn_at is None else time_of(row.withdrawn_at), withdrawn_by=row.withdrawn_by,
            )
            for row in rows
        ]  # fmt: skip
        return LeadStageHistory(lead_id=name, lead_stages=recorded)

    async def withdraw_lead_stage(self, lead_id: str, parameters: dict[str, str], key: str | None) -> LeadStageWithdrawn:
        """Take back a lead stage that was recorded by mistake."""
        name, now = self.store.ids(lead_id), self.now
        lead_stage, at = withdrawn_of(parameters)

        def work(connection: Any) -> tuple[int, bool]:
            return lead_stages.withdraw(connection, name, lead_stage, at, key, now)

        version, changed = await self.store.live(Task(work, name, now))
        if changed:
            self.store.wake.set()
        return LeadStageWithdrawn(lead_id=name, version=version, changed=changed)

    def erase(self, lead_id: str) -> Erasure:
        """Everything of a lead goes."""
        erasure = erase(self.store, lead_id, self.now)
        return Erasure(deleted=erasure.deleted, left={**erasure.remaining, **erasure.files})

    def request(self, lead_id: str) -> tuple[dict[str, Any], int]:
        """A lead with its colleagues as `POST /v1/score` takes it, and its version."""
        scorer = self._scorer()
        with self.store.read() as connection:
            stored_leads = read(connection, scorer.model.funnel, [self.store.ids(lead_id)], None, now=self.now)
        person = self._person(stored_leads, lead_id)
        return as_request(stored_leads, person, stored_leads.as_of), person.version

    def score(self, lead_id: str, parameters: dict[str, str]) -> StoredScore:
        """A lead's score at a moment."""
        language, reasons = language_of(parameters), whole_number(parameters, "reasons", 5, MOST_REASONS)
        scorer, stored_leads, person, as_of = self._load_lead(lead_id, parameters)
        result = self._result(scorer, stored_leads, person, as_of, reasons, language)
        return StoredScore(model=_model(scorer), as_of=time_of(as_of), result=result, human_review=_review(result, person))

    def decision(self, lead_id: str, parameters: dict[str, str]) -> Decision:
        """What somebody may be told who asks."""
        language = language_of(parameters)
        scorer, stored_leads, person, as_of = self._load_lead(lead_id, parameters)
        result = self._result(scorer, stored_leads, person, as_of, 10, language)
        review = _review(result, person)
        advice = result.recommendation
        colleagues = [member.live for name, member in stored_leads.people.items() if name != person.live.lead_id]
        change = decision.would_change(scorer, person.live, colleagues, as_of, language) if advice else []
        not_scored = decision.phrase(result.status, language) if result.status in ("closed", "opted_out") else ""
        return Decision(
            lead_id=person.live.lead_id,
            as_of=time_of(as_of),
            status=result.status,
            model=_model(scorer),
            logic=decision.phrase("logic", language, final=scorer.model.funnel.final),
            recommendation=advice.why if advice else not_scored or None,
            action=advice.action if advice else None,
            human_review=review,
            review=decision.review_in_words(list(review.reasons), language),
            data_used=DataUsed.model_validate(decision.data_used(person, stored_leads)),
            reasons=decision.reasons_in_words(result, language),
            rules=decision.rules_in_words(result, language),
            would_change=change,
            contact=self._contact,
        )

    def scores(self, lead_id: str, parameters: dict[str, str]) -> ScoreHistory:
        """The recorded scores."""
        name, limit = self.store.ids(lead_id), whole_number(parameters, "limit", 100, MOST_HISTORY)
        with self.store.read() as connection:
            if not history.lead_exists(connection, name):
                raise _unknown_lead(lead_id)
            rows = history.recent_scores(connection, name, limit)
        for row in rows:
            row.update({column: time_of(row[column]) for column in ("as_of", "scored_at")})
        return ScoreHistory.model_validate({"lead_id": name, "scores": rows})

    def changed(self, lead_id: str, parameters: dict[str, str]) -> Why:
        """Why a score changed."""
        name, now, language = self.store.ids(lead_id), self.now, language_of(parameters)
        begin, end = moment_of(parameters, "from", now), moment_of(parameters, "to", now)
        stored = self._current()
        with self.store.read() as connection:
            if not history.lead_exists(connection, name):
                raise _unknown_lead(lead_id)
            end_side = self._side(connection, stored, name, now if end is None else end)
            earlier = None if begin is not None else why.recorded(connection, name, end_side.as_of, cutoff=end_side.as_of)
            if begin is None and earlier is None:
                raise refuse(404, "Not found", "There is one score of this lead so far: name a moment with `from`.")
            start_side = earlier or self._side(connection, stored, name, begin or 0)
            if start_side.as_of > end_side.as_of:
                raise refuse(422, "Invalid request", "`from` lies after `to`.", field="/from")
            steps = why.steps(
                connection, stored, name, start_side, end_side, whole_number(parameters, "lines", 20, MOST_LINES), language
            )
        return Why.model_validate({"lead_id": name, "before": _side(start_side), "after": _side(end_side), "steps": steps})

    def page(self, parameters: dict[str, str]) -> dict[str, Any]:
        """A page of the work list (pagination by limit and offset), as `work_list.Page` has it."""
        question = list_query(parameters)
        with self.store.read() as connection:
            return vars(work_list.page(connection, question, self.now))

    def csv(self, parameters: dict[str, str]) -> tuple[IO[bytes], int, list[str]]:
        """All rows of the work list that fit, as a file of CSV at its beginning, its size, and whom it is about. The database
        is done with when this returns, however slowly the file is sent: it lies on disk, without a name."""
        question = list_query(parameters)
        file = SpooledTemporaryFile(SPOOLED_BYTES)  # noqa: SIM115  closed by who sends it
        text = TextIOWrapper(file, encoding="utf-8", newline="")
        with self.store.read() as connection:
            lead_ids = work_list.write_csv(connection, question, text)
        text.flush()
        text.detach()
        size = file.tell()
        file.seek(0)
        return file, size, lead_ids

    def _scorer(self) -> Scorer:
        return ready(self._provide)

    def _current(self) -> StoredScorer | None:
        scorer = self._provide()
        if scorer is not None and (self._stored is None or self._stored.scorer is not scorer):
            self._stored = StoredScorer(scorer)
        return self._stored if scorer is not None else None

    def _person(self, stored_leads: StoredLeads, lead_id: str) -> Person:
        person = stored_leads.people.get(self.store.ids(lead_id))
        if person is None or person.status == "not_yet":
            raise _unknown_lead(lead_id)
        return person

    def _load_lead(self, lead_id: str, parameters: dict[str, str]) -> tuple[Scorer, StoredLeads, Person, int]:
        scorer, now = self._scorer(), self.now
        as_of, known_at = moment_of(parameters, "as_of", now), moment_of(parameters, "known_at", now)
        until = NO_MOMENT if known_at is None else known_at
        with self.store.read() as connection:
            stored_leads = read(connection, scorer.model.funnel, [self.store.ids(lead_id)], as_of, known_at=until, now=now)
        return scorer, stored_leads, self._person(stored_leads, lead_id), stored_leads.as_of

    def _result(
        self, scorer: Scorer, stored_leads: StoredLeads, person: Person, as_of: int, reasons: int, language: Language
    ) -> Result:
        name = person.live.lead_id
        if person.opted_out:
            return opted_out_result(name)
        if person.status == "closed":
            return closed_result(name, person.lead_stage)
        subjects, colleagues = stored_leads.to_score([name])
        return scorer.score(subjects, as_of, reasons, language, colleagues)[0]

    def _side(self, connection: Any, stored: StoredScorer | None, name: str, moment: int) -> why.Side:
        """The score recorded last by a moment, else worked out from what was known then, or where that was nothing because
        the lead was not here yet, from what is known now."""
        recorded = why.recorded(connection, name, moment)
        if recorded is not None:
            return recorded
        first_received = history.first_received(connection, name)
        known_at = moment if first_received is not None and first_received <= moment else self.now
        computed = why.rescore(connection, stored, name, moment, known_at) if stored else None
        if computed is None:
            raise refuse(404, "Not found", f"This lead had no score at {time_of(moment).isoformat()}.")
        return computed.side


def _unknown_lead(lead_id: str) -> RefusedError:
    return refuse(404, "Not found", f"No lead {quote(lead_id)} is known then.", lead=lead_id[:200])


def _all_refused(refused: list[RefusedEvent]) -> RefusedError:
    first_refusal = refused[0]
    detail = first_refusal.detail if len(refused) == 1 else f"All {len(refused)} are invalid; the first: {first_refusal.detail}"
    return refuse(422, "Invalid request", detail, field=first_refusal.field)


def _model(scorer: Scorer) -> ModelName:
    model = scorer.model
    return ModelName(name=model.name, version=model.version, trained_at=model.trained_at)


def _review(result: Result, person: Person) -> HumanReview:
    reasons = with_request(result.human_review or [], person.review_asked)
    return HumanReview.model_validate({"needed": bool(reasons), "reasons": reasons})


def _side(side: why.Side) -> WhySide:
    return WhySide(
        as_of=time_of(side.as_of), recorded=side.recorded, model=side.model, version=side.version,
        lead_stage=side.lead_stage, chance=side.chance, next_chance=side.next_chance,
    )  # fmt: skip
