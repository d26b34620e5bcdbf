"""What a matrix holds: which columns, under keys that say what each is made of, of which landmarks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.attributes.encoders import RARE, AttributeEncoder, AttributeKind
from features.dataset.funnel import Funnel
from features.engine.feature_set import FeatureSet
from features.engine.plan import Plan
from features.feature import Feature
from features.partitions.matrix import Block
from features.spec import Variety

POINTS = "points"


class Judge(Protocol):
    """What the rules say of landmarks: their features, a digest of the rules, and points (n,) from those features (features, n)
    and the values of attributes."""

    @property
    def features(self) -> tuple[Feature, ...]: ...

    @property
    def digest(self) -> str: ...

    def points(self, behaviour: Block, values: Callable[[str, str], Sequence[object]]) -> npt.NDArray[np.float64]: ...


@dataclass(frozen=True)
class Spec:
    """What the matrix holds: the columns of `feature_set`, then `extra` features, then the points of the `judge`."""

    feature_set: FeatureSet
    extra: tuple[Feature, ...]
    judge: Judge
    funnel: Funnel
    ages: tuple[float, ...]
    ended_only: bool = False  # as in `features.dataset.landmarks.landmarks`

    @cached_property
    def plan(self) -> Plan:
        return self.feature_set.plan(tuple(dict.fromkeys((*self.feature_set.features, *self.judge.features, *self.extra))))

    @property
    def width(self) -> int:
        """How many columns are the model's own."""
        return self.feature_set.attribute_columns + len(self.feature_set.features)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Keys of all columns: two columns with the same key hold the same numbers of the same landmarks."""
        roles = sorted((t, r) for t, r in zip(self.feature_set.types, self.feature_set.mail, strict=False) if r)
        away = self.feature_set.turning_away
        differences = [roles, sorted(away.types), sorted(away.never)] if away.types or away.never else roles
        base = hashlib.sha256(json.dumps(differences).encode()).hexdigest()[:8]
        attribute_keys = [key for encoder in self.feature_set.encoders for key in _encoder_keys(encoder)]
        types = frozenset(self.feature_set.types)
        behaviour = [f"{f.name}|{base}|{_types_of(f, types)}" for f in self.plan.features]
        rule_features = {f.name for f in self.judge.features}
        rules_hash = hashlib.sha256(
            json.dumps([self.judge.digest, [k for k in behaviour if k.split("|")[0] in rule_features]]).encode()
        )
        return (*attribute_keys, *behaviour, f"{POINTS}|{rules_hash.hexdigest()[:16]}")

    @property
    def model_columns(self) -> tuple[str, ...]:
        """What a model sees: its own columns, then the points."""
        columns = self.columns
        return (*columns[: self.width], columns[-1])

    def landmark_digest(self, extracted_at: int) -> str:
        """A digest of what landmarks and labels depend on, beside the bucket."""
        marks = ["spells", *(["ended"] if self.ended_only else [])]  # the first names how histories are judged
        content = json.dumps([asdict(self.funnel), list(self.ages), extracted_at, *marks])
        return hashlib.sha256(content.encode()).hexdigest()[:16]


# Which encoding of a kind a column holds, where another one was written under the same key before: partitions that hold the old
# one are computed anew.
_REVISIONS: dict[AttributeKind, str] = {"date": "|1900", "band": "|units"}


def _encoder_keys(encoder: AttributeEncoder) -> list[str]:
    revision = _REVISIONS.get(encoder.kind, "") + ("|century" if encoder.century else "")
    revision += f"|{json.dumps(encoder.levels)}" if encoder.kind == "level" else ""  # which place each has, it holds
    keys = []
    for name in encoder.names:
        suffix = f"|{json.dumps(sorted(encoder.levels))}" if name.endswith(f"={RARE}") else revision
        keys.append(f"{encoder.entity}.{encoder.column}|{encoder.kind}|{name}{suffix}")
    return keys


def _types_of(feature: Feature, types: frozenset[str]) -> str:
    """The interaction types a feature looks at, as far as the data have them; a change of them changes the feature."""
    if isinstance(feature, Variety):
        return ",".join(sorted(types))
    feature_types = {t for name in ("what", "of") if hasattr(feature, name) for t in getattr(feature, name).types}
    return ",".join(sorted(feature_types & types))
