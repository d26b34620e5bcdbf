"""Which personal detail a header speaks of, in English, German, French, Spanish, Italian, Dutch, Portuguese and Polish.

Plain Python without pandas: the server asks it of every attribute that comes in. A header about a person's mail is not personal
when it is a count, a flag, a date or a domain ("Emails opened", "Do Not Email", "E-Mail-Domain").
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from features.common.persons.vocabulary import vocabulary

Personal = Literal[
    "name", "e-mail address", "telephone number", "postal address", "date of birth", "official number", "bank account",
    "IP address", "social profile", "free text",
]  # fmt: skip

_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "l", "ø": "o", "Ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ı": "i"})

# order counts: an IP address is no postal one, an e-mail address neither
_KINDS: dict[Personal, str] = {
    "IP address": r"""
        ip(?:\ v?\ ?[46])?\ ?(?:addr\w*|adres\w*|address\w*|number|nummer)?|ipaddress\w*|ipaddr|i\ pv\ [46]|adresse\ ip|
        direccion\ ip|
        indirizzo\ ip|endereco\ ip|adres\ ip|remote\ addr\w*|x\ forwarded\ for|mac\ addr\w*
    """,
    "e-mail address": r"""
        e\ ?mails?(?:\ ?a[dn]d?res\w*)?|(?:\w+\ )?mail\ ?ad+res\w*|mails?|courriels?|correo(?:\ electronico)?|
        posta\ elettronica|
        poczta|mel|e\ ?postadres|mailto|gmail|e\ ?post
    """,
    "telephone number": r"""
        (?:mobile?|home|work|cell|business|assistant|other|office|private|direct|personal|day|evening)?\ ?
        (?:tele)?phones?(?:\ ?(?:number|no|nr|num))?|phonenumbers?|tele(?:fon|phone|foon|foni|fone)\w*|telefono|
        telefonos|telefone|telemovel|telemoveis|cellulare|celular|celulares|\w*telefon\w*|\w*telefoon\w*|tel|tel\ ?n[ro]|
        mobiles?(?:\ (?:number|no|nr))?|mobil|mobil\w*nummer|mobilfunk\w*|mobilnr|mobiel\w*|movil|moviles|portables?|gsm|
        handy\w*|cell|fax|faxes|\w*faxnummer|fax\ ?n[ro]|telefax\w*|faks\w*|rufnummer\w*|durchwahl|whats\ ?app|viber|fon|
        komork\w*|numer\ komorkowy|direct\ (?:dial|line)|contact\ number|kontaktnummer|msisdn|telegram|skype
    """,
    "postal address": r"""
        streets?(?:\ ?(?:name|number|no|address|line|\d))*|strassen?(?:\ ?(?:name|n[ro]|nummer|und\ \w+))*|str(?:\ ?n[ro])?|
        anschrift\w*|
        hausnummer|hausnr|haus\ n[ro]|house\ (?:number|no|name)|huisnummer|numero\ civico|n[ro]\ domu|numer\ domu|apartment|
        (?:mailing|billing|shipping|home|postal|street|residential|permanent|private|delivery|other|work|primary|
        contact|person|customer|invoice|rechnungs|liefer|liefer\w*|post|wohn|privat|heim)\ ?a[dn]d?ress?e?s?|
        wohnadresse|postadresse|privatadresse|rechnungsadresse|lieferadresse|heimadresse|wohnanschrift|
        address\ (?:\d\ )?(?:line|street|composite)|ad+ress\ [12]|
        ad+resse?(?:\ (?:postale|complete|\d))?|addr(?:\ ?\d)?|rue|voie|adresse\ de\ (?:facturation|livraison)|calle|
        direccion(?:es)?(?:\ (?:postal|particular))?|domicilio|indirizzo(?:\ di\ \w+)?|via|straat\w*|woonadres|
        adres(?:\ \w+)?|
        morada|endereco(?:\ \w+)?|rua|logradouro|ulica|po\ box|postfach|
        (?:mailing|home|person\w*|contact|billing|address\ \d)\ (?:latitude|longitude|geocode\w*)|gps\w*|geo\ ?coordinates|
        lat\ ?l[oa]ng|
        home\ location
    """,
    "date of birth": r"""
        dates?\ of\ birth|birth\ ?(?:date|day)s?|b\ ?day|born(?:\ on)?|dob|d\ o\ b|geburts\ ?(?:datum|tag|dat)|
        geb\ ?(?:dat\w*|tag)|
        geboren(?:\ am)?|date\ (?:de\ )?naissance|naissance|nee?\ le|fecha\ (?:de\ )?nacimiento|nacimiento|cumpleanos|
        data\ (?:di\ )?nascita|nascita|compleanno|geboorte\ ?(?:datum|dag)|verjaardag|
        data\ (?:de\ )?nascimento|nascimento|data\ de\ aniversario|data\ ur\w*|urodziny|data\ urodzenia
    """,
    "bank account": r"""
        ibans?|iban\ \w+|bank\ ?account\w*|bank\ ?acct|kontonummer|konto\ ?n[ro]|bankverbindung|bankkonto|kontoinhaber|
        rekening\ ?(?:nummer|n[ro])|numero\ de\ (?:cuenta|compte|conta)|cuenta\ bancaria|compte\ bancaire|conto\ (?:corrente|
        bancario)|conta\ bancaria|numer\ (?:rachunku|konta)|n[ro]\ (?:rachunku|konta)|rachunek\ bankowy|
        (?:credit|debit|payment)\ ?card(?:\ (?:number|no|nr))?|card\ ?(?:number|no|nr)|cardnumber|kreditkarte\w*|kartennummer|
        carte\ (?:bancaire|de\ credit)|tarjeta\ de\ credito|numero\ (?:de\ tarjeta|carta)|carta\ di\ credito|
        cartao\ de\ credito|n[ro]\ karty|numer\ karty|sort\ code|routing\ number|credit\ card\ holder|\w*cc\ number
    """,
    "official number": r"""
        passport\w*(?:\ \w+)?|reisepass\w*|pass\ ?(?:nummer|n[ro])|passeport|pasaporte|passaporto|paspoort\w*|passaporte|
        paszport\w*|
        numer\ paszportu|(?:\w*)ausweis\w*|id\ ?card(?:\ (?:number|no|nr))?|identity\ (?:card|number|document)\w*|
        identification\ number|(?:national|personal|government|citizen|resident|state)\ ?(?:id|identi\w+|insurance)\w*
        (?:\ (?:number|no|nr))?|governmentid|nationalid|personalnummer|perso\ ?n[ro]|carte\ d\ ?identite|piece\ d\ ?identite|
        cni|documento(?:\ de\ \w+|\ d\ ?identita|\ identita)?|carta\ d\ ?identita|identiteits\w*|id\ ?kaart\w*|
        bilhete\ de\ identidade|cartao\ de\ cidadao|dowod\w*(?:\ \w+)?|n[ro]\ dowodu|numer\ dowodu|
        ssns?|social\ (?:security|insurance)\w*(?:\ (?:number|no|nr))?|sin\ number|socialsecurity\w*|
        sozialversicherung\w*|sv\ ?(?:nummer|n[ro])|rentenversicherung\w*|krankenversicher\w*|
        (?:numero\ (?:de\ )?)?securite\ sociale|n\ ?secu|nir|(?:numero\ (?:de\ )?)?seguridad\ social|nuss|seguranca\ social|
        niss|dni|nie|nif|codice\ fiscale|cod\ ?fisc\w*|codicefiscale|bsn|burgerservice\w*|sofi\ ?nummer|cpf|curp|rfc|
        pesel|nip|steuer\ ?(?:id\w*|nummer|n[ro])|steueridentifikations\w*|(?:tax|taxpayer)\ ?(?:id\w*|number|no|nr|file\ \w+|
        reference)|taxid|tin|itin|numero\ (?:de\ )?(?:identification\ )?(?:fiscal|fiscale|contribuinte|impots)|nino|
        insurance\ (?:number|no|nr)|patient\ (?:id|number)|nhs\ number|health\ (?:insurance|card)\ \w+|
        driv\w+\ ?s?\ licen[cs]es?(?:\ \w+)?|fuhrerschein\w*|fuehrerschein\w*|permis\ de\ conduire|carnet\ de\ conducir|
        patente(?:\ di\ guida)?|
        rijbewijs\w*|carta\ de\ conducao|prawo\ jazdy|licen[cs]e\ plate\w*|number\ plate|kfz\ ?kennzeichen|aadhaar\w*|
        numer\ identyfikacyjny|matricule
    """,
    "social profile": r"""
        (?:linked\ ?in|xing|facebook|twitter|instagram|tiktok|tik\ tok|github|gitlab|snapchat|youtube|mastodon|bluesky|
        threads|pinterest)
        (?:\ ?(?:profile?|profil|url|link|handle|id|user|username|account|bio|name|profile\ (?:url|link)|display\ name))*|
        linkedinbio|twitterhandle|twitterbio|(?:social|public|profile|profil|photo|avatar|picture|user)\ (?:profile|profil|
        media\ profile|
        url|link|photo|picture|handle|image)(?:\ (?:url|link))?|avatar\w*|x\ handle|social\ handle|perfil\ (?:de\ )?\w+|
        profilo\ \w+|profil\ (?:linkedin|xing|facebook|\w+owy)
    """,
    "name": r"""
        (?:first|last|middle|given|family|full|sur|maiden|second|nick|user|display|contact|person|people|lead|customer|
        client|guest|
        member|patient|employee|candidate|applicant|student|spouse\w*|partner|father|mother|parent|child|recipient|sender|
        author|
        signer|signatory|attendee|participant|subscriber|visitor|holder|cardholder|preferred|legal|birth|buyer|prospect|
        subscriber|registrant|manager|assistant|owner|rep|agent|salesperson|decision\ maker|billing|shipping|kontakt\w*|
        kunden?\w*|ansprech\w*|interessenten?|person\w*|teilnehmer|benutzer|nutzer|login|screen|yomi\ ?\w*|f|l)\ ?names?|
        spouses?\ ?name|surnames?|fore\ ?names?|given\ ?name|initials?|vor\ ?namen?|nach\ ?namen?|familien\ ?namen?|zu\ ?name|
        ruf\ ?name|geburts\ ?name|madchenname|maedchenname|vor\ und\ nachname|ansprechpartner(?:in)?|ansprech\ partner\w*|
        kontaktperson|contact\ ?persons?|point\ of\ contact|attn|inhaber|geschaftsfuhrer\w*|geschaeftsfuehrer\w*|
        prenoms?|noms?(?:\ (?:et\ prenoms?|de\ famille|complets?|(?:du|de\ la|des|de)\ (?:contacts?|clients?|personne|
        prospect|responsable)|contact|client|utilisateur|d\ utilisateur|de\ naissance))?|
        interlocuteur|personne\ (?:de\ |a\ )?contact\w*|pseudo|
        nombres?(?:\ (?:y\ apellidos?|completo|(?:del?|de\ la)\ (?:contacto|cliente|persona|usuario)|cliente|contacto|
        de\ pila))?|
        apellidos?(?:\ \w+)?|persona\ de\ contacto|
        nomi?e?(?:\ (?:e\ cognome|completo|(?:del?|di)\ (?:contatto|cliente|battesimo)|cliente|contatto|utente|proprio|
        (?:do|da|de)\ (?:contato|contacto|cliente|pessoa|usuario|utilizador)))?|cognomi?e?|nominativo|
        persona\ di\ (?:contatto|
        riferimento)|referente|
        voor\ ?naam|achter\ ?naam|roep\ ?naam|familie\ ?naam|naam|tussenvoegsel\w*|voor\ ?letters|volledige\ naam|
        contact\ ?persoon|contact\ ?naam|klant\ ?naam|
        gebruikers\ ?naam|meisjesnaam|naam\ (?:klant|contact\w*)|
        sobrenomes?|apelidos?|primeiro\ nome|ultimo\ nome|nome\ de\ familia|pessoa\ (?:de\ )?conta[ct]+o|
        imie|imiona|nazwisko\w*|imie\ i\ nazwisko|osoba\ (?:kontaktowa|do\ kontaktu)|nazwa\ uzytkownika|pelne\ imie|
        drugie\ imie|nazwisko\ \w+|uzytkownik
    """,
    "free text": r"""
        (?:(?:internal|sales|call|meeting|personal|private|contact|lead|additional|other|general)\ )?(?:notes?|comments?|
        remarks?|
        descriptions?|messages?|memo|free\ ?text|transcript|feedback)(?:\ (?:text|body))?|(?:body|mail|message|
        email)\ (?:text|body)|
        notiz\w*|bemerkung\w*|kommentar\w*|anmerkung\w*|nachricht\w*|beschreibung\w*|freitext|gesprachsnotiz\w*|
        remarques?|commentaires?|observations?|message|observaciones?|comentarios?|notas?|mensajes?|descripcion|
        note|appunti|osservazioni|commenti?|messaggio|descrizione|opmerking\w*|notities?|bericht\w*|omschrijving|toelichting|
        observacoes|mensagem|mensagens|descricao|anotacoes|uwagi|notatk\w*|wiadomosc\w*|komentarz\w*|opis
    """,
}
_NOT_PERSONAL = r"""
    domains?|domena|dominio|domaine|domein|opt|optin|optout|status|stat|type|typ|tipo|types|art|soort|rodzaj|count|counts|
    counter|cnt|
    anzahl|liczba|ilosc|aantal|cantidad|quantidade|quantita|number\ of|numero\ de\ (?:mails|courriels|correos)|no\ of|num\ of|
    nr\ of|n\ of|total|sum|summe|avg|average|rate|quote|ratio|share|percent|pct|taux|tasa|tasso|taxa|
    opens?|opened|open|geoffnet\w*|geoeffnet\w*|ouverts?|abiertos?|aperti|aperte|geopend|abertos?|otwart\w*|
    clicks?|clicked|geklickt|klicks?|ctr|sends?|sent|gesendet|versendet|envoyes?|enviados?|inviat\w+|verzonden|wyslan\w*|
    delivered|zugestellt|bounced?|bounces|replied|repl(?:y|ies)|engagement|activit(?:y|ies)|aktivitat\w*|visits?|besuche|
    sources?|quelle|fuente|fonte|origine|origen|origem|zrodlo|bron|herkunft|medium|channel|kanal|canal|canale|consent\w*|
    gdpr|dsgvo|
    rodo|rgpd|lgpd|zgoda|toestemming|consentimiento|consentement|consenso|valid\w*|invalid|verif\w+|confirmed|deliverab\w+|
    provider|
    anbieter|newsletters?|infolettre|boletin|biuletyn|nieuwsbrief|campaigns?|kampagnen?\w*|campagne|campana|campagna|
    campanha|kampani[ai]|templates?|vorlage\w*|subject|betreff|objet|asunto|oggetto|onderwerp|assunto|temat|permission|
    einwilligung|
    do\ not|dont|not|nicht|ne\ pas|no\ call|unsubscri\w*|subscribed|subscription|abonn\w+|abo|abmeldung|cause|reasons?|grund|
    motivo|motif|raison|powod|reden|scores?|scoring|rating|compan(?:y|ies)|firma|firmen\w*|firmy|unternehmen\w*|
    organi[sz]\w+|org|
    entreprise|societe|compagnie|empresa|azienda|aziendale|ditta|societa|bedrijfs?\w*|przedsiebiorstw\w*|spolki|sociedade|
    employer|arbeitgeber\w*|school|universit\w+|account|produkt\w*|products?|produits?|productos?|prodott[oi]|produtos?|
    produktu|events?|
    veranstaltung\w*|evenements?|eventos?|wydarzenia|lists?|liste|lista|lijst|forms?|formular\w*|formulaire|formulario|modulo|
    pages?|seiten?\w*|pagina|paginas|strony|sites?|webseite|websites?|web|internet\w*|url|urls|uri|http|webinars?|eligib\w+|
    preferences?|area\ code|vorwahl|prefix|country\ code|country|land|pais|paese|pays|kraj|last|letzte\w*|first\ (?:marketing|
    sales)|time\ ?zone|zone|device|devices|geraet\w*|gerat\w*|model|os|operating|app|apps|version\w*|sdk|browser|
    user\ agent|is|has|
    had|hat|ist|flag|exists|available|provided|missing|known|filled|length|format|quality|risk|category|kategorie|categoria|
    categorie|class|klasse|segment|group|gruppe|level|tier|stage|plan|language|sprache|frequency|carrier|
    ads?|advert\w*|anzeigen?|impressions?|likes|follow\w*|shares|views|traffic|fans|posts?|region|city|stadt|ville|
    ciudad|citta|stad|cidade|miasto|county|states?|province|provincia|provincie|bundesland|kanton|canton|wojewodztwo|
    zip|zip\ ?code|plz|postleitzahl|post\ ?code|postal\ code|latency|deal|opportunit\w+|
    project|projekt\w*|projet|proyecto|progetto|file|datei\w*|
    fichier|folder|host|server|table|column|field|feld|brand|marke|marque|marca|merk|category|tag|tags|topic|thema|theme|
    article|
    artikel\w*|asset|content|inhalt|workflow|sequence|pipeline|store|shop|branch|filiale|team|department|abteilung|role|rolle|
    titles?|titel|position|job|industry|branche|market|markt|program\w*|cours\w*|kurs\w*|kurz\w*|bundle|sku|
    license|lizenz|software|tool|system|sessions?|sitzungen|usage|nutzung|days?|tage|jours|dias|giorni|dagen|since|seit|
    hour|hours|duration|
    attempts|versuche|capability|support|center|centre|system|service|marketing|sales\ (?:email|activity)|hash\ type|
    place|ort|lugar|lieu|luogo|plaats|miejsce|year|jahr|annee|ano|anno|jaar|rok|month|monat|week|quarter|equipment|rights|
    property|telecom\w*|operator|anbieter|gender|geschlecht|queue|reference\ type|range|allowed|required|enabled|integration
