"""What says what time it is: handed in, so that a test can say another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

Clock = Callable[[], datetime]
