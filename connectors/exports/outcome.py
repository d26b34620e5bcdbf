"""Which column of a flat file says what came of a lead: by its name and by having two sides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from connectors.crm.mapping import StageValue
from connectors.crm.stages import guess
from connectors.exports.columns import ColumnProfile
from connectors.exports.kinds import fold
from connectors.exports.labels import deal_status
from features.attributes.values import NO_WORDS, YES_WORDS
from features.common.errors import DataError, nearest
from features.common.persons.texts import masked
from features.dataset.funnel import Funnel

# words of a header that speak of what came of a lead, the surest first
_SURE = tuple(
    re.compile(rf"\b(?:{words})\b")
    for words in (
        "won|iswon|win|gewonnen|gagne|ganado|customer|iscustomer|kunde|client|cliente|closed won|sold|verkauft|signed",
        "converted|isconverted|conversion|konvertiert|umgewandelt|converti|convertido|bought|buys?|purchased?|gekauft",
        "approved|subscribed|abgeschlossen|abschluss|deposit",
        "target|label|outcome|y|result|ergebnis|resultat|resultado|success|successful|erfolg|class|ziel",
        "offer|opportunity|demo|meeting|qualified|mql|sql|deal|order|angebot|responded|response|accepted|renewed|activated",
    )
)
_STATUS = re.compile(
    r"\b(?:status|stage|state|phase|etape|etapa|statut|estado|leadstatus|lifecyclestage|dealstage|leadstage|stufe)\b"
)
_NO_STATUS = re.compile(r"\b(?:id|date|datum|email|mail|civil|marital|family|country|employment|province|region|address)\b")
_NOT_OUTCOME = re.compile(
    r"\b(?:date|datum|time|at|on|reason|grund|score|rate|probability|amount|value|id|count|number|days|previous|last|email|"
    r"mail|name|since|type|civil|marital|family|do not|code|size|list)\b"
)
_NEGATIVE = re.compile(
    r"^(?:not?|non|kein\w*|un\w+|nicht)\b|"
    r"\b(?:lost|verloren|perdu|perdido|rejected|declined|abgelehnt|fail\w*|churn\w*|dead|disqualif\w*|bad|negative)\b"
)
_POSITIVE = re.compile(
    r"^(?:won|customer|converted|client\w*|kunde|gewonnen|gagne|ganado|approved|accepted|success\w*|sold|bought|paid|signed|"
    r"deposit|positive|good)\b|closed ?won|closed converted"
)
# words of a header that speak of who left: its yes is the no
_CHURN = re.compile(
    r"\b(?:is|has)?(?:churn|churned|cancelled|canceled|attrition|attrited|exited|terminated|gekuendigt|kuendigung|abgewandert|"
    r"resilie|baja|abandono)\b"
)
_WHY = re.compile(r"\b(?:reason|grund|raison|motivo)\b")
MOST_STATUSES = 40


@dataclass(frozen=True)
class OutcomeColumn:
    """`rank`: 0 for the surest name. `yes`, `no`, `open`: its values. `question`: what is doubtful about them. `lead_stage`:
    what a yes reached, if that is not the last one of the funnel."""

    header: str
    rank: int
    yes: tuple[str, ...]
    no: tuple[str, ...]
    open: tuple[str, ...]
    question: str = ""
    lead_stage: str | None = None


def outcome_columns(columns: Iterable[ColumnProfile], funnel: Funnel) -> list[OutcomeColumn]:
    """The columns that may say what came of a lead, the likeliest first."""
    guesses = [g for column in columns if (g := _outcome(column, funnel))]
    return sorted(guesses, key=lambda g: (bool(g.question), g.rank, bool(_WHY.search(fold(g.header)))))


def _outcome(column: ColumnProfile, funnel: Funnel) -> OutcomeColumn | None:
    name = fold(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column.header))
    if not column.complete or not column.values or column.kind == "date":
        return None
    if _STATUS.search(name):
        is_status = 2 <= len(column.values) <= MOST_STATUSES and not _NO_STATUS.search(name)
        return _status(_speaking(column), len(_SURE), funnel) if is_status else None
    if _CHURN.search(name) and not _NOT_OUTCOME.search(name):
        return _stayed(_speaking(column))
    rank = next((i for i, pattern in enumerate(_SURE) if pattern.search(name)), None)
    is_sure = rank is not None and not _NOT_OUTCOME.search(name) and 2 <= len(column.values) <= 6
    return _two_sided(_speaking(column), rank or 0) if is_sure else None


@dataclass(frozen=True)
class NamedOutcome:
    """The column that a person says holds the outcome, and where they say it, its values that are a yes."""

    column: str
    yes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str, headers: Iterable[str]) -> NamedOutcome:
        """`Converted`, or `Class=good` with the value of a yes, several of them parted by a comma.

        >>> NamedOutcome.parse("Class=good,fine", ["Class"]), NamedOutcome.parse("Won", ["Won"])
        (NamedOutcome(column='Class', yes=('good', 'fine')), NamedOutcome(column='Won', yes=()))

        Raises
        ------
        DataError
            if no file has such a column.
        """
        headers = list(headers)
        name, values = text, ""
        if text not in headers and "=" in text:
            name, _, values = text.rpartition("=")
        folded = {fold(header): header for header in reversed(headers)}
        header = name if name in headers else folded.get(fold(name))
        if header is None:
            raise DataError(
                f"No file of the folder has a column {name!r}.",
                f"Write OUTCOME=column, or OUTCOME=column=value with the value of a yes; {nearest(name, headers)}",
            )
        return cls(header, tuple(v.strip() for v in values.split(",") if v.strip()))

    def of(self, column: ColumnProfile, funnel: Funnel) -> OutcomeColumn:
        """What the values of the column mean.

        Raises
        ------
        DataError
            where that cannot be told from the values.
        """
        speaking = _speaking(column)
        listed = ", ".join(f"{masked(v)} {n:,}" for v, n in list(speaking.values.items())[:8])
        if not column.complete or not 2 <= len(speaking.values) <= MOST_STATUSES:
            number = f"{len(column.values):,}{'' if column.complete else ' or more'}"
            raise DataError(
                f"Column {column.header!r} has {number} distinct values ({listed}); an outcome has two or a few.",
                "Name the column that says whether a lead became a customer.",
            )
        if self.yes:
            unheard = [v for v in self.yes if v not in speaking.values]
            if unheard:
                raise DataError(
                    f"Column {column.header!r} never holds {unheard[0]!r}; it holds {listed}.",
                    f"Name one of its values; {nearest(unheard[0], speaking.values)}",
                )
            remaining = tuple(v for v in speaking.values if v not in self.yes)
            if not remaining:
                raise DataError(f"Every value of {column.header!r} is a yes then ({listed}).", "Name those that are.")
            return OutcomeColumn(column.header, -1, self.yes, remaining, ())
        are_codes = len(speaking.values) > 2 and all(value.replace(".", "").isdigit() for value in speaking.values)
        guessed = None if are_codes else _two_sided(speaking, -1) or _status(speaking, -1, funnel)
        if guessed is None:
            raise DataError(
                f"Which values of {column.header!r} are a yes cannot be told from it ({listed}).",
                f'Say it: OUTCOME="{column.header}=value", several values parted by a comma; all others are a no.',
            )
        return guessed


def outcome_candidates(columns: Iterable[ColumnProfile]) -> list[str]:
    """The headers of columns that could say what came of a lead by having two values, each in several rows: yes and no before
    others, and of these the last and the first column of the file before those between, as outcomes stand there."""
    two_valued = [
        (number, c)
        for number, c in enumerate(columns)
        if c.complete and c.kind != "date" and len(_speaking(c).values) == len(c.values) == 2 and min(c.values.values()) > 1
    ]
    last = max((number for number, _ in two_valued), default=0)
    ranked = sorted(two_valued, key=lambda entry: (entry[1].kind != "yes/no", entry[0] not in (0, 1, last), entry[0]))
    return [c.header for _, c in ranked]


def _speaking(column: ColumnProfile) -> ColumnProfile:
    """Without values that speak of persons, which no proposal holds: reading names their rows."""
    return replace(column, values={value: column.values[value] for value in column.speaking})


def _two_sided(column: ColumnProfile, rank: int) -> OutcomeColumn | None:
    """A column whose values are yes and no in some words."""
    yes = tuple(v for v in column.values if is_yes(v))
    no = tuple(v for v in column.values if v not in yes and is_no(v))
    remaining = tuple(v for v in column.values if v not in yes and v not in no)
    if any(v.replace(".", "").isdigit() for v in remaining):
        return None  # a count
    if yes and no and not remaining:
        return OutcomeColumn(column.header, rank, yes, no, ())
    if yes and remaining and not no:
        return OutcomeColumn(
            column.header, rank, yes, remaining, (), f"{_listed(remaining)} of {column.header!r} is taken for a no"
        )
    if yes and no:
        return OutcomeColumn(
            column.header, rank, yes, no, remaining, f"{_listed(remaining)} of {column.header!r} is taken for still open"
        )
    if len(column.values) != 2:
        return None
    rare, frequent = sorted(column.values, key=lambda v: (v in no, column.values[v]))
    return OutcomeColumn(
        column.header,
        rank,
        (rare,),
        (frequent,),
        (),
        f"which value of {column.header!r} is the yes? {rare!r}, the rarer one, was taken",
    )


def _stayed(column: ColumnProfile) -> OutcomeColumn | None:
    """A column whose yes says that somebody left."""
    sides = _two_sided(column, len(_SURE) - 1)
    if sides is None or sides.question:
        return None
    question = (
        f"{column.header!r} says who left: {_listed(sides.no)}, who stayed, was taken for the yes; to learn who leaves: "
        f'OUTCOME="{column.header}={sides.yes[0]}"'
    )
    return replace(sides, yes=sides.no, no=sides.yes, question=question)


def is_yes(value: str) -> bool:
    """Does a value say that it worked out?"""
    words = fold(value)
    return value.casefold() in YES_WORDS or words in YES_WORDS or words == "x" or bool(_POSITIVE.search(words))


def is_no(value: str) -> bool:
    """Does a value say that it did not?"""
    words = fold(value)
    return value.casefold() in NO_WORDS or words in NO_WORDS or bool(_NEGATIVE.search(words))


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(masked, list(values)[:5]))


def _status(column: ColumnProfile, rank: int, funnel: Funnel) -> OutcomeColumn | None:
    """A column of states, of which some are a success, some an end."""
    meaning = {value: _meaning(value, funnel) for value in column.values}
    yes, no, still_open = (tuple(v for v, m in meaning.items() if m == side) for side in ("yes", "no", "open"))
    if not yes and no:
        return _short_of_the_end(column, rank, funnel, no)
    if not yes or len(yes) == len(meaning):
        return None
    if no:
        question = f"{_listed(still_open)} of {column.header!r}: taken for still open" if still_open else ""
        return OutcomeColumn(column.header, rank, yes, no, still_open, question)
    return OutcomeColumn(
        column.header,
        rank,
        yes,
        still_open,
        (),
        f"no value of {column.header!r} says lost: {_listed(still_open)} count as a no",
    )


def _short_of_the_end(column: ColumnProfile, rank: int, funnel: Funnel, no: tuple[str, ...]) -> OutcomeColumn | None:
    """A column of states that end at a lead stage before the last one, such as Open, Qualified and Disqualified."""
    stages = {value: guess(StageValue("Status", value, value, "", 0), funnel) for value in column.values if value not in no}
    highest = next((stage for stage in reversed(funnel.targets) if stage in stages.values()), None)
    if highest is None:
        return None
    yes = tuple(value for value, stage in stages.items() if stage == highest)
    still_open = tuple(value for value in stages if value not in yes)
    beside = f", {_listed(still_open)} for still open" if still_open else ""
    question = f"no value of {column.header!r} says won: {_listed(yes)} was taken for {highest}, the last that is known{beside}"
    return OutcomeColumn(column.header, rank, yes, no, still_open, question, highest)


def _meaning(value: str, funnel: Funnel) -> str:
    stage = guess(StageValue("Status", value, value, "", 0), funnel)
    if stage == funnel.final or is_yes(value) or deal_status(value) == "won":
        return "yes"
    return "no" if stage in funnel.exits or is_no(value) else "open"
