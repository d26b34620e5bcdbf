"""A lead of whom nothing is known, as the engine's attribute columns: only what is known has to be encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

import numpy as np

from features.attributes.encoders import AttributeEncoder, Entity

_BY_POSITION = itemgetter(0)


class AttributeDefaults:
    """The columns of a lead nothing is known of, and where each encoder's begin: only what is known must be encoded."""

    def __init__(self, encoders: Sequence[AttributeEncoder], dtype: type[np.floating] = np.float32) -> None:
        ends = np.cumsum([0, *(len(e.names) for e in encoders)]).tolist()
        scratch = np.empty(ends[-1])
        for encoder, begin in zip(encoders, ends[:-1], strict=True):
            encoder.encode_one(None, 0, scratch, begin)
        self.values = scratch.astype(dtype)
        self._encoders = list(zip(encoders, ends[:-1], ends[1:], strict=True))
        self._positions: dict[Entity, dict[str, list[int]]] = {"lead": {}, "company": {}}
        for position, encoder in enumerate(encoders):
            self._positions[encoder.entity].setdefault(encoder.column, []).append(position)

    def known_values(
        self, attributes: Mapping[str, object], company: Mapping[str, object]
    ) -> list[tuple[object, AttributeEncoder, int, int]]:
        """Value, encoder, and from where to where its columns go, for each that has something to encode, in their order."""
        of_lead, of_company = self._positions["lead"], self._positions["company"]
        entries = [(p, value) for name, value in attributes.items() if value is not None for p in of_lead.get(name, ())]
        entries += [(p, value) for name, value in company.items() if value is not None for p in of_company.get(name, ())]
        entries.sort(key=_BY_POSITION)
        return [(value, *self._encoders[position]) for position, value in entries]
