"""What a kind of export is: the headers by which it is recognised and what its columns mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from features.attributes.date_text import Order

Table = Literal["leads", "companies", "interactions", "deals", "lead_stages"]
Names = tuple[str, ...]
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ł": "l", "ø": "o"})

DATE_ORDERS: Mapping[str, Order] = {"hubspot": "mdy"}  # Salesforce's reports follow the locale of their user
NO_HISTORY = "when lead stages were reached: without it nothing can be learned but from the last status"
NO_ACTS = "interactions: scores would rest on attributes alone"
NO_CHANGES = "earlier values of attributes: they are taken as they were at the export, and the audit watches for late ones"


def fold(header: str) -> str:
    """A header without what spellings differ in.

    >>> fold("\\ufeffPerson - Name*"), fold("E-Mail-Adresse"), fold("marketoGUID"), fold("Größe"), fold("Créé le")
    ('person name', 'e mail adresse', 'marketoguid', 'groesse', 'cree le')
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", header).casefold().translate(_UMLAUTS))
    return " ".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))


def squash(header: str) -> str:
    """`fold` without the spaces: the label, the API's name and the name in a warehouse are one.

    >>> {squash(h) for h in ("Created Date", "CreatedDate", "CREATED_DATE", "created-date")}
    {'createddate'}
    """
    return fold(header).replace(" ", "")


@dataclass(frozen=True, eq=False)
class Export:
    """One kind of file. `table` None: it is recognised, and `unused` says why nothing is mapped from it.

    `signature`: headers of which it has all of at least one line; `against`: headers that it never has; `stems`: what the
    vendor calls the file. `columns`: ours ← theirs, the first that is about as filled as the fullest counts; `dates`: lead
    stage ← header of the day it was reached (of the lead of a deal, where the file holds deals); `outcome`: lead stage and day
    of a deal's lead, where a column of the deal's stage says it; `exclude`: what knows the outcome. `only`: header → values of
    the rows that count; `values`: column of ours → their value, folded → ours.
    """

    crm: str
    title: str
    table: Table | None
    signature: tuple[Names, ...] = ()
    columns: Mapping[str, Names] = field(default_factory=dict)
    dates: Mapping[str, Names] = field(default_factory=dict)
    companies: Mapping[str, Names] = field(default_factory=dict)
    outcome: Mapping[str, Names] = field(default_factory=dict)
    exclude: Names = ()
    gaps: Names = ()
    against: Names = ()
    stems: Names = ()
    unused: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    only: Mapping[str, Names] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)

    @property
    def date_order(self) -> Order | None:
        """How the vendor writes dates under English headers, where it does not leave that to the user."""
        return DATE_ORDERS.get(self.crm)

    @property
    def headers(self) -> set[str]:
        """Every header this kind is known to have, squashed."""
        lines = (
            *self.signature,
            *self.columns.values(),
            *self.dates.values(),
            *self.companies.values(),
            *self.outcome.values(),
        )
        return {squash(h) for names in (*lines, self.exclude, tuple(self.only)) for h in names}
