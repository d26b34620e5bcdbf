"""Acts of turning away: interactions that speak against a lead, such as an unsubscribe, a bounce or "no interest".

Nobody shows interest by them, so they stay out of every count of activity, and what is made of them may only lower a chance.
Which types they are is read from their names, in English and German; the configuration adds types and takes some out. The words
of the grammar are in `features/refusal_words.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from features import refusal_words as words
from features.refusal_words import Kind


@lru_cache(maxsize=4_096)
def turning_away(type_name: str) -> Kind | None:
    """How an interaction type turns away, by its name: "refusal", "bounce" (hard or soft), or not at all.

    Case, umlauts, and whether words are parted by a sign, a blank or a capital make no difference. A name is one clause or
    several (brackets, a colon, a comma part them), and what follows a preposition is how, where or why it was done: who
    "unsubscribed via form" is gone, "unsubscribe page viewed" is looked at. A word that may mean something else ("bounce",
    "rejected") counts alone, or about a mail, a list or a lead. An act that is taken back ("opt-out revoked") or denied ("not
    bounced") is none.

    >>> [turning_away(t) for t in ("email_unsubscribed", "EmailBounced", "Abmeldung Newsletter", "kein Interesse")]
    ['refusal', 'bounce', 'refusal', 'refusal']
    >>> [turning_away(t) for t in ("resubscribed", "opt_in", "bounce house tour", "call_rejected", "unsubscribe page viewed")]
    [None, None, None, None, None]
    """
    clauses = words.clauses(type_name)
    acts = [
        act
        for position in range(len(clauses))
        for act in (*_plain_acts(clauses, position), *_acts_in_company(clauses, position))
    ]
    if any(act.taken_back for act in acts):
        return None
    kinds = [act.kind for act in acts if act.counts and not act.denied]
    return min(kinds, key=("refusal", "bounce").index, default=None)


@dataclass(frozen=True)
class _Act:
    """Words of a clause that may say an act of turning away: what stands `before` and `after` them there, and in the clauses
    behind (`later`). `counts`: they say one, as far as it is not denied or taken back."""

    kind: Kind
    text: str
    before: str
    after: str
    later: Sequence[str]
    counts: bool

    @property
    def denied(self) -> bool:
        return words.DENIED.search(self.before) is not None

    @property
    def taken_back(self) -> bool:
        """Whether a word before or after undoes the act. What is removed or cleared after "unsubscribed" or "bounced" is the
        contact; after a noun ("opt-out") it is the act."""
        behind = " ".join((self.after, *self.later)).strip()
        has_happened = words.HAPPENED.search(self.text) is not None
        if words.UNDOING.search(self.before) or words.UNDONE.match(behind) or words.BACK_AGAIN.match(behind):
            return True
        if words.TAKEN_OFF.search(self.before):
            return True
        return not has_happened and bool(words.CLEARING.search(self.before) or words.CLEARED.match(behind))


def _plain_acts(clauses: Sequence[str], position: int) -> list[_Act]:
    """Words that are an act of turning away whatever the name says beside, unless it is about a page, a mail or a number."""
    clause, earlier = clauses[position], " ".join(clauses[:position])
    acts = []
    for kind, pattern in words.PLAIN:
        for match in pattern.finditer(clause):
            before, after = clause[: match.start()].strip(), clause[match.end() :].strip()
            act = _Act(kind, match[0], before, after, clauses[position + 1 :], True)
            acts.append(replace(act, counts=_is_about_itself(act, earlier)))
    return acts


def _is_about_itself(act: _Act, earlier: str) -> bool:
    """Whether somebody does the act, and does not look at, read or count what has its name."""
    has_happened = words.HAPPENED.search(act.text) is not None
    own = words.CIRCUMSTANCES.split(act.after, maxsplit=1)[0]
    if words.TOPIC.search(act.before) or words.LOOKING.search(own) or words.ABOUT_A_MAIL.search(own):
        return False
    if words.LOOKING.search(act.before) or (not has_happened and words.ENGAGING.search(f"{earlier} {act.before}")):
        return False
    if words.SUBJECT.match(act.text) and {*earlier.split(), *act.before.split()} & words.CONTENT - words.HOLDERS:
        return False
    things = set(own.split())
    if things & (words.CONTENT | (words.MEASURES if act.kind == "bounce" else words.MEASURES | words.DOCUMENTS)):
        return own.split()[-1] in words.HOLDERS
    return has_happened or not things & words.WAYS


def _acts_in_company(clauses: Sequence[str], position: int) -> list[_Act]:
    """Words that turn away only in the company in which they are: nothing else beside them, or words of mails or of sales."""
    clause = clauses[position]
    elsewhere = [word for other in (*clauses[:position], *clauses[position + 1 :]) for word in _no_means(other).split()]
    acts = []
    for group in words.IN_COMPANY:
        for match in group.pattern.finditer(clause):
            before, after = clause[: match.start()].strip(), clause[match.end() :].strip()
            inner = " ".join(text for text in match.groups() if text).split()
            head = [*before.split(), *inner, *words.CIRCUMSTANCES.split(after, maxsplit=1)[0].split()]
            beside = [*before.split(), *inner, *_no_means(f" {after}").split()]
            has_happened = words.HAPPENED.search(match[0]) is not None
            counts = group.holds(beside, elsewhere, head, has_happened=has_happened)
            acts.append(_Act(group.kind, match[0], before, after, clauses[position + 1 :], counts))
    return acts


def _no_means(text: str) -> str:
    """A clause without the way or the cause of what it says ("via form", "wegen Budget")."""
    return words.MEANS.split(text, maxsplit=1)[0]


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
