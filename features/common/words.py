"""Words a marketer understands, in English and German, for interaction types and for what a feature measures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

# interaction type or group → (English, German), both plural because most features count
_TYPES: dict[str, tuple[str, str]] = {
    "any": ("interactions", "Interaktionen"),
    "inbound": ("interactions by the lead", "Interaktionen des Leads"),
    "outbound": ("contacts by us", "Kontakte durch uns"),
    "visit": ("visits", "Besuche"),
    "active_day": ("active days", "aktive Tage"),
    "turned_away": ("unsubscribes, bounces and refusals", "Abmeldungen, Rückläufer und Absagen"),
    "download": ("downloads", "Downloads"),
    "intent": ("signs of buying intent", "Kaufsignale"),
    "website": ("pages viewed", "angesehene Seiten"),
    "page_view": ("page views", "Seitenaufrufe"),
    "pricing_page_view": ("pricing page views", "Aufrufe der Preisseite"),
    "product_page_view": ("product page views", "Aufrufe von Produktseiten"),
    "blog_view": ("blog posts read", "gelesene Blogbeiträge"),
    "product_video": ("product videos watched", "angesehene Produktvideos"),
    "form_submitted": ("forms submitted", "abgesendete Formulare"),
    "whitepaper_download": ("whitepapers downloaded", "heruntergeladene Whitepaper"),
    "case_study_download": ("case studies downloaded", "heruntergeladene Fallstudien"),
    "webinar_registered": ("webinar registrations", "Webinar-Anmeldungen"),
    "webinar_attended": ("webinars attended", "besuchte Webinare"),
    "newsletter_subscribed": ("newsletter subscriptions", "Newsletter-Anmeldungen"),
    "email_sent": ("e-mails sent", "gesendete E-Mails"),
    "email_opened": ("e-mails opened", "geöffnete E-Mails"),
    "email_clicked": ("e-mail clicks", "E-Mail-Klicks"),
    "trial_requested": ("trial requests", "Testzugangs-Anfragen"),
    "demo_requested": ("demo requests", "Demo-Anfragen"),
    "call_made": ("calls made", "getätigte Anrufe"),
    "call_answered": ("calls answered", "angenommene Anrufe"),
    "meeting": ("meetings", "Termine"),
    "chat": ("chats", "Chats"),
    "unsubscribed": ("unsubscribes", "Abmeldungen"),
    "event_attended": ("events attended", "besuchte Veranstaltungen"),
}

# key → (English, German); {span} is the window in words
_PHRASES: dict[str, tuple[str, str]] = {
    "count": ("{what}{span}", "{what}{span}"),
    "total": ("{what}: total value{span}", "{what}: Gesamtwert{span}"),
    "since_last": ("{what}: days since the last", "{what}: Tage seit zuletzt"),
    "since_first": ("{what}: days since the first", "{what}: Tage seit dem ersten Mal"),
    "decayed": (
        "{what}, recent ones weigh more (half-life {days} days)",
        "{what}, neuere zählen mehr (Halbwertszeit {days} Tage)",
    ),
    "share": ("{what} per {of}{span}", "{what} je {of}{span}"),
    "trend": ("{what}: last {days} days against the {days} before", "{what}: letzte {days} Tage gegen die {days} davor"),
    "gap_mean": ("days between visits", "Tage zwischen Besuchen"),
    "gap_spread": ("irregularity of visits", "Unregelmäßigkeit der Besuche"),
    "silence": ("silence against the lead's own rhythm", "Stille gemessen am eigenen Rhythmus"),
    "variety": ("different kinds of interaction{span}", "verschiedene Arten von Interaktion{span}"),
    "topic_breadth": ("different contents touched", "verschiedene Inhalte"),
    "topic_depth": ("interactions with the favourite content", "Interaktionen mit dem meistgenutzten Inhalt"),
    "colleagues_count": ("colleagues' {what}{span}", "{what} von Kollegen{span}"),
    "colleagues_active": ("active colleagues{span}", "aktive Kollegen{span}"),
    "colleagues_silence": ("days since a colleague was active", "Tage seit ein Kollege aktiv war"),
    "group_size": ("people known at the company", "bekannte Personen im Unternehmen"),
    "stage_age": ("time in the lead stage", "Zeit in der Lead-Stufe"),
    "lead_age": ("time since the lead came", "Zeit seit der Lead kam"),
    "in_stage": ("lead stage is {stage}", "Lead-Stufe ist {stage}"),
    "created_weekday": ("weekday the lead came (0 = Monday)", "Wochentag des Eingangs (0 = Montag)"),
    "created_hour": ("hour the lead came (UTC)", "Stunde des Eingangs (UTC)"),
    "times": ("times", "Mal"),
    "days": ("days", "Tage"),
    "people": ("people", "Personen"),
    "doublings": ("doublings", "Verdopplungen"),
    "ratio": ("times the usual gap", "mal der übliche Abstand"),
}


def spell(number: float, digits: int, language: Language) -> str:
    """A number with the separators of the language.

    >>> spell(1234.5, 1, "de")
    '1.234,5'
    """
    text = _written(digits)(number)
    return text.translate(_GERMAN) if language == "de" else text


_GERMAN = str.maketrans(",.", ".,")


@cache
def _written(digits: int) -> Callable[[float], str]:
    """Made once for so many digits: a batch spells tens of thousands of numbers."""
    return f"{{:,.{digits}f}}".format


def type_words(name: str, language: Language) -> str:
    """An interaction type or group in words; an unknown one reads as it is written, with spaces.

    >>> type_words("product_video", "de")
    'angesehene Produktvideos'
    >>> type_words("W_Nabellen offertes", "en")
    '“W Nabellen offertes”'
    """
    if name in _TYPES:
        return _TYPES[name][language == "de"]
    return f"“{name.replace('_', ' ')}”"


def phrase(key: str, language: Language, days: float | None = None, **words: str) -> str:
    """What a feature measures, in words.

    >>> phrase("count", "en", 30, what="webinars attended")
    'webinars attended in the last 30 days'
    """
    span = ""
    if days is not None:
        span = f" in den letzten {days:g} Tagen" if language == "de" else f" in the last {days:g} days"
    return _PHRASES[key][language == "de"].format(span=span, days=f"{days:g}" if days is not None else "", **words)
