"""The rules by which a person is recognised within a text: a sign without which a rule need not look, a pattern, a kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from features.common.persons.headers import Personal, fold, personal_header
from features.common.persons.numbers import is_iban, is_international, is_ip, is_national, passes_luhn
from features.common.persons.vocabulary import vocabulary

_UP = "A-ZÀ-ÖØ-ÞĄĆĘŁŃÓŚŹŻČĎĚŇŘŠŤŮŽĞİŞ"
_WORD = rf"[{_UP}][\w'’.-]*"
_NAME = rf"(?:(?:van|von|de|der|den|del|della|da|dos|di|le|la|zu|y)\s+)*{_WORD}"
_AT_WORDS = r"at|ät|arroba|chiocciola|apenstaartje|malpa|małpa"
_AT_SIGN = rf"[@＠]|%40|mailto|[\[({{<]\s*(?i:{_AT_WORDS})\s*[\])}}>]|(?i:\sat\s.{{1,60}}\sdot\s)"
# Google's RE2 (pyarrow, DuckDB) reads it as Python does; a text without it holds nothing that a rule would cut
CANDIDATE = "|".join(
    (
        _AT_SIGN,
        "\\d[\\d \u00a0().\\-/–]{5,}\\d",
        r"[A-Za-z]{2}\d{2}[ A-Z0-9]{10,}",
        r"[A-Z]{6}\d\d[A-Z]",
        r"\d\.\d+\.\d+\.\d",
        r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:",
        r"-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-",
        r"(?i:linkedin|xing|facebook|twitter|instagram|tiktok|github|x\.com|t\.me|wa\.me|bsky|youtube|threads)",
        r"[?&;][^\s=]+=",
        r"[:=]\s*\S",
        rf"[{_UP}]\S*\s+\S*\s*[{_UP}]",
        r"(?i:str\.|stra(?:ß|ss)e|weg|platz|allee|gasse|straat|laan|plein|gracht|kade|rue|avenue|boulevard|street|road|lane)",
        r"(?i:drive|ul\.|via|calle|rua|place|quai|chemin|impasse)",
        r"(?i:born|geb|dob|nasc|nato|nata|nacid|né|ur\.)",
        r"\n",
        r"(?:\S+\s+){14}",
        r"\S{161}",
    )
)

_AT = rf"(?:[@＠]|%40|\s*[\[({{<]\s*(?:{_AT_WORDS}|@)\s*[\])}}>]\s*|\s+at\s+(?=[\w-]+\s+dot\s))"
_DOT = r"(?:\.|\s*[\[({<]\s*(?:dot|punkt|point|punto|ponto|punt|kropka|\.)\s*[\])}>]\s*|\s+dot\s+)"
_MAIL = rf"(?:[\w.+'’&%-]*[\w+]{_AT}(?:[\w-]+{_DOT})+[^\W\d_][\w-]+|[\w.+-]*\w@\[\d+(?:\.\d+){{3}}\])"
_CALLED_MAIL = rf"(?:[\"“„'][^\"”“<>]{{2,60}}[\"”“']|(?:{_NAME},?\s+){{1,4}})\s*[<(\[]\s*(?:mailto:)?{_MAIL}\s*[>)\]]"
_NO_MAIL = re.compile(r"(?i)@\d+(?:\.\d+)*x?\.|\.(?:png|jpe?g|gif|svg|webp|css|js)$")

_PAGES_OF_PEOPLE = (
    r"(?:https?://)?(?:[\w-]+\.)?(?:linkedin\.com/(?:in|pub|profile)/|xing\.com/(?:profile|people)/|facebook\.com/"
    r"(?:profile\.php\?|people/)|(?:t|wa)\.me/|bsky\.app/profile/|youtube\.com/@|tiktok\.com/@|threads\.net/@)[^\s,;\"'>)]+"
)
_HANDLES = (
    r"(?:https?://)?(?:www\.|mobile\.|m\.)?(?:twitter\.com|(?<![\w.])x\.com|instagram\.com|github\.com)/"
    r"(?!home|share|intent|search|hashtag|i/|explore|p/|reel|about|login|features|pricing|orgs|topics|marketplace)"
    r"@?[\w.-]+/?(?=$|[\s,;\"'>)?])"
)

_IBAN = r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,4})?\b"
_CARD = r"(?<![\d-])(?:\d{4}[ -]){3}\d{1,7}(?![\d-])|(?<![\d-])3\d{3}[ -]\d{6}[ -]\d{5}(?![\d-])"
_OFFICIAL = r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])|\b[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]\b"
_IP = (
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)|(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%\w+)?(?![\w:])|"
    r"(?<![\w:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w:-])"
)
_VERSION = re.compile(r"(?i)\b(?:v|ver|version|release|build|firmware)\.?\s*$")
_ABROAD = r"(?<![\w+])(?:\+|00)\s?\(?[1-9](?:[\s\u00a0().\-/–]{0,3}\d){6,14}(?!\w)"
_AT_HOME = (
    r"(?<![\w.+/-])\(?0[1-9][\d\s\u00a0()./–-]{6,20}\d(?![\w-])|(?<![\w.-])\(\d{3}\)\s?\d{3}[-. ]\d{4}(?![\w-])|"
    r"(?<![\w.-])(?:1[-. ])?[2-9]\d{2}([-.])\d{3}\1\d{4}(?![\w-])"
)
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
_IS_DATE = re.compile(rf"^\W*{_DATE}(?:\D.*)?$|^\W*\d{{1,2}}\s?[./ -]\s?(?:19|20)\d{{2}}(?!\d)")
_BORN = (
    rf"(?i)\b(?:born(?: on)?|geb\.|geboren(?: am| op)?|dob|née? le|nacid[oa] el|nat[oa] il|nascid[oa] em|ur\.)\s*:?\s*{_DATE}"
)

_ENGLISH_STREETS = r"(?:Street|St\b\.?|Road|Rd\b\.?|Avenue|Ave\b\.?|Lane|Boulevard|Blvd\b\.?|Drive)(?!\s+\d{4})"
_ROMANCE_STREETS = r"(?:Calle|C/|Avenida|Avda\.?|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Travessa|Praça|Largo)"
_STREETS = "|".join(
    (
        rf"[{_UP}][\w-]*(?:straße|strasse|str\.|weg|platz|allee|gasse|straat|laan|plein|gracht|kade)\s+\d{{1,4}}\s?[a-zA-Z]?\b",
        rf"[{_UP}][\w.-]*(?:\s[{_UP}][\w.-]*){{0,2}}[ -](?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse)\s+\d{{1,4}}[a-zA-Z]?\b",
        rf"\d{{1,5}}[a-z]?\s+(?:[{_UP}][\w'.]+\s+){{1,3}}{_ENGLISH_STREETS}",
        r"\d{1,4},?\s+(?:bis\s+|ter\s+)?(?:rue|avenue|boulevard|chemin|allée|impasse|quai|place)\s+(?:[\w'’-]+\s?){1,5}",
        rf"[Rr]ue\s+(?:de\s+|du\s+|des\s+|la\s+|l['’])*[{_UP}][\w'’ -]{{1,30}}?,?\s\d{{1,4}}\b",
        rf"{_ROMANCE_STREETS}\s+(?:(?:del?|l[ao]s?|d[ao]s?|dei)\s+)*[{_UP}][\w'’ ]{{1,30}}?,?\s+(?:n[.º°o]*\s*)?\d{{1,4}}\b",
        rf"(?:ul\.|ulica|al\.|aleja|os\.|pl\.)\s*[{_UP}][\w -]{{1,30}}?\s\d{{1,4}}(?:/\d+)?\b",
    )
)

_TITLES = (
    r"Mr\.?|Mrs\.?|Ms\.|Miss|Mister|Dr\.|Prof\.|Sir|Herrn?|Frau|Fräulein|Hr\.|Monsieur|Madame|Mme\.?|Mlle\.?|Señora?|Señorita|Sra\.|"
    r"Doña|Signora?|Sig\.(?:ra)?|Dott\.(?:ssa)?|Dhr\.|Mevr?\.|Mevrouw|Meneer|Senhora?|Dª\.?|Pani|Panem|Panią|Panu"
)
_TITLED = rf"(?<![\w.])(?:(?:{_TITLES})\s+)+(?P<words>{_NAME}(?:\s+{_NAME}){{0,2}})"
_CONTACT = (
    r"(?i:calls?|called|spoke|talked|talk|meetings?|met|demo|chat|chatted|lunch|intro|introduced?|voicemail|message|mail|e-mail|"
    r"email|letter|conversation|interview|contact|reminder|appointment|referred|referral|offer|quote|proposal|sent|assigned|"
    r"written|recommended|telefonat|gespräch|termin|anruf|besuch|rückruf|nachricht|besprechung|angebot|empfohlen|appel|"
    r"rendez-vous|réunion|rdv|entretien|offre|llamada|reunión|cita|oferta|chiamata|riunione|incontro|offerta|gesprek|afspraak|"
    r"offerte|chamada|reunião|rozmowa|spotkanie|telefon)\s+"
    rf"(?i:{'|'.join(sorted(vocabulary('contact')))})"
)
_MET = rf"(?<![\w]){_CONTACT}\s+(?P<words>{_NAME}(?:\s+{_NAME}){{1,2}})"
_ACTS = (
    r"(?:asked|asks|called|calls|wants|wanted|said|says|requested|requests|wrote|writes|replied|replies|signed|confirmed|declined|"
    r"registered|downloaded|attended|joined|is interested|would like|needs|mentioned|hat|möchte|fragte?|rief|sagte?|schreibt|"
    r"bittet|wünscht|meldet|veut|souhaite|demande|a demandé|quiere|solicita|vuole|chiede|wil|vraagt|quer|pede|chce|prosi)\b"
)
_ACTOR = rf"^\s*(?P<words>{_NAME}(?:\s+{_NAME}){{1,2}})(?=\s+{_ACTS})"
_GREETINGS = (
    r"(?:Hi|Hello|Dear|Hey|Hallo|Liebe[rs]?|Guten Tag|Sehr geehrte[rs]?|Bonjour|Cher|Chère|Hola|Estimad[oa]|Querid[oa]|Ciao|"
    r"Gentile|Car[oa]|Beste|Olá|Prezad[oa]|Cześć|Szanown[ay])"
)
_GREETED = rf"\b{_GREETINGS}\s+(?P<words>{_NAME}(?:\s+{_NAME})?)(?=\s*[,!–—-])"
_CLOSINGS = (
    r"(?i:(?:best|kind|warm|many)?\s?regards|best wishes|cheers|sincerely|(?:viele|beste|freundliche|liebe|herzliche)\s?"
    r"(?:grüße|grüsse|gruß)|cordialement|saludos|cordiali saluti|saluti|groet(?:en)?|atenciosamente|cumprimentos|pozdrawiam)"
)
_SIGNED = rf"\b{_CLOSINGS},?\s+(?P<words>{_NAME}(?:\s+{_NAME}){{0,2}})"
_FULL_NAME = rf"^\s*(?P<first>{_WORD})(?P<comma>,)?\s+(?P<last>{_NAME}(?:\s+{_NAME})?)\s*$"
_LABELLED = r"\b(?P<label>(?:[\w'’-]+ ){0,2}[\w'’-]+)\.?\s*[:=]\s*(?P<value>[\w+][^,;|\n&<>\[\]]{1,60})"
_SHORT_LABELS = frozenset({"name", "nom", "nome", "nombre", "naam", "address", "adresse", "via", "tel"})
_PARAMETER = r"[?&;](?P<key>[\w.%\[\]-]+)=(?P<value>[^&#\s;]+)"
_THINGS, _GIVEN_NAMES = vocabulary("things"), vocabulary("given")

Judge = Callable[[re.Match[str]], "bool | Personal | None"]


def _is_mail(match: re.Match[str]) -> bool:
    return _NO_MAIL.search(match[0]) is None


def _is_telephone(match: re.Match[str]) -> bool:
    return not _IS_DATE.match(match[0]) and is_national(match[0])


def _is_address(match: re.Match[str]) -> bool:
    return is_ip(match[0]) and _VERSION.search(match.string[: match.start()]) is None


def _is_name(words: str) -> bool:
    """Capitalised words of which none is a thing, such as a team or a campaign."""
    parts = [word.strip(".,'’-").casefold() for word in re.split(r"[\s,]+", words.strip()) if word]
    return 1 <= len(parts) <= 5 and not any(word in _THINGS or not word for word in parts)


def _are_names(match: re.Match[str]) -> bool:
    return _is_name(match["words"])


def _is_full_name(match: re.Match[str]) -> bool:
    """A frequent given name before or, with a comma, behind a family name, and nothing else."""
    first, last = fold(match["first"]).partition(" ")[0], match["last"]
    has_given_name = first in _GIVEN_NAMES or (match["comma"] is not None and fold(last).partition(" ")[0] in _GIVEN_NAMES)
    return has_given_name and len(last) > 1 and _is_name(f"{match['first']} {last}")


def _labelled(match: re.Match[str]) -> Personal | None:
    """Whether "label: value" tells a personal detail."""
    value, words = match["value"], match["label"].split()
    # of "Sent to first name" the first name is told; of "Campaign name" nothing personal
    labels = [" ".join(words[begin:]) for begin in range(len(words)) if not begin or fold(words[-1]) not in _SHORT_LABELS]
    kind = next((kind for label in labels if (kind := personal_header(label))), None)
    digits = len(re.findall(r"\d", value))
    borne_out = {
        "name": re.match(rf"[{_UP}]", value) is not None and _is_name(value),
        "postal address": re.match(rf"[{_UP}]|\d", value) is not None,
        "telephone number": digits >= 6,
        **dict.fromkeys(("date of birth", "official number", "bank account", "IP address"), digits > 0),
    }
    return kind if kind is not None and borne_out.get(kind, False) else None


def _parameter(match: re.Match[str]) -> Personal | None:
    """Whether a parameter of an address on the web tells a personal detail."""
    kind, value = personal_header(match["key"]), match["value"]
    digits = len(re.findall(r"\d", value))
    if kind == "name":
        return kind if re.match(r"[^\W\d_]", value) else None
    if kind == "telephone number":
        return kind if digits >= 6 else None
    return kind if kind and kind != "free text" and (digits or "@" in value or "%40" in value) else None


@dataclass(frozen=True)
class Rule:
    """What `pattern` matches in texts that show the `sign` is of this kind, where the judge says so; of a group `words` or
    `value` only that."""

    sign: str
    pattern: re.Pattern[str]
    kind: Personal
    judge: Judge | None = None


RULES = (
    Rule("parameter", re.compile(_PARAMETER), "name", _parameter),
    Rule("mail", re.compile(_CALLED_MAIL), "e-mail address", _is_mail),
    Rule("mail", re.compile(rf"(?i)mailto:[^\s>\"']+|<?{_MAIL}>?"), "e-mail address", _is_mail),
    Rule("mail", re.compile(r"^\s*@[A-Za-z_][\w.]{2,29}\s*$"), "social profile"),
    Rule("site", re.compile(f"(?i){_PAGES_OF_PEOPLE}|{_HANDLES}"), "social profile"),
    Rule("digits", re.compile(_IBAN), "bank account", lambda match: is_iban(match[0])),
    Rule("digits", re.compile(_OFFICIAL), "official number"),
    Rule("digits", re.compile(_CARD), "bank account", lambda match: passes_luhn(match[0])),
    Rule("address", re.compile(_IP), "IP address", _is_address),
    Rule("digits", re.compile(_ABROAD), "telephone number", lambda match: is_international(match[0])),
    Rule("birth", re.compile(_BORN), "date of birth"),
    Rule("digits", re.compile(_AT_HOME), "telephone number", _is_telephone),
    Rule("label", re.compile(_LABELLED), "name", _labelled),
    Rule("street", re.compile(_STREETS), "postal address"),
    Rule("title", re.compile(_TITLED), "name", _are_names),
    Rule("contact", re.compile(_MET), "name", _are_names),
    Rule("capitals", re.compile(_ACTOR), "name", _are_names),
    Rule("greeting", re.compile(_GREETED), "name", _are_names),
    Rule("closing", re.compile(_SIGNED), "name", _are_names),
    Rule("full name", re.compile(_FULL_NAME), "name", _is_full_name),
)

_SIGNS = (
    ("mail", re.compile(_AT_SIGN)),
    ("digits", re.compile(r"\d(?:[^\d]{0,5}\d){6}|[A-Z]{6}\d\d[A-Z]")),
    ("address", re.compile(r"\d\.\d+\.\d+\.\d|:[0-9A-Fa-f]*:|-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")),
)
_SITES, _BIRTHS, _STREET_ENDS = vocabulary("site"), vocabulary("birth"), tuple(vocabulary("street_ends"))
_STREET_STARTS = ("ul.", "al.", "os.", "pl.", "c/")
_TWO_CAPITALS = re.compile(rf"[{_UP}]\S*\s+\S*\s*[{_UP}]")
_WORDS_OF = {sign: vocabulary(sign) for sign in ("title", "contact", "greeting", "closing")}


def signs_of(text: str) -> set[str]:
    """The signs that a text shows: rules whose sign is missing need not look, which is most of the time."""
    lower = text.lower()
    words = {word.strip(".,!:;()[]\"'") for word in lower.split()}
    signs = {sign for sign, pattern in _SIGNS if pattern.search(text)}
    signs |= {sign for sign, of_sign in _WORDS_OF.items() if not words.isdisjoint(of_sign)}
    if ":" in text or "=" in text:
        signs |= {"label", "parameter"}
    if any(site in lower for site in _SITES):
        signs.add("site")
    if any(birth in lower for birth in _BIRTHS):
        signs.add("birth")
    if any(word.endswith(_STREET_ENDS) or word.startswith(_STREET_STARTS) for word in words):
        signs.add("street")
    if _TWO_CAPITALS.search(text):
        signs |= {"capitals", "full name"}
    return signs
