"""Shadow deployment: the challenger scores what the champion answered, after the answer has gone, and both are written down.

Leads are numbered as they stand in the request, not named: the request id leads to who asked, and only there to the lead.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram

from features.common.errors import RipelineError
from serving.scoring.answer import Answer
from serving.scoring.request import Parsed
from serving.scoring.scorer import Scorer

MAX_LEADS = 100  # leads of a request that are compared
CHANGES = (-0.2, -0.1, -0.05, -0.02, -0.005, 0.005, 0.02, 0.05, 0.1, 0.2)


class Shadow:
    """The challenger beside the champion. One request at a time: what comes meanwhile is counted, not queued."""

    def __init__(self, provide: Callable[[], Scorer | None], write: Callable[[str], None], registry: CollectorRegistry) -> None:
        self._provide, self._write = provide, write
        self._busy = threading.Lock()
        self._requests = Counter("ripeline_shadow_requests", "Requests by what the shadow did", ("what",), registry=registry)
        self._change = Histogram(
            "ripeline_shadow_change",
            "Chance of the final lead stage by the challenger, less that by the champion",
            buckets=CHANGES,
            registry=registry,
        )

    @property
    def enabled(self) -> bool:
        return self._provide() is not None

    def compare(self, champion: Scorer, parsed: Parsed, answer: Answer, request_id: str | None) -> None:
        """Score the leads that were scored again and write both down. Never raises: nobody waits for it."""
        challenger = self._provide()
        if challenger is None or not parsed.leads:
            return
        if not self._busy.acquire(blocking=False):
            self._requests.labels("skipped").inc()
            return
        try:
            self._compare(champion, challenger, parsed, answer, request_id)
        except (RipelineError, ValueError, ArithmeticError, LookupError) as error:
            self._requests.labels("failed").inc()
            self._write(json.dumps({"event": "shadow", "request_id": request_id, "failed": type(error).__name__}))
        finally:
            self._busy.release()

    def _compare(self, champion: Scorer, challenger: Scorer, parsed: Parsed, answer: Answer, request_id: str | None) -> None:
        if challenger.model.funnel.stages != champion.model.funnel.stages:
            self._requests.labels("other funnel").inc()
            return
        leads, colleagues = parsed.leads[:MAX_LEADS], [*parsed.leads[MAX_LEADS:], *parsed.context]
        scored = challenger.scored(leads, parsed.as_of, language=parsed.language, context=colleagues)
        final = champion.model.funnel.final
        rows = []
        for index, lead in zip(parsed.places, scored.each([lead.lead_id for lead in leads]), strict=False):
            result = answer.results[index]
            chances = [result["probabilities"][final]["value"], lead.chance]
            self._change.observe(chances[1] - chances[0])
            actions = [result["recommendation"]["action"], lead.advice.action]
            rows.append({"lead": index, "chance": chances, "score": [result["score"], lead.score], "action": actions})
        self._requests.labels("compared").inc()
        line = {
            "event": "shadow",
            "request_id": request_id,
            "champion": champion.model.version,
            "challenger": challenger.model.version,
            "leads": rows,
        }
        self._write(json.dumps(line))
