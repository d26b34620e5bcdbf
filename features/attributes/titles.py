"""A job title, English or German, read as a level of seniority and a business function.

The tables below are regular expressions over the *folded* title: lower case, ä = ae = a, ß = ss, accents and punctuation gone,
feminine and gendered endings removed. They are read from the top: the first that fits decides.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

from features.common.words import Language

SENIORITY_LABELS: dict[Language, tuple[str, ...]] = {
    "en": ("student or intern", "staff", "senior or specialist", "manager or team lead", "head or director", "vice president",
           "C-level or owner"),
    "de": ("Studium oder Ausbildung", "Fachkraft", "Senior oder Spezialist", "Manager oder Teamleitung",
           "Bereichs- oder Abteilungsleitung", "Vice President", "Geschäftsleitung oder Inhaber"),
}  # fmt: skip

FUNCTION_LABELS: dict[str, dict[Language, str]] = {
    "marketing": {"en": "marketing", "de": "Marketing"},
    "sales": {"en": "sales", "de": "Vertrieb"},
    "service": {"en": "customer service", "de": "Kundenservice"},
    "it": {"en": "IT", "de": "IT"},
    "engineering": {"en": "engineering", "de": "Technik und Entwicklung"},
    "product": {"en": "product", "de": "Produkt"},
    "finance": {"en": "finance", "de": "Finanzen"},
    "legal": {"en": "legal", "de": "Recht"},
    "hr": {"en": "human resources", "de": "Personal"},
    "purchasing": {"en": "purchasing", "de": "Einkauf"},
    "operations": {"en": "operations", "de": "Produktion und Logistik"},
    "consulting": {"en": "consulting", "de": "Beratung"},
    "administration": {"en": "administration", "de": "Verwaltung"},
    "management": {"en": "general management", "de": "Unternehmensleitung"},
    "other": {"en": "other", "de": "Sonstiges"},
}


class Title(NamedTuple):
    """What a job title says: `seniority` 0 (student) to 6 (C-level, owner), `function` of FUNCTION_LABELS; None if unknown."""

    seniority: int | None
    function: str | None


# Levels whose word is only borrowed: whoever assists, advises or writes for a chief is not one.
_SUPPORT = r"\w*assisten[tz]\w*|assistant|secretary|\w*sekretar\w*|pa|ea|aide|\w*schreibkraft"
_RANKED_ASSISTANT = r"assistant (?:vice|general|managing|director|manager|head|professor)\b"
_LEADS_SUPPORT = r"^(?:\w*leit(?:er|ung)|head|director|manager)\b"
_FORMER = r"^(?:ex|former|formerly|retired|ehemalig\w*|fruher\w*|rentner|pensionar)\b"

# fmt: off
_SENIORITY: tuple[tuple[int, str], ...] = (
    (0, r"""
        intern|internship|\w*student|studierende\w*|\w*praktik\w*|trainee|apprentice|azubi|\w*auszubildende\w*|
        volontar\w*|\w*lehrling|schuler|graduand|doktorand|working student
    """),
    (1, r"\w*mitarbeit\w* (?:der|des) .*"),
    (2, r"\w*referent|(?:advisor|adviser|office|counsel|reporting|reports|berater) (?:to|of|der|des) .*"),
    (4, r"(?:\w*leit\w+ )?(?:buro|stab|stabsstelle|sekretariat) (?:der|des) .*|chief of staff"),
    (2, r"""
        (?:product|process|service|application|system|data|platform|risk|asset|solution|feature|control) owner|
        (?:account|sales|marketing|advertising|customer|pr|hr|recruitment|client service|
        business development) executive|(?:art|creative) director|founding \w+|(?:business|hr|people|finance) partner
    """),
    (5, r"s?vp|evp|avp|vice president|vizeprasident|general manager|generaldirektor|generalbevollmachtigt\w*"),
    (6, r"""
        c(?:eo|fo|to|oo|mo|io|po|ro|so|do|co|ao|iso|hro|lo|xo|vo)|chief (?:\w+ ){1,3}officer|chief executive|
        chief (?:financial|technology)|managing director|managing partner|general partner|md|president|prasident|chair|
        chairman|chairwoman|chairperson|board(?: of directors)?|board member|executive board|\w*geschaftsfuhr(?:er|ers|
        ung)|geschaftsfuhrend\w*|geschaftsleit\w+|gf|ggf|\w*vorstand(?:in|e)?|vorstands(?:vorsitz\w*|mitglied|sprecher)|
        aufsichtsrat\w*|verwaltungsrat\w*|(?:co ?)?founder|(?:co ?)?owner|proprietor|entrepreneur|\w*grunder|\w*inhaber|
        \w*eigentumer|\w*unternehmer|\w*gesellschafter|self employed|selbst(?:st)?andig\w*|burgermeister|^partner$|
        ^partner (?:and|und|at|bei|in)|equity partner|^chef(?:in)?$
    """),
    (3, r"""
        (?:team|tech|technical|squad|chapter|group|shift|practice) lead(?:er)?|teamlead|\w*(?:team|gruppen|projekt|
        teilprojekt|schicht|filial|markt|bau|buro|kurs|referats|sachgebiets|bauprojekt)leit(?:er|ers|ung)|leitende\w*|
        supervisor|foreman|vorarbeiter|(?:werk|industrie|produktions|lager)?meister
    """),
    (4, r"""
        head|\w*(?:direktor|director)|prokurist|chief|\w*(?<!halb)(?<!beg)(?<!blitz)leit(?:er|ers|ung)|\w+chef(?:in)?|
        chef(?:redakteur|arzt|koch|einkaufer|ingenieur)|principal of|country manager|bereichsverantwortlich\w*|
        abteilungsdirektor|dean|dekan
    """),
    (2, r"""
        (?:key |strategic |global |junior |senior )*account manager|(?:office|community|case|content|social media|
        campaign|customer success|relationship|event|client|assistant|seo) manager
    """),
    (1, r"management (?:consultant|assistant)|junior \w+ manager"),
    (3, r"(?:\w*manager|mgr|lead(?! (?:gen\w*|nurtur\w*|manag\w*|qualif\w*|scor\w*)\b))"),
    (1, r"junior|jr"),
    (2, r"""
        senior|sr|principal|staff engineer|\w*speci?alist|\w*spezialist|expert\w*|\w*experte\w*|\w*architect|
        \w*architekt|fellow|professor|\w*beauftragt\w*|\w*officer|counsel|syndikus\w*|\w*justi[tz]iar|scientist|
        \w*rechtsanwalt\w*
    """),
    (1, r"""
        \w*sachbearbeit\w*|\w*mitarbeit\w*|clerk|coordinator|\w*koordinator\w*|associate|representative|rep|
        \w*administrator|admin\w*|agent|\w*kauf(?:er|mann|manner|frau|leute)|buyer|purchaser|\w*entwickler|developer|
        programmer|\w*programmierer|engineer|\w*ingenieur|dipl ing|technician|\w*techniker|\w*mechaniker|
        \w*konstrukteur|designer|\w*redakteur|editor|copywriter|texter|consultant|\w*berater|\w*betreuer|advisor|
        adviser|analyst|\w*analyst|accountant|bookkeeper|\w*buchhalter|\w*controller|auditor|recruiter|\w*jurist|lawyer|
        attorney|paralegal|\w*informatiker|\w*disponent|planner|\w*planer|operator|\w*fachkraft|\w*fachangestellt\w*|
        \w*angestellt\w*|employee|assistent|sdr|bdr|seller|salesman|saleswoman|\w*vertreter|marketer|teacher|lehrer|
        nurse|receptionist|empfang\w*|executive|employee|staff|freelancer?|freiberufl\w*|account executive|
        \w*assisten[tz]|assistant
    """),
)

# Trades that settle the function wherever they stand: an IT buyer buys, a sales recruiter recruits.
_TRADES: tuple[tuple[str, str], ...] = (
    ("purchasing", r"\w*(?<!ver)einkauf\w*|buyer|purchas\w+|procure\w*|beschaff\w+"),
    ("hr", r"""
        recruit\w*|headhunter|talent \w+|\w*personal(?:leit|refer|wesen|entwick|abteil|chef|sachb|manag|disp|vorstand|
        buro)\w*
    """),
    ("finance", r"""
        \w*buchhalt\w*|accountant|bookkeep\w*|(?<!traffic )(?<!quality )(?<!document )\w*controller|\w*controlling|
        accounts? (?:payable|receivable)|(?:kfm|kaufmannische[rn]?) (?:leit\w+|geschaftsfuhr\w+|direktor)|steuerberat\w*
    """),
    ("legal", r"""
        \w*jurist\w*|lawyer|attorney|counsel|\w*rechtsanw\w*|syndikus\w*|\w*justi[tz]iar|data protection|
        \w*datenschutz\w*
    """),
    ("marketing", r"""
        product marketing|produktmarketing|(?:marketing|crm|seo) (?:automation|technolog\w+|analyst|manager)
    """),
    ("sales", r"""
        sales engineer|presales|pre sales|account (?:executive|manager|director)|vertriebs(?:ingenieur|inn\w+)|
        sales (?:operations|ops)
    """),
    ("service", r"customer (?:success|service|care|support|experience)|service desk|help ?desk"),
    ("it", r"""
        (?:software|data|cloud|devops|machine learning|ml|ai|backend|frontend|full ?stack|web|platform|network|
        security) (?:engineer|architect)\w*|(?:solutions?|enterprise|it|system) architect|site reliability \w+|
        tech lead|\w*software\w*|information security|it security|cyber ?security
    """),
)

# Subjects: the one named first is taken ("Head of Marketing and Sales" is marketing).
_SUBJECTS: tuple[tuple[str, str], ...] = (
    ("marketing", r"""
        \w*marketing\w*|marketer|brand|cmo|seo|sea|content|social media|\w*kommunikation\w*|communications?|presse\w*|
        pr|public relations|growth|demand gen\w*|campaign\w*|kampagne\w*|werb(?:e|ung)\w*|advertising|events?|
        eventmanage\w*|art director|creative|copywriter|texter|crm|graphic designer|mediengestalt\w*
    """),
    ("sales", r"""
        sales\w*|\w*vertrieb\w*|\w*verkauf\w*|account|key account\w*|business development|geschaftsentwicklung|
        aussendienst\w*|innendienst\w*|commercial|revenu|cro|cco|cso|sdr|bdr|(?:handels|gebiets)vertreter|export\w*|
        partner manager|partnerships?|channel|seller|kundenberat\w*|kundenbetreu\w*|\w*handelskauf\w+|bid manager
    """),
    ("service", r"kundenservice|kundendienst\w*|support|customer|service\w*|call ?cent\w+|reklamation\w*"),
    ("it", r"""
        it|edv|ict|cio|cto|ciso|cdo|\w*informatik\w*|information technology|technology|systemadmin\w*|sysadmin|
        system administrator|network|netzwerk\w*|developer|programmer|\w*programmierer|(?:web|app|java|frontend|
        backend)?entwickler|devops|cloud|data|daten\w*|sap|digital\w*|database|cyber\w*|ai|scrum \w+
    """),
    ("engineering", r"""
        \w*engineer\w*|\w*ingenieur\w*|dipl ing|konstrukt\w+|\w*technik\w*|technische?r?|technical|r d|f e|research|
        \w*forschung\w*|(?:produkt|vor)?entwicklung\w*|\w*mechaniker|mechanical|development|labor\w*|scientist|
        innovation\w*
    """),
    ("product", r"products?|produkt(?!ion|iv)\w*|cpo|ux|ui"),
    ("finance", r"""
        financ\w+|\w*finanz\w*|cfo|accounting|rechnungswesen|treasur\w+|tax|steuer(?!ung)\w*|audit\w*|revision\w*|
        \w*bank\w*|billing|investment|investor relations|credit|kredit\w*|fakturier\w*
    """),
    ("legal", r"legal|\w*recht(?:e|s\w*)?|compliance|clo|privacy|contracts?|vertragsmanag\w*"),
    ("hr", r"""
        hr|chro|human resources?|people|personal(?! (?:assistan\w+|trainer|bank\w*|shopper|care|assisten\w+))\w*|talent|
        payroll|\w*lohnbuch\w*|learning|training|\w*ausbildung\w*
    """),
    ("purchasing", r"sourcing|category manager|materialwirtschaft|vendor"),
    ("operations", r"""
        operations?|ops|coo|\w*produktion\w*|production|\w*logisti\w*|supply chain|\w*lager\w*|warehous\w*|quality|
        \w*qualitat\w*|fertigung\w*|manufactur\w+|plant|werks?leit\w+|betriebs?leit\w+|betrieb|facilit\w+|versand\w*|
        \w*disponent|dispatch\w*|instandhalt\w*|maintenance|fleet|fuhrpark\w*|montage\w*|schichtleit\w*|(?:industrie|
        lager)meister|safety|arbeitssicherheit
    """),
    ("consulting", r"consult\w*|\w*berater|\w*beratung"),
)

# What is left when no subject is named.
_FALLBACK: tuple[tuple[str, str], ...] = (
    ("administration", _SUPPORT + r"""|
        \w*sachbearbeit\w*|office|\w*buro\w*|administ\w+|verwaltung\w*|clerk|receptionist|empfang\w*|admin|
        industriekauf\w+|\w*kauf(?:mann|frau)
    """),
    ("operations", r"projects?|\w*projekt\w*|pmo|program(?:me)? manager|process|prozess\w*"),
    ("management", r"""
        prokurist|general manager|country manager|strateg\w+|unternehmensentwicklung|chief of staff|niederlassung\w*|
        filial\w*|branch|standort\w*|generalbevollmachtigt\w*|management|regional\w*|vp|svp|evp|vice president|direktor|
        director|\w*bereichsleit\w+|\w*abteilungsleit\w+|geschafts\w+|ceo|owner|vorstand\w*|board
    """),
)
# fmt: on


def _whole_words(pattern: str) -> re.Pattern[str]:
    one_line = "".join(line.strip() for line in pattern.splitlines())
    return re.compile(rf"\b(?:{one_line})\b")


_SENIORITY_RE = [(level, _whole_words(pattern)) for level, pattern in _SENIORITY]
_TRADES_RE, _SUBJECTS_RE, _FALLBACK_RE = (
    [(name, _whole_words(pattern)) for name, pattern in table] for table in (_TRADES, _SUBJECTS, _FALLBACK)
)
_SUPPORT_RE, _RANKED_ASSISTANT_RE = _whole_words(_SUPPORT), _whole_words(_RANKED_ASSISTANT)
_LEADS_SUPPORT_RE, _FORMER_RE = re.compile(_LEADS_SUPPORT), re.compile(_FORMER)

_GENDERED = re.compile(r"\((?:[mwfdxia]\s*[/|,]\s*)+[mwfdxia]\)|[:*_/(]-?in(?:nen)?\b\)?|(?<=[a-z])In(?:nen)?\b", re.ASCII)
_FEMININE = re.compile(r"(?<=er|nt|st|ur|or|at|ar|af)in(?:nen)?\b")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "&": " ", "'": ""})


def _fold(title: str) -> str:
    text = unicodedata.normalize("NFC", _GENDERED.sub(" ", title)).casefold().translate(_UMLAUTS)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    text = re.sub(r"(?<![aeq])ue", "u", text.replace("ae", "a").replace("oe", "o"))  # Betreuer and Steuer keep theirs
    text = re.sub(r"\b([a-z])\.(?=[a-z]\b)", r"\1", text)  # c.e.o. → ceo
    text = " ".join(re.findall(r"[a-z0-9]+", text))
    return _FEMININE.sub("", text)


def _seniority(text: str) -> int | None:
    if _FORMER_RE.search(text):
        return None
    level = next((level for level, pattern in _SENIORITY_RE if pattern.search(text)), None)
    assists = _SUPPORT_RE.search(text) and not _RANKED_ASSISTANT_RE.search(text) and not _LEADS_SUPPORT_RE.search(text)
    return 1 if assists and level != 0 else level


def _function(text: str, seniority: int | None) -> str:
    for name, pattern in _TRADES_RE:
        if pattern.search(text):
            return name
    hits = [(hit.start(), -hit.end(), name) for name, pattern in _SUBJECTS_RE if (hit := pattern.search(text))]
    if hits:
        return min(hits)[2]
    if seniority is not None and seniority >= 5:
        return "management"
    return next((name for name, pattern in _FALLBACK_RE if pattern.search(text)), "other")


@lru_cache(maxsize=65_536)
def parse_title(title: str | None) -> Title:
    """The seniority and function a job title speaks of; case, umlauts (ä = ae) and gendered forms make no difference.

    A missing or blank title is unknown in both; a title in which no function is recognised has the function "other".

    >>> parse_title("Leiterin Vertrieb")
    Title(seniority=4, function='sales')
    >>> parse_title("Assistentin der Geschäftsleitung")
    Title(seniority=1, function='administration')
    >>> parse_title(None)
    Title(seniority=None, function=None)
    """
    text = _fold(title) if title else ""
    if not text:
        return Title(None, None)
    seniority = _seniority(text)
    return Title(seniority, _function(text, seniority))


def title_columns(titles: pd.Series[Any] | Sequence[str | None]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.object_]]:
    """Job titles, shape (n,) → seniority (n,) 0–6 with NaN where unknown, function (n,) with None where the title is missing.

    Each distinct title is read once. What is not text counts as missing.
    """
    import pandas as pd

    codes, distinct = pd.factorize(pd.Series(titles, dtype="object"))
    parsed = [parse_title(title if isinstance(title, str) else None) for title in distinct] + [Title(None, None)]
    seniority = np.array([np.nan if t.seniority is None else t.seniority for t in parsed], dtype=np.float64)
    function = np.array([t.function for t in parsed], dtype=np.object_)
    return seniority[codes], function[codes]
