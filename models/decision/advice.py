"""The recommendation in words: one sentence of why, in English or German."""

from __future__ import annotations

import math
from collections.abc import Callable
from string import Formatter
from typing import NamedTuple

from features.common.words import Language, spell
from models.decision.recommend import Action, Decision, Policy, Rationale, Situation, decide

# (English, German); {gain}, {low}, {high}, {line} in the policy's units, {chance} of P(final), {silence} in words
_SENTENCES: dict[Rationale, tuple[str, str]] = {
    "with_sales": (
        "Already with sales, with a chance of {chance}: keep working it.",
        "Schon beim Vertrieb, mit einer Chance von {chance}: weiter bearbeiten.",
    ),
    "went_quiet": (
        "Nothing has happened {silence} and {what} of {gain} is below the line of {line}: warm it up again.",
        "{silence} ist nichts geschehen, und {what} von {gain} liegt unter der Linie von {line}: wieder anwärmen.",
    ),
    "still_quiet": (
        "It was given back by sales and has not moved since: keep warming it up.",
        "Der Vertrieb hat ihn zurückgegeben, seitdem ist nichts geschehen: weiter anwärmen.",
    ),
    "still_below": (
        "Given back by sales; it has moved since, but the low end of {what} of {gain} ({low}) is below the line of {line}.",
        "Vom Vertrieb zurück; er hat sich gerührt, doch das untere Ende ({low}) liegt unter der Linie von {line}.",
    ),
    "came_back": (
        "It has moved again since sales gave it back, and {what} of {gain} is above the hand-over line of {line}.",
        "Seit der Rückgabe hat er sich gerührt, und {what} von {gain} liegt über der Übergabelinie von {line}.",
    ),
    "above": (
        "{What} of {gain} is above the hand-over line of {line}, even at the low end of its interval ({low}).",
        "{What} von {gain} liegt über der Übergabelinie von {line}, selbst am unteren Ende des Intervalls ({low}).",
    ),
    "still_above": (
        "Handed over before, and the interval {low} to {high} has not fallen below the line of {line}: leave it there.",
        "Schon übergeben, und das Intervall {low} bis {high} liegt nicht unter der Linie von {line}: dort lassen.",
    ),
    "close_call": (
        "The interval {low} to {high} straddles the hand-over line of {line}: a close call, wait for the next sign.",
        "Das Intervall {low} bis {high} umschließt die Übergabelinie von {line}: knapp, das nächste Zeichen abwarten.",
    ),
    "rules_yes": (
        "The interval {low} to {high} straddles the line of {line}, too wide to decide; the rules would hand it over.",
        "Das Intervall {low} bis {high} um die Übergabelinie von {line} ist zu breit; die Regeln würden übergeben.",
    ),
    "rules_no": (
        "The interval {low} to {high} straddles the line of {line}, too wide to decide; the rules would keep nurturing.",
        "Das Intervall {low} bis {high} um die Übergabelinie von {line} ist zu breit; die Regeln würden weiter pflegen.",
    ),
    "hopeless": (
        "After {age} days {what} is {gain}, far below the line of {line}.",
        "Nach {age} Tagen liegt {what} bei {gain}, weit unter der Linie von {line}.",
    ),
    "below": (
        "{What} of {gain} is below the hand-over line of {line}: keep nurturing.",
        "{What} von {gain} liegt unter der Übergabelinie von {line}: weiter pflegen.",
    ),
    "between": (
        "{What} of {gain} is above the {stage} line of {between}, below the hand-over line of {line}: nurture as {stage}.",
        "{What} von {gain}: über der {stage}-Linie von {between}, unter der Übergabelinie von {line}; als {stage} pflegen.",
    ),
}  # fmt: skip

_GAIN_NAMES = {(True, "en"): "an expected value", (True, "de"): "ein Erwartungswert",
         (False, "en"): "a chance", (False, "de"): "eine Chance"}  # fmt: skip


