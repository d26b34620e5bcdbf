"""The pipelines of a HubSpot as it describes them."""

from __future__ import annotations

from typing import Any


def _stages(*stages: tuple[str, str, str, str]) -> list[dict[str, Any]]:
    return [
        {"id": i, "label": label, "displayOrder": n, "metadata": {"isClosed": closed, "probability": p}}
        for n, (i, label, closed, p) in enumerate(stages)
    ]


PIPELINES = {
    "deals": {
        "id": "default",
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "stages": _stages(
            ("appointmentscheduled", "Appointment scheduled", "false", "0.2"),
            ("contractsent", "Contract sent", "false", "0.9"),
            ("closedwon", "Closed won", "true", "1.0"),
            ("closedlost", "Closed lost", "true", "0.0"),
        ),
    },
    "leads": {
        "id": "lead-pipeline-id",
        "label": "Lead pipeline",
        "displayOrder": 0,
        "stages": _stages(
            ("new-stage-id", "New", "false", "0"),
            ("qualified-stage-id", "Qualified", "true", "0"),
            ("unqualified-stage-id", "Unqualified", "true", "0"),
        ),
    },
}
