"""What a key may be for. Alone here, since who makes a key needs nothing of what answers with it."""

from __future__ import annotations

from typing import Literal, get_args

KeyScope = Literal["score", "write", "admin"]
SCOPES: tuple[KeyScope, ...] = get_args(KeyScope)  # of keys; admin may do all
