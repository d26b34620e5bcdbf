"""Acts of turning away: interactions that speak against a lead, such as an unsubscribe, a bounce or "no interest".

Nobody shows interest by them, so they stay out of every count of activity, and what is made of them may only lower a chance.
Which types they are is read from their names, in English and German; the configuration adds types and takes some out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["refusal", "bounce"]

_CAMEL = re.compile(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])|(?<=[A-ZÄÖÜ])(?=[A-ZÄÖÜ][a-zäöüß])")
_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})

# a person's or a salesperson's no, whatever else the name says
_REFUSALS = (
    r"unsubscri\w*|\bun subscri\w*|\bunsub(?:s|bed)?\b",
    r"\b(?:e?mail|sms|newsletter|marketing)?opt(?:ed|ing|s)? ?outs?\b",
    r"abbestell\w*|widerspr(?:uch|ueche|ochen)\b|widerrufe?n?\b",
    r"\b(?:consent|permission|opt(?:ed)? ?in) (?:\w+ )?(?:revoked?|withdraw\w*|withdrew|denied|refused)\b",
    r"\b(?:einwilligung|zustimmung) (?:\w+ )?(?:entzogen|zurueckgezogen|verweigert)\b",
    r"\b(?:revoked?|withdraw\w*|withdrew|denied|refused) (?:\w+ )?(?:consent|permission)\b",
    r"\bspam ?(?:report\w*|complain\w*|beschwerden?|meldung(?:en)?|gemeldet|markiert)\b|\babuse ?(?:report\w*|complain\w*)",
    r"\b(?:report(?:ed)?|mark(?:ed)?|flag(?:ged)?|gemeldet|markiert) (?:as |als |for )?spam\b",
    r"\bdis ?qualif\w*|\b(?:un|not |nicht )qualifi(?:ed|ziert)\b",
    r"\bnot ?interested\b|\b(?:no|lost|kein) ?interes(?:t|se)\b|\bnicht (?:mehr )?interessiert\b",
    r"\b(?:un|dis)interested\b|\b(?:uninteressiert|desinteresse)\b",
    r"\b(?:do ?not|don ?t) ?(?:call|contact|e ?mail|mail|phone|text|disturb|solicit)\b|\bdnc\b",
    r"\bnicht (?:mehr )?(?:anrufen|kontaktieren|anschreiben|anmailen|stoeren)\b",
    r"\bkeine (?:werbung|anrufe|e ?mails?|mails|newsletter|kontaktaufnahme)\b",
    r"\b(?:werbe|kontakt|anruf|telefon|mail|newsletter) ?(?:sperre|verbot|stopp)\b",
    r"\b(?:black|block) ?listed\b|\b(?:black|block|sperr|robinson) ?list[e]?\b",
)
_BOUNCES = (
    r"\b(?:hard|soft|e?mail|newsletter) ?bounc(?:e[ds]?|ing)\b",
    r"\bundeliver(?:ed|able)\b|\bnot deliver(?:ed|able)\b|\bdelivery (?:fail\w*|error)|\bfailed delivery\b",
    r"\bunzustellbar\w*|\bnicht zu(?:stellbar|gestellt)\b|\bzustell(?:ung )?fehl\w*|\bruecklaeufer\b",
)
# words that say so only about a mail, a list or a lead: then nothing else stands beside them, or a word of mails does
_OF_MAIL = re.compile(
    r"\b(?:bounc(?:e[ds]?|ing)|spam|complain(?:t|ts|ed)|beschwerden?|beschwert"
    r"|(?:e?mail|newsletter)?abmeld(?:ung|ungen|en|er)|abgemeldet|ausgetragen|austragung(?:en)?)\b"
)
_BOUNCE_OF_MAIL = re.compile(r"\bbounc")
_OF_SALES = re.compile(r"\b(?:reject(?:ed|ion|ions)?|declined?|refused|abgelehnt|ablehnung(?:en)?|(?:ab|zurueck)gewiesen)\b")
_MAIL = frozenset(
    re.findall(
        r"\w+", "mail mails email emails newsletter newsletters mailing mailings verteiler sms abo abonnement subscription"
    )
)
_BESIDE = frozenset(
    re.findall(
        r"\w+",
        "a an the as at by for from in is of on to was has been got event status type user list message address campaign "
        "am als aus bei der die das den dem durch fuer hat im sich vom von wurde zum zur typ liste nachricht adresse kampagne "
        "marketing hard soft block permanent temporary transient technical lead leads contact kontakt person prospect "
        "recipient empfaenger hubspot marketo salesforce pardot pipedrive mailchimp mailjet sendgrid brevo klaviyo",
    )
)
_SALES = frozenset(re.findall(r"\w+", "sales vertrieb mql sql sal sdr bdr ae rep team account executive manager crm"))
# to look at a way out is not to take it, and a number about mails is no act
_LOOKING = re.compile(
    r"\b(?:view\w*|visit\w*|seen|shown|displayed|preview\w*|impressions?|angesehen|angezeigt|besucht|aufruf\w*|aufgerufen"
    r"|rates?|quote|filter\w*|checks?|score|policy|faq)\b|\b(?:page|seite|link|form|formular)$"
)
_NEGATED = re.compile(r"\b(?:not|never|no|non|nicht|nie|kein|keine|anti|without|ohne) $")
_UNDOING = re.compile(r"\b(?:undo|undone|revert(?:ed)?|lift(?:ed)?|cancel(?:led|ed)?|revoked?|removed?) (?:the |an? )?$")
_UNDONE = re.compile(
    r"^(?: (?:was|is|has|been|wurde|flag|status|request|again|wieder))* (?:undone|undo|revert(?:ed)?|reversed|restored|lifted"
    r"|cleared|cancell?ed|revoked|withdrawn|removed|resolved|aufgehoben|rueckgaengig|zurueckgenommen|zurueckgezogen|widerrufen"
    r"|storniert|geloescht)\b"
)


@lru_cache(maxsize=4_096)
def turning_away(type_name: str) -> Kind | None:
    """How an interaction type turns away, by its name: "refusal", "bounce" (hard or soft), or not at all.

    Case, umlauts, and whether words are parted by a sign, a blank or a capital make no difference. A word that may mean
    something else ("bounce", "rejected") counts alone, or about a mail, a list or a lead; looking at the way out ("unsubscribe
    page viewed") or taking the act back ("opt-out revoked") is none.

    >>> [turning_away(t) for t in ("email_unsubscribed", "EmailBounced", "Abmeldung Newsletter", "kein Interesse")]
    ['refusal', 'bounce', 'refusal', 'refusal']
    >>> [turning_away(t) for t in ("resubscribed", "opt_in", "bounce house tour", "call_rejected", "unsubscribe page viewed")]
    [None, None, None, None, None]
    """
    text = _words(type_name)
    if _LOOKING.search(text):
        return None
    matches = [(match, kind) for kind, pattern in _PATTERNS for match in pattern.finditer(text)]
    words = [*(match for match, _ in matches), *_OF_MAIL.finditer(text), *_OF_SALES.finditer(text)]
    if any(_UNDONE.search(text[word.end() :]) or _UNDOING.search(text[: word.start()]) for word in words):
        return None
    matches += _weak(text)
    kinds = [kind for m, kind in matches if not _NEGATED.search(text[: m.start()])]
    return min(kinds, key=("refusal", "bounce").index, default=None)


def _words(name: str) -> str:
    """The words of a name in lower case, without umlauts, with one blank in between."""
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name)).casefold().translate(_SPELLING)
    return " ".join(re.findall(r"[a-z0-9]+", text))


def _weak(text: str) -> list[tuple[re.Match[str], Kind]]:
    """Words that turn away only in the company in which they are."""
    matches: list[tuple[re.Match[str], Kind]] = []
    for pattern, company in ((_OF_MAIL, _BESIDE | _MAIL), (_OF_SALES, _BESIDE | _SALES)):
        for match in pattern.finditer(text):
            beside = set((text[: match.start()] + text[match.end() :]).split())
            if beside <= company or (pattern is _OF_MAIL and beside & _MAIL):
                matches.append((match, "bounce" if _BOUNCE_OF_MAIL.search(match[0]) else "refusal"))
    return matches


_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("refusal", re.compile("|".join(_REFUSALS))),
    ("bounce", re.compile("|".join(_BOUNCES))),
)


@dataclass(frozen=True)
class TurningAway:
    """Which interaction types turn away: `types` do, `never` do not whatever they are called.

    Of types that have features of their own, `types` names all that do, so that a model stays what it was trained as. Any other
    one, as it may come in a request, is taken by its name.
    """

    types: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    @classmethod
    def among(cls, types: Iterable[str], also: Collection[str] = (), never: Collection[str] = ()) -> TurningAway:
        """Of the `types` of some data those that turn away by their name or are named in `also`, but for those in `never`."""
        return cls(tuple(sorted(t for t in types if t in also or (t not in never and turning_away(t)))), tuple(sorted(never)))

    def of_other(self, name: str) -> bool:
        """Whether a type turns away that has no features of its own."""
        return name in self.types or (name not in self.never and turning_away(name) is not None)

    def to_dict(self) -> dict[str, Any]:
        return {"types": list(self.types), "never": list(self.never)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> TurningAway:
        return cls(tuple(saved["types"]), tuple(saved["never"]))


BY_NAME = TurningAway()  # nothing is known of any type but its name
