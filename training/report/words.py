"""The words of the report in English and German: headings, names in charts, and how numbers are spelt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.common.words import Language, spell

NO_BREAK = "\u00a0"

# key → (English, German)
_WORDS: dict[str, tuple[str, str]] = {
    # charts
    "model": ("model", "Modell"),
    "rules": ("rules", "Regeln"),
    "chance": ("chance", "Zufall"),
    "by": ("by", "nach"),
    "taken": ("leads that sales takes, %", "Leads, die der Vertrieb nimmt, %"),
    "met": ("later customers met", "getroffene spätere Kunden"),
    "your_capacity": ("your capacity", "Ihre Kapazität"),
    "usual_capacity": ("10 %", "10 %"),
    "contacts_week": ("contacts a week", "Kontakte je Woche"),
    "customers_week": ("customers a week", "Kunden je Woche"),
    "profit_week": ("profit a week", "Gewinn je Woche"),
    "too_early": ("too early", "zu früh"),
    "too_late": ("too late or never", "zu spät oder nie"),
    "line": ("line", "Linie"),
    "policy_line": ("hand-over line", "Übergabelinie"),
    "rule_band": ("fifth by rules (5 = highest)", "Fünftel nach Regeln (5 = höchstes)"),
    "score_band": ("fifth by model (5 = highest)", "Fünftel nach Modell (5 = höchstes)"),
    "leads_looked": ("looks at leads", "betrachtete Leads"),
    "converted": ("became customers", "wurden Kunden"),
    "said": ("probability said", "genannte Wahrscheinlichkeit"),
    "came": ("share that came true", "eingetroffener Anteil"),
    "gain": ("more customers met by the model (percentage points)", "mehr getroffene Kunden durch das Modell (Prozentpunkte)"),
    "gains": ("model better", "Modell besser"),
    "loses": ("rules better", "Regeln besser"),
    "open": ("cannot be told", "nicht zu unterscheiden"),
    "customers": ("customers", "Kunden"),
    "leads": ("leads", "Leads"),
    "worth": ("worth", "Wert"),
    "days_in": ("days in the lead stage", "Tage in der Lead-Stufe"),
    "progressed": ("progressed", "weitergekommen"),
    "left": ("left", "ausgeschieden"),
    "still": ("still there", "noch da"),
    "after_days": ("after days", "nach Tagen"),
    "scored": ("chance before", "Chance davor"),
    "cohort": ("entered in", "eingetreten in"),
    "raises": ("raises the score", "hebt den Score"),
    "lowers": ("lowers the score", "senkt den Score"),
    "mixed": ("mixed", "gemischt"),
    "strength": ("mean effect on the log-odds", "mittlere Wirkung auf die Log-Odds"),
    "source": ("source", "Quelle"),
    "country": ("country", "Land"),
    "company size": ("company size", "Firmengröße"),
    "all": ("all", "alle"),
    "(others)": ("(others)", "(übrige)"),
    "(none)": ("(none)", "(keine)"),
    # headings
    "title": ("Model and rules", "Modell und Regeln"),
    "do": ("What should we do?", "Was sollten wir tun?"),
    "more": ("How many more customers at our capacity?", "Wie viele Kunden mehr bei unserer Kapazität?"),
    "handover": ("Where does the hand-over to sales lie?", "Wo liegt die Übergabe an den Vertrieb?"),
    "bands": ("Where do score and points disagree?", "Wo sind Score und Punkte uneins?"),
    "true": ("Do the probabilities come true?", "Treffen die Wahrscheinlichkeiten ein?"),
    "who": ("Which segments gain or lose?", "Welche Segmente gewinnen oder verlieren?"),
    "long": ("How long do leads stay, and what becomes of them?", "Wie lange bleiben Leads, und was wird aus ihnen?"),
    "value": ("What is a lead worth?", "Was ist ein Lead wert?"),
    "drives": ("What drives the score?", "Was treibt den Score?"),
    "apart": ("Which leads do the rules misjudge?", "Welche Leads beurteilen die Regeln falsch?"),
    "next": ("What has gone before progress?", "Was ging dem Weiterkommen voraus?"),
    "data": ("Can the data be trusted?", "Ist den Daten zu trauen?"),
    # page
    "contents": ("Contents", "Inhalt"),
    "capacity_slider": ("Contacts sales can make a week", "Kontakte des Vertriebs je Woche"),
    "cost_slider": ("Cost of one contact", "Kosten eines Kontakts"),
    "under": ("Leads the rules underrate", "Leads, die die Regeln unterschätzen"),
    "over": ("Leads the rules overrate", "Leads, die die Regeln überschätzen"),
    "way": ("way", "Weg"),
    "contacts": ("contacts", "Kontakte"),
    "per_week": ("a week", "je Woche"),
    "busiest": ("busiest week", "vollste Woche"),
    "revenue": ("revenue", "Umsatz"),
    "profit": ("profit", "Gewinn"),
    "changes": ("changes of mind", "Meinungswechsel"),
    "rules, capacity filled": (
        "rules, capacity filled",
        "Regeln, Kapazität ausgeschöpft",
    ),
    "as it was": ("as it was done", "wie es war"),
    "lead_id": ("lead", "Lead"),
    "lead_stage": ("lead stage", "Lead-Stufe"),
    "rank_model": ("rank by model", "Rang nach Modell"),
    "rank_rules": ("rank by points", "Rang nach Punkten"),
    "points": ("points", "Punkte"),
    "why_model": ("why, says the model", "warum, sagt das Modell"),
    "why_rules": ("why, say the rules", "warum, sagen die Regeln"),
    "became": ("became", "wurde"),
    "yes": ("yes", "ja"),
    "no": ("no", "nein"),
    "step": ("step", "Schritt"),
    "took": ("took it first", "taten es erstmals"),
    "others": ("did not", "taten es nicht"),
    "drift_of": ("feature", "Merkmal"),
    "psi": ("shift (PSI)", "Verschiebung (PSI)"),
    "technical": ("Notes of the training, in English", "Notizen des Trainings, auf Englisch"),
    "interactive": (
        "Point at a chart for its numbers.",
        "Zeigen Sie auf ein Diagramm, um seine Zahlen zu sehen.",
    ),
}

# lead stages that everybody calls the same: (English plural, German plural)
_STAGES = {"lead": ("leads", "Leads"), "mql": ("MQLs", "MQLs"), "sql": ("SQLs", "SQLs"), "customer": ("customers", "Kunden")}


@dataclass(frozen=True)
class Speaker:
    """Says words and numbers in one language."""

    language: Language

    @property
    def words(self) -> Mapping[str, str]:
        """All words by their keys."""
        return {key: translations[self.language == "de"] for key, translations in _WORDS.items()}

    def pick(self, english: str, german: str) -> str:
        return german if self.language == "de" else english

    def stages(self, stage: str) -> str:
        """The plural of a lead stage; one of a business's own stays as it is written."""
        return _STAGES[stage][self.language == "de"] if stage in _STAGES else f"“{stage}”"

    def stage(self, stage: str) -> str:
        """A lead stage in the singular."""
        return {"mql": "MQL", "sql": "SQL", "customer": self.pick("customer", "Kunde"), "lead": "Lead"}.get(stage, f"“{stage}”")

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the separators of the language."""
        return spell(value, digits, self.language)

    def percent(self, share: float, digits: int = 0, *, sign: bool = False) -> str:
        """A share in words; the space before the sign does not break.

        >>> Speaker("en").percent(0.125, 1, sign=True)
        '+12.5\xa0%'
        """
        return ("+" if sign and share >= 0 else "") + f"{self.number(100 * share, digits)}{NO_BREAK}%".replace("-", "−")

    def money(self, amount: float, currency: str | None) -> str:
        """An amount with its currency, without cents."""
        return f"{self.number(amount)}{NO_BREAK}{currency}".replace("-", "−") if currency else self.number(amount)

    def weeks(self, count: int) -> str:
        """So many weeks, in the dative that German asks for after "in" and "an"."""
        if count == 1:
            return self.pick("1 week", "1 Woche")
        return self.pick(f"{self.number(count)} weeks", f"{self.number(count)} Wochen")
