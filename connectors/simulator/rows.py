"""Collects interactions piece by piece, as codes, and makes the table of them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from connectors.simulator.clock import times
from connectors.simulator.kinds import Array
from connectors.simulator.vocabulary import CONTENTS, OUTBOUND, TOPICS, TYPE, TYPES

_DTYPES = {"lead": np.int32, "type": np.int8, "at": np.int64, "value": np.float64, "content": np.int16, "campaign": np.int16}
_IS_OUTBOUND = np.array([name in OUTBOUND for name in TYPES])


class Rows:
    """Interactions so far. Codes are indices into TYPES, CONTENTS and `campaigns`; -1 is none."""

    def __init__(self, campaigns: tuple[str, ...]) -> None:
        self.campaigns = (*campaigns, *(f"nurture-{topic}" for topic in TOPICS))
        self._pieces: dict[str, list[Array]] = {name: [] for name in (*_DTYPES, "bot")}

    def nurture(self, topic: Array) -> Array:
        """The campaign codes of the nurturing mails on these topics."""
        return topic + (len(self.campaigns) - len(TOPICS))

    def add(
        self,
        kind: str | Array,
        lead: Array,
        moments: Array,
        *,
        value: Array | float = np.nan,
        content: Array | int = -1,
        campaign: Array | int = -1,
        bot: bool = False,
    ) -> None:
        """Add interactions of one type (its name) or of several (their codes); arrays of one shape."""
        columns = {"lead": lead, "at": moments, "value": value, "content": content, "campaign": campaign}
        columns["type"] = TYPE[kind] if isinstance(kind, str) else kind
        for name, dtype in _DTYPES.items():
            self._pieces[name].append(np.broadcast_to(np.asarray(columns[name], dtype=dtype), moments.shape))
        self._pieces["bot"].append(np.full(moments.shape, bot))

    def table(self, lead_ids: pd.Index, end: int) -> tuple[pd.DataFrame, Array]:
        """The interactions before that moment (µs since 1970), by time, and which of them a mail scanner made."""
        columns = {name: np.concatenate(pieces) for name, pieces in self._pieces.items()}
        self._pieces.clear()
        kept_rows = np.flatnonzero(columns["at"] < end)
        order = kept_rows[np.lexsort((columns["type"][kept_rows], columns["lead"][kept_rows], columns["at"][kept_rows]))]
        bots = columns.pop("bot")[order]
        sorted_ = {name: values[order] for name, values in columns.items()}
        frame = pd.DataFrame(
            {
                "lead_id": pd.Categorical.from_codes(sorted_["lead"], lead_ids),
                "type": pd.Categorical.from_codes(sorted_["type"], pd.Index(TYPES)),
                "at": times(sorted_["at"]),
                "value": sorted_["value"],
                "content": pd.Categorical.from_codes(sorted_["content"], pd.Index(CONTENTS)),
                "campaign": pd.Categorical.from_codes(sorted_["campaign"], pd.Index(self.campaigns)),
                "direction": pd.Categorical.from_codes(_IS_OUTBOUND[sorted_["type"]].astype(np.int8), pd.Index(["in", "out"])),
            }
        )
        return frame, bots
