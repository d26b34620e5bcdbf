"""Words a marketer understands, in English and German, for interaction types and for what a feature measures."""

from __future__ import annotations

import re
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

# things that are counted beside interactions; no interaction type is called so
_TYPES |= {
    "(variety)": ("different kinds of activity", "verschiedene Arten von Aktivität"),
    "(topic)": ("different contents", "verschiedene Inhalte"),
    "(colleague)": ("other people known at the company", "weitere bekannte Personen im Unternehmen"),
    "(active_colleague)": ("colleagues active", "aktive Kollegen"),
    "(point)": ("points by the rules", "Punkte nach den Regeln"),
}
# one of each
_SINGULAR: dict[str, tuple[str, str]] = {
    "any": ("interaction", "Interaktion"),
    "inbound": ("interaction by the lead", "Interaktion des Leads"),
    "outbound": ("contact by us", "Kontakt durch uns"),
    "visit": ("visit", "Besuch"),
    "active_day": ("active day", "aktiver Tag"),
    "turned_away": ("unsubscribe, bounce or refusal", "Abmeldung, Rückläufer oder Absage"),
    "download": ("download", "Download"),
    "intent": ("sign of buying intent", "Kaufsignal"),
    "website": ("page viewed", "angesehene Seite"),
    "page_view": ("page view", "Seitenaufruf"),
    "pricing_page_view": ("pricing page view", "Aufruf der Preisseite"),
    "product_page_view": ("product page view", "Aufruf einer Produktseite"),
    "blog_view": ("blog post read", "gelesener Blogbeitrag"),
    "product_video": ("product video watched", "angesehenes Produktvideo"),
    "form_submitted": ("form submitted", "abgesendetes Formular"),
    "whitepaper_download": ("whitepaper downloaded", "heruntergeladenes Whitepaper"),
    "case_study_download": ("case study downloaded", "heruntergeladene Fallstudie"),
    "webinar_registered": ("webinar registration", "Webinar-Anmeldung"),
    "webinar_attended": ("webinar attended", "besuchtes Webinar"),
    "newsletter_subscribed": ("newsletter subscription", "Newsletter-Anmeldung"),
    "email_sent": ("e-mail sent", "gesendete E-Mail"),
    "email_opened": ("e-mail opened", "geöffnete E-Mail"),
    "email_clicked": ("e-mail click", "E-Mail-Klick"),
    "trial_requested": ("trial request", "Testzugangs-Anfrage"),
    "demo_requested": ("demo request", "Demo-Anfrage"),
    "call_made": ("call made", "getätigter Anruf"),
    "call_answered": ("call answered", "angenommener Anruf"),
    "meeting": ("meeting", "Termin"),
    "chat": ("chat", "Chat"),
    "unsubscribed": ("unsubscribe", "Abmeldung"),
    "event_attended": ("event attended", "besuchte Veranstaltung"),
    "(variety)": ("kind of activity", "Art von Aktivität"),
    "(topic)": ("content", "Inhalt"),
    "(colleague)": ("other person known at the company", "weitere bekannte Person im Unternehmen"),
    "(active_colleague)": ("colleague active", "aktiver Kollege"),
    "(point)": ("point by the rules", "Punkt nach den Regeln"),
}
WEEKDAYS: dict[Language, tuple[str, ...]] = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
# the days of a unit, and its words (German in the dative); a span is told in the largest that it has two of
_SPANS: tuple[tuple[float, tuple[str, str]], ...] = (
    (365.25, ("years", "Jahren")),
    (30.4375, ("months", "Monaten")),
    (7.0, ("weeks", "Wochen")),
    (1.0, ("days", "Tagen")),
)

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
    "span": ("{span}", "{span}"),
    "of_late": ("{what}, {total} in all", "{what}, insgesamt {total}"),
    "latest": ("the latest {when}", "zuletzt {when}"),
    "every": ("usually every {gap} days", "meist alle {gap} Tage"),
    "ago": ("{span_words} ago", "vor {span_words}"),
    "a_day": ("a day", "einem Tag"),
    "within_a_day": ("less than a day", "weniger als einem Tag"),
    "came": ("came {when}", "kam {when}"),
    "came_on": ("came on a {day}", "kam an einem {day}"),
    "came_at": ("came at {hour} UTC", "kam um {hour} Uhr UTC"),
    "stage_lasting": ("in its lead stage for {when}", "seit {when} in seiner Lead-Stufe"),
    "colleague_latest": ("a colleague was active {when}", "ein Kollege war {when} aktiv"),
    "around": ("{what}: around {number}", "{what}: etwa {number}"),
    "yes": ("yes", "ja"),
    "no": ("no", "nein"),
    "free_mail": ("writes from a free mail address", "schreibt von einer Freemail-Adresse"),
    "company_mail": ("writes from an address of the company", "schreibt von einer Firmenadresse"),
    "level_up": (
        "{what}: earlier leads with this value did better",
        "{what}: frühere Leads mit diesem Wert waren erfolgreicher",
    ),
    "level_down": (
        "{what}: earlier leads with this value did worse",
        "{what}: frühere Leads mit diesem Wert waren weniger erfolgreich",
    ),
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


def counted(number: int, name: str, language: Language) -> str:
    """So many interactions of a type, or of another thing that is counted.

    >>> [counted(n, "demo_requested", "en") for n in (0, 1, 1200)]
    ['no demo requests', '1 demo request', '1,200 demo requests']
    >>> [counted(n, "email_opened", "de") for n in (0, 1, 1200)]
    ['keine geöffneten E-Mails', '1 geöffnete E-Mail', '1.200 geöffnete E-Mails']
    >>> [counted(n, "my_event", "en") for n in (0, 1, 2)], counted(2, "my_event", "de")
    (['never “my event”', '“my event” once', '“my event” 2 times'], '“my event” 2-mal')
    """
    german = language == "de"
    words = type_words(name, language)
    if name not in _TYPES:
        times = (
            ("never {}", "nie {}") if number == 0 else ("{} once", "{} einmal") if number == 1 else ("{} {} times", "{} {}-mal")
        )
        return times[german].format(words, spell(number, 0, language))
    if number == 1:
        return f"1 {_SINGULAR[name][german]}"
    if number:
        return f"{spell(number, 0, language)} {words}"
    return f"keine {_ADJECTIVE.sub('n', words)}" if german else f"no {words}"


_ADJECTIVE = re.compile(r"(?<=[a-zäöüß]e)(?= (?:\w+e )?[A-ZÄÖÜ])")  # after "keine" these end in n


def lasting(days: float, language: Language) -> str:
    """How long a span of days is, in whole days, weeks, months or years.

    >>> [lasting(d, "en") for d in (0.3, 1.9, 13.9, 20, 70, 800)], lasting(45, "de")
    (['less than a day', 'a day', '13 days', '2 weeks', '2 months', '2 years'], '6 Wochen')
    """
    if days < 2:
        return phrase("within_a_day" if days < 1 else "a_day", language)
    size, words = next((size, words) for size, words in _SPANS if days >= 2 * size)
    return f"{int(days // size)} {words[language == 'de']}"


def ago(days: float, language: Language) -> str:
    """When something was that is so many days ago; by the clock and not by the calendar, which is another one elsewhere.

    >>> [ago(d, "en") for d in (0.3, 1.9, 13.9, 20)], ago(45, "de")
    (['less than a day ago', 'a day ago', '13 days ago', '2 weeks ago'], 'vor 6 Wochen')
    """
    return phrase("ago", language, span_words=lasting(days, language))
