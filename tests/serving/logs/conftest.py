"""What tests of the audit log begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from serving.logs.audit_log import AuditLog
from tests.serving.logs.trails import event


@pytest.fixture
def trail(tmp_path: Path) -> AuditLog:
    """Five lines about five leads and one whom all name."""
    one = AuditLog(tmp_path / "audit", pause=0.02)
    for number in range(5):
        assert one.append([event(f"L-{number}", "L-common", request_id=f"r-{number}")])
    return one
