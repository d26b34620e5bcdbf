"""The paths of a lead's calls. Alone here, since the store refuses ids that end like one and needs nothing of what answers."""

from __future__ import annotations

LEAD = "/v1/leads/{lead_id:path}"
LEAD_CALLS = frozenset({"score", "scores", "why", "decision", "lead_stages"})  # what may follow an id in a path
