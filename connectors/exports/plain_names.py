"""The names that people give the columns of their own tables, in English, German, French and Spanish; Ripeline's own too."""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, Export

LEAD_ID = (
    *("lead id", "lead number", "lead no", "lead nr", "lead key", "lead uuid", "prospect id", "contact id", "person id"),
    *(
        "customer id",
        "client id",
        "kunden id",
        "kundennummer",
        "kontakt id",
        "interessent id",
        "mql id",
        "user id",
        "student id",
    ),
    *(
        "account user id",
        "subscriber id",
        "visitor id",
        "case id",
        "application id",
        "applicant id",
        "member id",
        "id prospect",
    ),
    *("id du lead", "id client", "id cliente", "id contacto", "record id", "lead", "leadnr", "lead nummer", "kontaktnummer"),
    *("interessentennummer", "interessenten nr", "kunden nr", "kundennr", "kdnr", "kd nr", "debitor", "debitorennummer"),
    *("mitgliedsnummer", "empfaenger id", "numero du lead", "numero de lead", "numero client", "numero de client"),
    *("reference client", "numero de cliente", "numero cliente", "codigo cliente", "id lead", "codice cliente", "klantnummer"),
    *("klant id", "klantnr", "relatienummer", "id do cliente", "codigo do cliente", "numer klienta", "id klienta", "user"),
    *("id", "uuid", "guid"),
)
CREATED = (
    *("created at", "created", "created date", "creation date", "create date", "date created", "created on", "created time"),
    *(
        "creation time",
        "lead created",
        "lead created at",
        "lead creation date",
        "lead created date",
        "lead date",
        "lead create date",
    ),
    *("signup date", "sign up date", "signed up at", "signup at", "registered", "registered at", "registration date", "added"),
    *(
        "date registered",
        "reg date",
        "first contact date",
        "first contact",
        "first seen",
        "date added",
        "added on",
        "entry date",
    ),
    *(
        "inquiry date",
        "enquiry date",
        "received at",
        "received",
        "date received",
        "submitted at",
        "submission date",
        "inserted at",
    ),
    *("erstellt", "erstellt am", "erstelldatum", "erstellungsdatum", "anlagedatum", "angelegt am", "eingang", "eingangsdatum"),
    *(
        "date de creation",
        "cree le",
        "date d inscription",
        "fecha de creacion",
        "creado",
        "creado el",
        "fecha de alta",
        "ctime",
    ),
    *("registriert", "registriert am", "registrierung", "registrierungsdatum", "anmeldedatum", "anmeldung", "angemeldet am"),
    *("datum der anmeldung", "erfasst", "erfasst am", "erfassungsdatum", "aufgenommen am", "aufnahmedatum", "eingetragen am"),
    *("eingegangen am", "anfragedatum", "anfrage am", "date creation", "date de reception", "date d ajout", "inscrit le"),
    *("date d entree", "fecha creacion", "fecha de registro", "fecha registro", "fecha de entrada", "creado en"),
    *("data creazione", "data di creazione", "creato il", "data registrazione", "data di iscrizione", "data inserimento"),
    *("aangemaakt", "aangemaakt op", "aanmaakdatum", "registratiedatum", "datum aangemaakt", "inschrijfdatum"),
    *("data de criacao", "criado em", "data criacao", "data de cadastro", "data cadastro", "data de registo"),
    *("data utworzenia", "utworzono", "data dodania", "data rejestracji"),
)
AT = (
    *("at", "occurred at", "event at", "event time", "event date", "event timestamp", "activity date", "activity time"),
    *(
        "activity at",
        "timestamp",
        "time stamp",
        "date time",
        "datetime",
        "date",
        "time",
        "ts",
        "when",
        "datum",
        "zeitpunkt",
        "zeit",
    ),
    *("date and time", "sent at", "interaction date", "touch date", "fecha", "heure", "horodatage", "happened at"),
)
CHANGED = (
    *("at", "changed at", "changed on", "change date", "stage date", "entered at", "entered on", "date entered", "reached at"),
    *("reached on", "moved at", "transition date", "edit date", "modified at", "effective date", "status date", "geaendert am"),
    *(
        "since",
        "changed",
        "when",
        "from date",
        "stage entered",
        "stage changed at",
        "valid from",
        "timestamp",
        "date time",
        "date",
        "time",
        "datum",
    ),
)
TYPE = (
    *("type", "activity", "activity type", "event", "event type", "event name", "action", "action type", "interaction"),
    *("interaction type", "touchpoint", "channel event", "engagement", "engagement type", "aktivitaet", "aktion", "ereignis"),
    *("activite", "evenement", "actividad", "evento", "kind"),
)
STAGE = (
    *("lead stage", "stage", "new stage", "to stage", "stage name", "lifecycle stage", "lead status", "status", "new status"),
    *("to status", "new value", "phase", "neue phase", "etape", "etapa", "state"),
)
DEAL_ID = (
    "deal id",
    "opportunity id",
    "opp id",
    "deal",
    "order id",
    "deal number",
    "offer id",
    "quote id",
    "purchase id",
    "offer no",
    "offer number",
    "deal no",
    "opportunity number",
    "quote number",
    "order number",
    "order no",
    "invoice number",
    "bestellnummer",
    "bestell nr",
    "auftragsnummer",
    "auftrags nr",
    "rechnungsnummer",
    "angebotsnummer",
    "belegnummer",
    "vorgangsnummer",
    "numero de commande",
    "numero de pedido",
    "numero ordine",
    "ordernummer",
    "bestelnummer",
    "numer zamowienia",
)
AMOUNT = (
    *(
        "summe",
        "gesamtbetrag",
        "rechnungsbetrag",
        "auftragswert",
        "bestellwert",
        "order value",
        "order total",
        "bedrag",
        "importo",
        "valor",
        "kwota",
    ),
    *("amount", "deal amount", "value", "deal value", "revenue", "price", "betrag", "wert", "montant", "importe", "total"),
)
ORDERED = (
    *("date purchased", "purchase date", "order date", "invoice date", "bestelldatum", "auftragsdatum", "kaufdatum"),
    *(
        "rechnungsdatum",
        "belegdatum",
        "angebotsdatum",
        "date de commande",
        "date d achat",
        "fecha de pedido",
        "fecha de compra",
    ),
    *("data ordine", "orderdatum", "besteldatum", "data do pedido", "data zamowienia"),
)
CLOSED = ("closed at", "close date", "closed", "closed on", "closed date", "close time", "won at", "abschlussdatum")
COMPANY_ID = (
    *("company id", "account id", "organization id", "organisation id", "firma id", "company", "company name", "account"),
    *(
        "account name",
        "organization",
        "organisation",
        "firma",
        "unternehmen",
        "kunde firma",
        "entreprise",
        "societe",
        "empresa",
    ),
)
FIRM = ("company id", "account id", "organization id", "firma id", "company", "company name", "account name", "firma")
INDUSTRY = ("industry", "branche", "sector", "secteur", "industria", "business segment", "vertical")
EMPLOYEES = (
    "employees",
    "number of employees",
    "employee count",
    "company size",
    "headcount",
    "mitarbeiter",
    "no of employees",
)
REVENUE = ("annual revenue", "revenue", "company revenue", "jahresumsatz", "umsatz", "turnover")
COUNTRY = ("country", "country code", "land", "pays", "pais", "country region", "nation")
EMAIL = ("email domain", "email", "e mail", "email address", "mail", "correo", "courriel")
TITLE = ("job title", "title", "jobtitle", "position", "role", "berufsbezeichnung", "poste", "cargo", "job")
SOURCE = (
    *(
        "source",
        "lead source",
        "origin",
        "channel",
        "lead origin",
        "utm source",
        "traffic source",
        "quelle",
        "herkunft",
        "kanal",
    ),
    *("origine", "origen", "fuente", "acquisition channel", "medium", "original source"),
)
OPTED_OUT = ("opted out", "opt out", "do not email", "unsubscribed", "email opt out", "abgemeldet", "do not contact")
LEADS = Export(
    "",
    "leads (plain names)",
    "leads",
    columns={
        "lead_id": LEAD_ID,
        "created_at": CREATED,
        "company_id": COMPANY_ID,
        "source": SOURCE,
        "country": COUNTRY,
        "job_title": TITLE,
        "email_domain": EMAIL,
        "opted_out": OPTED_OUT,
    },
    gaps=(NO_ACTS, NO_CHANGES),
)
COMPANIES = Export(
    "",
    "companies (plain names)",
    "companies",
    columns={
        "company_id": COMPANY_ID,
        "industry": INDUSTRY,
        "employees": EMPLOYEES,
        "annual_revenue": REVENUE,
        "country": COUNTRY,
    },
)
INTERACTIONS = Export(
    "",
    "interactions (plain names)",
    "interactions",
    columns={
        "lead_id": LEAD_ID,
        "type": TYPE,
        "at": (*AT, *CREATED),
        "value": ("value",),
        "content": ("content", "asset", "page", "url"),
        "campaign": ("campaign", "campaign id", "campaign name", "kampagne"),
        "direction": ("direction",),
    },
)
LEAD_STAGES = Export(
    "",
    "lead stages (plain names)",
    "lead_stages",
    columns={"lead_id": LEAD_ID, "lead_stage": STAGE, "at": (*CHANGED, *CREATED)},
)
SINGLE_ACTS = Export("", "interactions of one type (plain names)", "interactions")
STAGE_DATES = Export("", "days of lead stages (plain names)", "lead_stages", columns={"lead_id": LEAD_ID})
DEALS = Export(
    "",
    "deals (plain names)",
    "deals",
    columns={
        "deal_id": (*DEAL_ID, "id"),
        "lead_id": tuple(n for n in LEAD_ID if n not in ("id", "uuid", "guid", "record id")),
        "company_id": COMPANY_ID[:6],
        "created_at": (*CREATED, *(n for n in AT if n != "at"), *ORDERED),
        "closed_at": CLOSED,
        "amount": AMOUNT,
        "currency": ("currency", "waehrung", "devise", "moneda"),
        "status": ("status", "deal status", "stage", "deal stage", "phase"),
    },
    outcome={"lead_stage": ("status", "deal status", "stage", "deal stage", "phase"), "at": CLOSED},
)