class Advice(NamedTuple):
    """One lead's recommendation. `uncertain`: the model cannot decide, the rules did."""

    action: Action
    lead_stage: str
    why: str
    expected_profit: float | None
    uncertain: bool = False

    @property
    def status(self) -> str:
        """The status of a lead that is scored."""
        return "uncertain" if self.uncertain else "scored"


def advise(policy: Policy, lead: Situation, worth: float | None, language: Language = "en") -> Advice:
    """Decide, and say why. `worth` is the lead's expected value, None where nobody knows it."""
    decision = decide(policy, lead)
    profit = None if worth is None or policy.cost_per_contact is None else worth - policy.cost_per_contact
    return Advice(
        decision.action, decision.lead_stage, explain_decision(policy, lead, decision, language), profit, decision.uncertain
    )


def explain_decision(policy: Policy, lead: Situation, decision: Decision, language: Language) -> str:
    """The sentence for a decision."""
    key = decision.rationale, decision.lead_stage, language
    template = policy.sentences.get(key)
    if template is None:
        template = policy.sentences[key] = _template(policy, decision, language)
    sentence, gaps = template
    return sentence.format(*[_LEAD_FILLERS[name](policy, lead, language) for name in gaps])


def _template(policy: Policy, decision: Decision, language: Language) -> tuple[str, tuple[str, ...]]:
    """The sentence with all that is the same for every lead, and the names of what each must fill in."""
    parts: list[str] = []
    gaps: list[str] = []
    for text, name, _, _ in Formatter().parse(_SENTENCES[decision.rationale][language == "de"]):
        piece = text + (_SHARED_FILLERS[name](policy, decision, language) if name and name in _SHARED_FILLERS else "")
        parts.append(piece.replace("{", "{{").replace("}", "}}"))
        if name and name in _LEAD_FILLERS:
            parts.append("{}")
            gaps.append(name)
    return "".join(parts), tuple(gaps)


# name of a gap → what fills it, the same for all leads …
_SHARED_FILLERS: dict[str, Callable[[Policy, Decision, Language], str]] = {
    "what": lambda policy, decision, language: _GAIN_NAMES[policy.money, language],
    "What": lambda policy, decision, language: _capital(_GAIN_NAMES[policy.money, language]),
    "stage": lambda policy, decision, language: decision.lead_stage,
    "between": lambda policy, decision, language: amount(policy, policy.lines.get(decision.lead_stage, 0.0), language),
    "line": lambda policy, decision, language: amount(policy, policy.line, language),
}
# … or each lead's own
_LEAD_FILLERS: dict[str, Callable[[Policy, Situation, Language], str]] = {
    "gain": lambda policy, lead, language: amount(policy, lead.gain, language),
    "low": lambda policy, lead, language: amount(policy, lead.low, language),
    "high": lambda policy, lead, language: amount(policy, lead.high, language),
    "chance": lambda policy, lead, language: percent(lead.chance, language),
    "silence": lambda policy, lead, language: _silence(lead.quiet_days, language),
    "age": lambda policy, lead, language: f"{lead.age_days:.0f}",
}


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def amount(policy: Policy, gain: float, language: Language) -> str:
    """A gain in words: "1,250 EUR" or "12 %", with the separators of the language."""
    if not policy.money:
        return percent(gain, language)
    return f"{spell(gain, 0 if gain >= 10 else 2, language)} {policy.currency}"


def percent(p: float, language: Language) -> str:
    """A probability in words: whole percents from 10 %, else one decimal.

    >>> percent(0.0312, "de")
    '3,1 %'
    """
    return f"{spell(100 * p, 0 if p >= 0.1 else 1, language)} %"


def _silence(days: float, language: Language) -> str:
    if math.isnan(days):
        return "ever" if language == "en" else "Bisher"
    return f"for {days:.0f} days" if language == "en" else f"Seit {days:.0f} Tagen"
