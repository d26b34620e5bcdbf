"""What of a CRM means what: the settings by which a landing becomes a dataset."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from connectors.crm.settings import CrmSource

Stages: TypeAlias = Mapping[str, Mapping[str, str | None]]


def plain(name: str) -> str:
    """A vendor's name as one of ours.

    >>> plain("Fill Out Form"), plain("CONVERSATIONAL_EMAIL")
    ('fill_out_form', 'conversational_email')
    """
    return re.sub(r"[^0-9a-zà-ÿ]+", "_", name.casefold()).strip("_") or "other"


@dataclass(frozen=True)
class CrmMapping:
    """What of a CRM becomes what: vendor's column per column of ours, our type per type of theirs (None: left out), and per
    field of theirs the lead stage that a value means (None: none). Fields of a deal begin with "deal.".

    `excluded_columns`: vendor's columns that are no attributes: they know the outcome, or are our own scores. `opted_out`:
    fields whose history says when somebody opted out. `default_type`: our type for one of theirs that `interactions` does not
    name. `lookups`: a column of leads that stands in another landed table: (table, its column of the person, its column); the
    first counts. `companies_on_people`: the CRM has no companies of its own, what is known of one stands on its people.
    `exits`: the lead stages that are exits of the funnel. `present`: of a table ("leads", "companies") the vendor's fields that
    there are today; a landed column of another is none. `recorded`: of a table the fields whose changes the vendor tells, None
    where nobody says; `recorded_by_changes`: a field has a history only if its changes, or "any" ones, came early enough.
    `history_remedy`: how the customer gets one. `stages_from_creation`: stage fields of people of which changes alone are
    recorded, so that a value without any is as old as its lead.
    """

    leads: Mapping[str, str]
    companies: Mapping[str, str]
    interactions: Mapping[str, str | None] = field(default_factory=dict)
    stages: Stages = field(default_factory=dict)
    excluded_columns: frozenset[str] = frozenset()
    opted_out: tuple[str, ...] = ()
    companies_on_people: bool = False
    lookups: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    default_type: Callable[[str], str | None] = plain
    exits: frozenset[str] = frozenset()
    present: Mapping[str, Collection[str]] = field(default_factory=dict)
    recorded: Mapping[str, Collection[str]] | None = None
    recorded_by_changes: Literal["", "field", "any"] = ""
    history_remedy: str = ""
    stages_from_creation: frozenset[str] = frozenset()

    @classmethod
    def of_source(
        cls, source: CrmSource, stages: Stages, interactions: Mapping[str, str | None], excluded: Set[str], **fields: Any
    ) -> CrmMapping:
        """What the vendor's usual `interactions` and `excluded` columns become with what the configuration says."""
        return cls(
            source.leads,
            source.companies,
            {**interactions, **source.interactions},
            stages,
            frozenset(excluded | set(source.exclude)),
            **fields,
        )


@dataclass(frozen=True)
class StageValue:
    """A value of a stage field as the data have it: its label on the vendor's screens, what the vendor says it means ("won",
    "lost" or ""), and how many records ever had it.
    """

    field: str
    value: str
    label: str
    meaning: str
    records: int