"""
_OWN_WORDS: dict[Personal, str] = {  # of what a header of this kind is harmless besides
    "e-mail address": r"client|software|programm|verkehr|marketing|tool|server|system|sequence|id|ids|number|nummer|list",
    "telephone number": r"campaign|call|calls|anrufe|iphone|i\ phone|marketing|number\ of|minutes",
    "social profile": r"campaign|ads?|company|page|source|connections|kontakte|lead|leads|clicks?|click\ id|gclid|fbclid|group",
    "postal address": r"e\ ?mail|ip|wallet|mac|count|domain|validity",
    "date of birth": r"campaign|mail|sent|coupon|voucher|gutschein|offer|country",
    "official number": r"software|key|type|expired?|valid\w*|gultig\w*|company|country|rate|class",
    "name": r"""
        id|ids|nr|code|de\ (?:la|el|l|los|las|le|du)?\ ?(?:mails|enfants|hijos|employes|empleados|visites|visitas|salaries|
        pages|clics|clicks|
        paginas|pedidos|contactos|oficinas|usuarios)|metric|variable|source\ name|campaign|utm|keyword|d\ employes|d\ hotes|
        unit|currency|sheet|color|colour|material|location|warehouse|office|cluster|list|report|feature|parameter
    """,
    "free text": r"""
        category|kategorie|code|count|type|id|date|short|product|seo|meta|page|industry|branche|sic|naics|company|job|role
    """,
}
# a person or a channel, a page or a team: the values decide
PERSON_ALONE = vocabulary("alone")
_OWNER = r"""
    owner|owners|besitzer|assigned\ to|assigned|assignee|zustandig\w*|zustaendig\w*|zugewiesen\w*|betreuer\w*|
    sachbearbeiter\w*|bearbeiter\w*|
    verantwortlich\w*|account\ (?:manager|executive)|sales\ ?(?:rep|reps|person|representative|agent)|salesperson|rep|
    vertriebler\w*|vertriebsmitarbeiter\w*|kundenbetreuer\w*|proprietaire|responsable|charge\ de\ clientele|commercial|
    propietario|
    vendedor|comercial|asignado\ a|responsabile|proprietario|venditore|agente|assegnato\ a|eigenaar|verkoper|
    verantwoordelijke|
    toegewezen\ aan|responsavel|atribuido\ a|dono|opiekun|wlasciciel|handlowiec|przypisany\ do|sdr|bdr|csm|decision\ maker|
    champion
