"""The words by which `features.turning_away` tells acts of turning away, in English and German, and how a name is parted.

All are written as `clauses` writes a name: in lower case, without umlauts, with one blank between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal["refusal", "bounce"]
MOST_SIGNS = 200  # of a name

_CAMEL = re.compile(r"(?<=[a-zäöüß0-9])(?=[A-ZÄÖÜ])|(?<=[A-ZÄÖÜ])(?=[A-ZÄÖÜ][a-zäöüß])")
_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_PARTED = re.compile(r"[()\[\]{};,|→>]|:(?=[\s_]|$)|\s[-–—]+\s|\.\s")
_ONE_WORD = (
    (re.compile(r"\bwhats app\b"), "whatsapp"),
    (re.compile(r"\be (mails?|mailings?)\b"), r"e\1"),
    (
        re.compile(r"\b(?:hub spot|send grid|mail chimp|active campaign|customer io|pipe drive|clever reach|rapid mail)\b"),
        "crm",
    ),
)


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _any(*patterns: str) -> str:
    return f"(?:{'|'.join(patterns)})"


# what a mail is, and what may stand beside a word without changing what it says
MAIL = _set(
    "mail mails email emails emailing newsletter newsletters mailing mailings rundmail verteiler sms mms whatsapp text texts "
    "push message messages nachricht nachrichten abo abos abonnement subscription subscriptions"
)
_DELIVERY = _set("delivery deliver send sending sends mailer smtp versand zustellung transactional outbound")
_BESIDE = _set(
    "a an the as at by for from in is it of on to was were has have had been be got and or our us my your me they he she then "
    "event status type user list liste lists address adresse campaign kampagne contact kontakt contacts lead leads person "
    "prospect prospects recipient empfaenger customer kunde kunden client subscriber abonnent all alle group global globally "
    "indirect am als aus bei der die das den dem durch fuer hat im sich vom von wurde wird zum zur typ sie wir uns "
    "eingegangen erhalten requested asked listen telefonisch telefonische schriftlich schriftliche muendlich muendliche "
    "written verbal received reported manually automatically auto manuell again hard soft block permanent permanently "
    "temporary temporarily transient technical hosted hs cio interessent interessentin crm hubspot marketo salesforce pardot "
    "pipedrive mailchimp mandrill mailjet mailgun sendgrid brevo klaviyo braze iterable postmark eloqua marketing sparkpost "
    "ses gdpr dsgvo today heute action activity webhook provider server isp sender absender date datum reason grund property "
    "flag abuse spam"
)
_SALES = _set("sales vertrieb mql sql sal sdr bdr ae rep team account executive manager crm closed lost won not telefon phone")
_AUXILIARY = _set(
    "was were is are be been has have had hat ist wurde wird yet ever any the a an still longer mehr noch it so far"
)
# why a mail came back or a salesperson said no
REASONS = _set(
    "policy filter filtered spam content quota full voll mailbox postfach dns host domain unknown invalid unavailable "
    "reputation timeout budget price preis pricing timing competitor wettbewerb wettbewerber need bedarf fit size groesse no "
    "kein too zu expensive teuer small klein"
)
DOCUMENTS = _set("policy filter content faq")  # about refusing; beside a bounce they are its reason
FOLLOWING = _set("removed deleted cleared inactive geloescht entfernt inaktiv")  # what becomes of who bounced or unsubscribed
# what is read or counted, not done
MEASURES = _set(
    "rate rates ratio quote quoten score scores check checks checker test tests tester count counts number numbers statistics "
    "trend"
)
CONTENT = _set(
    "kauf bestellung vertrag vertrags order seminar seminare schulung konferenz conference messe fair webinar webinare "
    "webinars guide guides ebook whitepaper catalogue catalog katalog blog post explained article artikel tour training "
    "workshop course kurs video podcast tutorial template templates vorlage survey umfrage poll report reports bericht "
    "dashboard documentation docs help hilfe tips tipps checklist checkliste playbook event demo meeting termin house toolkit "
    "tool feature study studie best practice practices law laws gesetz belehrung audit settings einstellungen reminder "
    "erinnerung animation game"
)
# where an act is done: to be there is not to do it
WAYS = _set(
    "page pages seite seiten link links form forms formular formulare button buttons knopf landing landingpage center centre "
    "url site website preferences preference popup dialog modal maske screen"
)
HOLDERS = _set("campaign kampagne list liste event reason grund type status group contact contacts user lead request")

_WAY = _any(*sorted(WAYS))
_CARRIED_OUT = (
    r"(?:click(?:ed|s)?(?: on)?|submi(?:t|ts|tted|ssion)|confirm(?:ed|ation)?|complet(?:ed|ion)|used|sent in"
    r"|filled(?: (?:in|out))?|geklickt"
    r"|klick|abgesendet|abgeschickt|eingereicht|bestaetigt|ausgefuellt|genutzt|pressed|gedrueckt)"
)
_NO_PREPOSITION = r"(?!(?:via|from|on|through|with|using|for|ueber|auf|aus|mit)\b)"
_CARRYING_OUT = (
    re.compile(rf"(?: {_WAY})+(?: (?:was|wurde|is|got))? {_CARRIED_OUT}\b"),
    re.compile(rf"\b{_CARRIED_OUT} ((?:(?:the|an?|den|das|our) )*(?:{_NO_PREPOSITION}\w+ ){{1,3}}?){_WAY}\b"),
)

_MAILS = _any(*sorted(MAIL, key=len, reverse=True))
_SUBSCRIPTIONS = _any(
    "emails?", "mails", "newsletters?", "mailings?", "abos?", "abonnements?", "subscriptions?", "verteiler", "sms"
)
_WANT = (
    r"(?:call|contact|email|mail|phone|text|disturb|solicit|message|market|sms|fax|write|knock|send(?! (?:before|until|to)))"
)
_WANTING = r"(?:calling|contacting|emailing|mailing|texting|writing|sending|messaging|spamming|bothering)"
_LISTED = r"(?:black|block|deny|sperr|robinson|suppress|suppression|exclusion) ?list"
_CONSENT = (
    r"(?:(?<!cookie )(?<!cookies )(?:consent|permission|opt(?:ed)? ?in)|(?<!cookie )(?:einwilligung|zustimmung|erlaubnis))"
)
_WITHDRAWN = (
    r"(?:revoked?|revocation|withdraw\w*|withdrew|denied|refused|removed|entzogen|zurueckgezogen|verweigert|widerruf(?:en)?)"
)
_ENDED = (
    r"(?:cancell?(?:ed|ation|ations)?|stopped|terminated|ended|disabled|deactivated|(?:turned|switched) off"
    r"|gekuendigt|kuendigte?|kuendigung(?:en)?"
    r"|gestoppt|beendet|deaktiviert|abgeschaltet|gecancelt|storniert)"
)
_MARK = r"(?:report(?:ed|s)?|mark(?:ed|s)?|flag(?:ged|s)?|move[ds]?|classified|sent|put)"

# a person's or a salesperson's no, whatever else the name says
_REFUSALS = (
    r"\bunsubscri\w*|\bun subscri\w*|\bunsub(?:s|bed)?\b|\bunfollow(?:ed|s)?\b|\b(?:de|ent|ab)abonnier\w*|\bentfolgt\b",
    r"\bopt(?:ed|ing|s)? ?(?:(?:me|us|him|her|them) )?outs?\b",
    r"\babbestell\w*|\b(?:werbe ?)?widerspr(?:uch|ueche|ochen)\b|\bwiderrufe?n?\b",
    rf"\b{_CONSENT} (?:\w+ )?{_WITHDRAWN}\b|\b{_WITHDRAWN} (?:\w+ )?{_CONSENT}\b",
    r"\bno (?:marketing )?(?:consent|permission)\b",
    r"\bkeine (?:einwilligung|zustimmung)\b",
    r"\b(?:spam|junk) ?(?:report\w*|complain\w*|beschwerden?|meldung(?:en)?|markierung|gemeldet|markiert)\b",
    r"\babuse ?(?:report\w*|complain\w*)",
    r"\b(?:spamm|junk)ed\b|\bjunk leads?\b",
    rf"\b{_MARK} (?:(?:{_MAILS}|it|this|us|the|our) )*(?:as |for |to |into )?(?:a )?(?:spam|junk|unwanted)\b",
    r"\b(?:als|in) (?:spam|junk|unerwuenscht) (?:\w+ )?(?:gemeldet|markiert|eingestuft|gekennzeichnet|verschoben)\b",
    r"\b(?:gemeldet|markiert) als (?:spam|junk)\b",
    r"\bdis ?qualif\w*|\b(?:un|not |nicht )qualifi(?:ed|ziert)\b|\b(?:bad|no|not a|not a good|poor) fit\b",
    r"\bnot ?(?:(?:at all|currently|really|longer|yet|anymore) )?interested\b|\bno longer interested\b",
    r"\bnicht (?:mehr |weiter |wirklich )?interessiert\b",
    r"\b(?:no|lost|lack of) ?(?:more |further )?interest\b(?: (?:shown|expressed))?|\binterest lost\b",
    r"\bkein(?:erlei)? ?(?:weiteres |grosses )?interesse\b|\binteresse (?:verloren|zurueckgezogen|erloschen)\b",
    r"\b(?:un|dis)interested\b|\b(?:uninteressiert|desinteresse)\b|\bkein(?:en)? ?bedarf\b|\bno need\b(?! to)",
    r"\bno longer needed\b",
    rf"\b(?:do ?not|don ?t|never) ?(?:(?:ever|please|bulk|postal|cold) )?{_WANT}\b|\bdnc\b",
    r"\bnot to be (?:contacted|called|emailed|mailed)\b",
    rf"\bstop {_WANTING}\b",
    r"\bstop (?:(?:all|the|any|your|these) )*(?:emails|mails|newsletters?|sms|calls|messages|marketing|texts)\b",
    rf"\b{_MAILS} (?:(?:reply|replied|received|keyword|inbound|in) )*stopp?(?:en|ed|s)?\b",
    r"\b(?:replied|reply|texted|answered|keyword) stop\b|\bstop keyword\b",
    r"\bnicht (?:mehr |weiter )?(?:anrufen|kontaktieren|anschreiben|anmailen|stoeren|zusenden)\b",
    r"\bno (?:more|further) (?:e?mails?|calls|newsletters?|contact|messages|sms|ads|marketing)\b",
    r"\b(?:wants?|wishes) no (?:emails?|contact|calls|newsletters?)\b|\bno (?:emails|newsletters?|calls) please\b",
    r"\bkeine? (?:weiteren? )?(?:werbung|anrufe|e?mails?(?! adress)|newsletter|kontaktaufnahme)\b",
    r"\b(?:werbung|kontakt|kontaktaufnahme|anrufe?|e?mails?|newsletter) (?:nicht (?:mehr )?(?:er|ge)wuenscht|unerwuenscht)\b",
    r"\b(?:no longer|nicht mehr) (?:subscribed|abonniert)\b",
    r"\b(?:werbe|kontakt|anruf|telefon|e?mail|newsletter|versand) ?(?:sperre|sperrung|verbot|stopp|gesperrt)\b",
    rf"\b{_LISTED}(?:s|e|ed|ing)?\b|\bauf ?(?:der |die )?{_LISTED}e\b|\bsuppressed\b",
    rf"\b{_SUBSCRIPTIONS} (?:(?:abo|subscription|was|wurde|is|has been) )*{_ENDED}\b",
    rf"\b{_ENDED} (?:(?:of|the|my|des|vom|der|von|our) )*(?:(?:email|marketing|newsletter) )?{_SUBSCRIPTIONS}\b",
    r"\b(?:right to be forgotten|forget me|(?:erasure|deletion) requests?|loesch(?:antrag|anfrage|ung beantragt))\b",
)
_BOUNCES = (
    rf"\b(?:hard|soft|newsletter|{_MAILS}) ?(?:hard |soft |block )?bounc(?:e[ds]?|ing|ebacks?)\b",
    r"\bbounced? (?:emails?|mails?)\b|\bbouncebacks?\b",
    r"\bundeliver(?:ed|able)\b|\b(?:not|never) (?:be )?deliver(?:ed|able)\b|\bdelivery (?:status )?(?:fail\w*|error)",
    r"\bfailed (?:delivery|to deliver)\b",
    r"\bunzustellbar\w*|\bnicht (?:zustellbar|zugestellt)\b|\bzustell(?:ung )?(?:fehl\w*|nicht moeglich|gescheitert)",
    r"\bruecklaeufer\b",
    r"\binvalid (?:e?mail|recipient)(?: address)?\b",
    r"\be?mail ?(?:address |adresse )?(?:is |ist )?(?:invalid|ungueltig)\b|\bungueltige e?mail\b",
    r"\b(?:mailbox|postfach) (?:full|voll)\b|\b(?:unknown|unbekannter) (?:recipient|empfaenger)\b",
    r"\b(?:permanent|temporary) fail(?:ed|ure)?\b",
)
PLAIN: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("refusal", re.compile("|".join(_REFUSALS))),
    ("bounce", re.compile("|".join(_BOUNCES))),
)

# an act that has happened, and no noun
HAPPENED = re.compile(
    r"(?:\w{3,}ed|gone|abgemeldet|ausgetragen|abgesagt|abbestellt|gekuendigt|entzogen|widersprochen|gesperrt"
    r"|rejection)\b|opted out"
)
# nouns that are what a text before them is about ("Whitepaper Widerruf"), where "Demo: not interested" is what became of it
SUBJECT = re.compile(r"(?:.* )?(?:widerrufe?|(?:werbe ?)?widerspruch|kuendigung\b.*|\w*list\w*|bounces|spam \w+)$")
DENIED = re.compile(
    rf"\b(?:un|not|never|no|non|nicht|nie|niemals|kein|keine|keinen|anti|without|ohne|didn t|wasn t|hasn t|isn t)"
    rf"(?: (?:{'|'.join(sorted(MAIL | _AUXILIARY))}|vom|von|from|der))*$"
)
UNDOING = re.compile(
    r"\b(?:undo|undid|undone|undoing|revert(?:ed)?|lift(?:ed)?|revers(?:ed|al)|cancel(?:led|ed)?|revoked?"
    r"|withdr[ae]wn?|prevent(?:ed)?"
    r"|avoid(?:ed)?|avert(?:ed)?|abort(?:ed)?)"
    r"(?: (?:the|an?|my|their|of|from|off|for|von|vom|der|die|den|das|emails?|newsletter|sms))*$"
)
CLEARING = re.compile(
    r"\b(?:remov(?:ed?|al)|clear(?:ed)?|delet(?:ed?|ion)|reset|resolved?|ended)(?: (?:the|an?|my|their|of))*$"
)
TAKEN_OFF = re.compile(
    r"\b(?:(?:removed?|taken|deleted?|released?|entfernt)(?: \w+)? )?(?:from|off|of|aus|von)(?: (?:the|our|der|global))*$"
)
_THEN = (
    rf"^(?: ?(?:{'|'.join(sorted(MAIL | _AUXILIARY))}|flag|status|request|requests|entry|eintrag|again|wieder|later"
    rf"|spaeter|and|und|then|aus|"
    r"from|vom|von|der|by|mistakenly|successfully|erfolgreich|\d+) )*"
)
UNDONE = re.compile(
    _THEN + r"(?:undone|undo|revert(?:ed)?|reversed|reversal|restored|lifted|cancell?ed|revoked|revocation|withdrawn|aborted"
    r"|abandoned|prevented|averted|avoided|aufgehoben|rueckgaengig|zurueckgenommen|zurueckgezogen|widerrufen"
    r"|storniert|revidiert"
    r"|abgewendet|verhindert"
    r"|abgebrochen|entsperrt|freigegeben|(?:false|no|nein|0)$)\b"
)
CLEARED = re.compile(
    _THEN + r"(?:cleared|removed|removal|resolved|deleted|reset|geloescht|entfernt|behoben|erledigt|geklaert)\b"
    r"(?! (?:from|off|aus|von|vom))"
)
BACK_AGAIN = re.compile(
    _THEN + r"(?:re ?subscri\w*|re ?opt\w*|opt(?:ed|s)? (?:back )?in|wieder angemeldet|re ?activ\w+|reaktiv\w+|whitelist\w*)\b"
)

# what is said after these is how, where or why it was done
CIRCUMSTANCES = re.compile(
    r"(?:^| )(?:via|from|by|of|on|in|for|with|to|after|due|because|through|using|at|during|since|per|von|vom|aus"
    r"|ueber|durch|wegen|bei|beim"
    r"|im|am|auf|fuer|mit|nach|zu|zum|zur|an|aufgrund|mittels)(?= |$)"
)
MEANS = re.compile(
    r"(?:^| )(?:via|per|through|using|due|because|after|since|ueber|durch|wegen|aufgrund|mittels|nach|per)(?= |$)"
)
TOPIC = re.compile(
    r"\b(?:about|ueber|how to|wie|before|vor|instead of|statt|after|nach|(?:rate|number|share|count|zahl|anzahl"
    r"|quote) (?:of|der|von))$"
)
LOOKING = re.compile(
    r"\b(?:view\w*|visit\w*|seen|shown|displayed|previews?|previewed|impressions?|angesehen|angezeigt|besucht"
    r"|aufruf\w*|aufgerufen|hover\w*"
    r"|loaded|geladen|opened page|landed)\b"
)
ENGAGING = re.compile(
    r"\b(?:view\w*|opened|opens?|read|sent|delivered|downloaded|watched|attended|geoeffnet|gelesen|gesendet|versendet"
    r"|heruntergeladen)\b"
)
ABOUT_A_MAIL = re.compile(
    rf"\b(?:{_MAILS}|confirmation|bestaetigung)\b.*\b(?:sent|opened|delivered|read|clicked|gesendet|versendet"
    rf"|geoeffnet|gelesen|geklickt)\b"
    r"|^(?:open|opened|opens|geoeffnet)$"
)


@dataclass(frozen=True)
class InCompany:
    """Words that turn away beside words of `company` alone. `of_mail`: with a word of mails before the circumstances these may
    be any; `needs_mail`: they say nothing without; `loosely`: then even any word but of what is read, looked at or counted."""

    kind: Kind
    pattern: re.Pattern[str]
    company: frozenset[str]
    of_mail: bool = True
    needs_mail: bool = False
    loosely: bool = False

    def holds(self, beside: Collection[str], elsewhere: Collection[str], head: Collection[str], *, has_happened: bool) -> bool:
        """Whether the words `beside` the act in its clause, in those `elsewhere`, and in the `head` of its clause leave it
        an act."""
        own = {w for w in beside if not w.isdigit()}
        reasons = REASONS if self.kind == "bounce" or not self.of_mail else frozenset[str]()
        far = {w for w in elsewhere if not w.isdigit()} - reasons - (FOLLOWING if has_happened else frozenset[str]())
        has_mail = bool(self.signs & {*own, *far})
        if (has_mail or not self.needs_mail) and (own - reasons if has_happened else own) | far <= self.company:
            return True
        near = {w for w in head if not w.isdigit()}
        if not (self.of_mail and self.signs & near):
            return False
        return near <= self.company or (self.loosely and not self._is_read(" ".join(head)))

    @property
    def signs(self) -> frozenset[str]:
        return MAIL | _DELIVERY if self.needs_mail else MAIL

    @staticmethod
    def _is_read(text: str) -> bool:
        return bool(LOOKING.search(text) or ENGAGING.search(text) or set(text.split()) & (CONTENT | MEASURES | WAYS | REASONS))


def _company(kind: Kind, pattern: str, company: frozenset[str], **more: bool) -> InCompany:
    return InCompany(kind, re.compile(pattern), company, **more)


_NEAR_MAIL = _BESIDE | MAIL | _DELIVERY
_DROPPED = r"dropped(?! (?:in|into|by|off|at)\b)|blocked|blockiert|cleaned"
_INNER = r"((?:\w+ ){0,3})"
IN_COMPANY = (
    _company("bounce", r"\b(?:bounc(?:e[ds]?|ing)|gebounc(?:ed|t))\b", _NEAR_MAIL, loosely=True),
    _company(
        "refusal",
        r"\b(?:spam|junk(?! mails?\b)|abuse|complain(?:t|ts|ed)|beschwerden?|beschwert|object(?:ed|ion|ions))\b",
        _NEAR_MAIL,
        loosely=True,
    ),
    _company(
        "refusal",
        r"\b(?:abmeld(?:e|ung|ungen|en|er)|abgemeldet|ausgetragen|austragung(?:en)?)\b",
        _NEAR_MAIL - {"event"},
        loosely=True,
    ),
    _company("bounce", rf"\b(?:{_DROPPED}|quarantined|reject(?:ed|ion|ions|s)?)\b", _NEAR_MAIL, needs_mail=True),
    _company("bounce", r"\b(?:fail(?:ed|ure|ures|s)?|fehlgeschlagen|gescheitert)\b", _NEAR_MAIL, needs_mail=True),
    _company("refusal", r"\b(?:declined|refused|abgelehnt)\b", _NEAR_MAIL, needs_mail=True),
    _company("refusal", r"\b(?:gekuendigt|kuendigung(?:en)?)\b", _NEAR_MAIL, of_mail=False, needs_mail=True),
    _company(
        "refusal", r"\bstopp?\b", _NEAR_MAIL | _set("reply replied answer keyword inbound"), of_mail=False, needs_mail=True
    ),
    _company("bounce", rf"\b(?:{_DROPPED})\b", _BESIDE, of_mail=False),
    _company("refusal", r"\b(?:gesperrt|suppression|turned us down|said no|says no|hat nein gesagt)\b", _NEAR_MAIL),
    _company(
        "refusal",
        rf"\b(?:remov(?:ed?|al)|deleted?|taken?|left|leave|unlisted) (?:(?:me|us|contact|lead) )?(?:from |off |of "
        rf"|the )*{_INNER}lists?\b|\blists? (?:removal|left)\b"
        rf"|\b(?:aus|von|vom) {_INNER}(?:liste|verteiler|newsletter) (?:entfernt|geloescht|gestrichen|genommen)\b"
        rf"|\b{_INNER}(?:liste|verteiler) verlassen\b",
        _NEAR_MAIL,
    ),
    _company(
        "refusal",
        r"\b(?:reject(?:ed|ion|ions|s)?|declined?|refused|refusal|abgelehnt|ablehnung(?:en)?|(?:ab|zurueck)gewiesen)\b",
        _BESIDE | _SALES,
        of_mail=False,
    ),
    _company("refusal", r"\b(?:absagen?|abgesagt|dq)\b", (_BESIDE | _SALES) - {"event"}, of_mail=False),
)


def clauses(name: str) -> list[str]:
    """The clauses of a name, which brackets, a colon or a comma part: words in lower case, without umlauts, one blank between.

    Words written together are parted where each of them has a meaning here ("hardbounce", "Newsletterabmeldung"). Of a text
    that is too long for a name the beginning counts.
    """
    texts = (_text(clause) for clause in _PARTED.split(unicodedata.normalize("NFKC", name[:MOST_SIGNS])))
    return [text for text in texts if text]


def _text(clause: str) -> str:
    text = _CAMEL.sub(" ", clause).casefold().translate(_SPELLING)
    text = " ".join(re.findall(r"[a-z0-9]+", text))
    for pattern, word in _ONE_WORD:
        text = pattern.sub(word, text)
    text = " ".join(part for word in text.split() for part in _parts(word))
    for pattern in _CARRYING_OUT:
        text = pattern.sub(lambda match: match[1].strip() if match.re.groups else "", text)
    return text


_COMPOUND = (
    MAIL | WAYS | CONTENT | MEASURES
    | _set(
    "hard soft block bounce bounced bounces spam junk report reports reported complaint complaints marked as abuse opt out "
    "opted in not interested interest kein keine interesse do call contact dnc stop stopp dropped failed blocked undelivered "
    "undeliverable abmeldung abmeldungen listen liste austragung abmelde abgemeldet abbestellung abbestellt kuendigung "
    "gekuendigt widerruf widerspruch werbe einwilligung einwilligungs abmeldungs kuendigungs widerrufs unsubscribe "
    "unsubscribed unsub list black removed from meldung beschwerde marketing absage absagen lead leads sales rejected "
    "disqualified confirmation"
)
)  # fmt: skip


@lru_cache(maxsize=4_096)
def _parts(word: str) -> tuple[str, ...]:
    """A word as the words it is made of, if all of them are known; else itself."""
    if word in _COMPOUND or len(word) > 40:
        return (word,)
    for end in range(len(word) - 2, 1, -1):
        if word[:end] in _COMPOUND:
            following = _parts(word[end:])
            if all(part in _COMPOUND for part in following):
                return (word[:end], *following)
    return (word,)
