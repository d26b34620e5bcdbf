"""A client that takes for ever, in a worker that imports next to nothing."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """As `ClientJob`; a worker gets nothing of it but the folder."""

    config: Any
    folder: Path
    tracking: str | None = None
    force: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Job, (None, self.folder)


def stay(job: Job) -> None:
    """As `train_client`, but it leaves the number of its process and stays."""
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "pid").write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)
