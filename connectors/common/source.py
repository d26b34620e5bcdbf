"""What every `source:` of a configuration has."""

from __future__ import annotations

from features.common.settings import Settings


class SourceSettings(Settings):
    """The base of `source: {kind: …}`; each kind has a class of its own beside its connector."""

    kind: str