"""


def _compact(pattern: str) -> str:
    return "".join(line.strip() for line in pattern.splitlines())


_WORDS = {kind: re.compile(rf"\b(?:{_compact(pattern)})(?= |$)") for kind, pattern in _KINDS.items()}
_NOT_WORDS = re.compile(rf"\b(?:{_compact(_NOT_PERSONAL)})(?= |$)")
_NOT_OF_KIND = {kind: re.compile(rf"\b(?:{_compact(pattern)})(?= |$)") for kind, pattern in _OWN_WORDS.items()}
_OWNERS = re.compile(rf"\b(?:{_compact(_OWNER)})(?= |$)")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_TOKENS = re.compile(r"[a-z]+|[0-9]+")
_COMPANY_KINDS = ("name", "official number", "social profile", "free text")  # of a company these are its own


def fold(header: str) -> str:
    """A header as words in lower case without accents.

    >>> fold("hs_additional_emails"), fold("PersonMobilePhone"), fold("Straße / Nr."), fold("IPAddress1")
    ('hs additional emails', 'person mobile phone', 'strasse nr', 'ip address 1')
    """
    letters = unicodedata.normalize("NFKD", _CAMEL.sub(" ", header).translate(_LETTERS))
    plain = "".join(c for c in letters if not unicodedata.combining(c)).casefold()
    return " ".join(_TOKENS.findall(plain))


@lru_cache(maxsize=4096)
def personal_header(header: str, table: str = "leads") -> Personal | None:
    """What personal detail a header speaks of, if any. In `companies` a name, a tax number or a profile is the company's own.

    >>> [personal_header(h) for h in ("E-Mail", "Vorname", "mobilePhone", "Do Not Email", "Emails opened", "Company Name")]
    ['e-mail address', 'name', 'telephone number', None, None, None]
    """
    folded = fold(header)
    if folded in PERSON_ALONE:
        return None if table == "companies" else "name"
    for kind, pattern in _WORDS.items():
        longest = max(pattern.finditer(folded), key=lambda m: len(m[0]), default=None)
        if longest is None or not longest[0].strip():
            continue
        remaining = f"{folded[: longest.start()]} {folded[longest.end() :]}"
        if kind == "IP address":
            remaining = re.sub(r"\b(?:last|letzte)\b", "", remaining)
        if _NOT_WORDS.search(remaining) or (kind in _NOT_OF_KIND and _NOT_OF_KIND[kind].search(remaining)):
            continue
        return None if table == "companies" and kind in _COMPANY_KINDS else kind
    return None


_COMPANIES = re.compile(
    r"\b(?:compan(?:y|ies)|firma|firmen\w*|firmy|unternehmen\w*|organi[sz]\w+|org|account|entreprise|societe|empresa|azienda|ditta|"
    r"societa|bedrijfs?\w*|przedsiebiorstw\w*|employer|arbeitgeber\w*|business|brand|marke|vendor|supplier|lieferant\w*|"
    r"competitor|wettbewerber|agency|agentur|school|university|institution|publisher)(?= |$)"
)
_NAMES = re.compile(r"\b(?:names?|noms?|nombre|nome|naam|nazwa|title)(?= |$)")


def names_companies(header: str, table: str = "leads") -> bool:
    """Whether a column holds names of firms, which may look like those of people ("Robert Bosch").

    >>> names_companies("Firma"), names_companies("Name", "companies"), names_companies("Account Manager")
    (True, True, False)
    """
    folded = fold(header)
    if names_of_people(header):
        return table == "companies" and folded in ("name", "nom", "nome", "nombre", "naam")
    return _COMPANIES.search(folded) is not None or (table == "companies" and _NAMES.search(folded) is not None)


def names_of_people(header: str) -> bool:
    """Whether a column may hold names of people or something else, such as a channel or a team: its values decide.

    >>> names_of_people("Contact"), names_of_people("Lead Owner"), names_of_people("Owner ID"), names_of_people("First Name")
    (True, True, False, False)
    """
    folded = fold(header)
    if folded in PERSON_ALONE:
        return True
    match = _OWNERS.search(folded)
    return match is not None and not re.search(
        r"\b(?:ids?|title|role|email|team|date|type|since|number|stage|status)\b", folded
    )
