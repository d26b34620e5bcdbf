"""The feature set of a model: its catalogue and attribute encoders, saved as JSON with a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from features.attributes.defaults import AttributeDefaults
from features.attributes.encoders import AttributeEncoder
from features.common.words import Language
from features.engine.plan import Plan
from features.feature import Feature, Part
from features.spec import Count, Decayed, feature_from_dict
from features.turning_away import BY_NAME, TurningAway


@dataclass(frozen=True)
class ColumnDescription:
    """One column of the feature matrix in words."""

    name: str
    group: str
    part: Part
    label: dict[Language, str]
    unit: dict[Language, str]


@dataclass(frozen=True)
class FeatureSet:
    """The columns of each attribute encoder first, then the features of the catalogue, in this order.

    `mail` (types,) is what each interaction type is to a mail (`features.engine.scanners.mail_roles`); empty lets scanners
    through. `turning_away` says which types speak against a lead.
    """

    features: tuple[Feature, ...]
    encoders: tuple[AttributeEncoder, ...]
    types: tuple[str, ...]
    mail: tuple[str, ...] = ()
    turning_away: TurningAway = BY_NAME

    @cached_property
    def names(self) -> tuple[str, ...]:
        return (*(name for e in self.encoders for name in e.names), *(f.name for f in self.features))

    @cached_property
    def attribute_defaults(self) -> AttributeDefaults:
        """The attribute columns of a lead nothing is known of."""
        return AttributeDefaults(self.encoders)

    @cached_property
    def attribute_columns(self) -> int:
        """How many columns the encoders make."""
        return sum(len(e.names) for e in self.encoders)

    def plan(self, features: Sequence[Feature]) -> Plan:
        """Features, its own or others, as they are computed with its interaction types."""
        return Plan(tuple(features), self.types, self.turning_away)

    @cached_property
    def lowering(self) -> npt.NDArray[np.bool_]:
        """Columns (columns,) that grow with acts of turning away and with nothing else: they may only lower a chance."""
        away = frozenset(self.turning_away.types)
        grows = [
            isinstance(f, (Count, Decayed))
            and (f.what.mark == "turned_away" or bool(f.what.types and away.issuperset(f.what.types)))
            for f in self.features
        ]
        return np.array([False] * self.attribute_columns + grows, bool)

    @cached_property
    def level_targets(self) -> npt.NDArray[np.int64]:
        """Of columns (columns,) that say which level a category has, the position of the target they are for; -1 of others."""
        attributes = [target if e.kind == "level" else -1 for e in self.encoders for target in range(len(e.names))]
        return np.array(attributes + [-1] * len(self.features), np.int64)

    @cached_property
    def column_descriptions(self) -> tuple[ColumnDescription, ...]:
        """What each column means, in the order of `names`."""
        columns = []
        for encoder in self.encoders:
            english, german = encoder.labels("en"), encoder.labels("de")
            unit: dict[Language, str] = {"en": encoder.unit_in("en"), "de": encoder.unit_in("de")}
            group = f"{encoder.entity}.{encoder.column}"
            columns += [
                ColumnDescription(name, group, "fit", {"en": english[i], "de": german[i]}, unit)
                for i, name in enumerate(encoder.names)
            ]
        for f in self.features:
            label: dict[Language, str] = {"en": f.label("en"), "de": f.label("de")}
            columns.append(ColumnDescription(f.name, f.group, f.part, label, {"en": f.unit("en"), "de": f.unit("de")}))
        return tuple(columns)

    def to_dict(self) -> dict[str, Any]:
        away = {"turning_away": self.turning_away.to_dict()} if self.turning_away != BY_NAME else {}
        return {
            "types": list(self.types),
            "mail": list(self.mail),
            **away,
            "features": [f.to_dict() for f in self.features],
            "encoders": [e.to_dict() for e in self.encoders],
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> FeatureSet:
        """The way back from `to_dict`.

        Raises
        ------
        ModelError
            for a kind of feature that this Ripeline does not know.
        """
        return cls(
            tuple(feature_from_dict(f) for f in saved["features"]),
            tuple(AttributeEncoder.from_dict(e) for e in saved["encoders"]),
            tuple(saved["types"]),
            tuple(saved["mail"]),
            TurningAway.from_dict(saved["turning_away"]) if "turning_away" in saved else BY_NAME,
        )

    @cached_property
    def checksum(self) -> str:
        """SHA-256 over the definition: another catalogue, another encoder, another order all change it."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()
