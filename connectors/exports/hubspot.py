"""HubSpot's exports of contacts, companies, deals and activities, with English, German, French and Spanish labels.

A file read by the API has internal names instead of labels (`hs_object_id`, `createdate`).
"""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, Export

HUBSPOT_DATES = "every pass of a lead stage: there is one date each, of a lead that went back and came again too"

ID = (
    *("record id", "datensatz id", "objekt id", "id de registro", "id del registro", "id d enregistrement", "object id"),
    *("id de la fiche d informations", "id de fiche d informations", "hs object id", "contact id", "vid", "kontakt id"),
)
CREATED = (
    *("create date", "created date", "createdate", "erstellungsdatum", "erstelldatum", "erstellt am", "date de creation"),
    *("fecha de creacion", "hs createdate"),
)
EMAIL = ("email", "e mail", "e mail adresse", "adresse e mail", "correo", "correo electronico")
COMPANY_NAME = (
    *("company name", "unternehmensname", "name des unternehmens", "nom de l entreprise", "nombre de la empresa", "company"),
)
STAGE_OF_DEAL = ("deal stage", "dealstage", "deal phase", "dealphase", "phase de la transaction", "etapa del negocio")
DEAL_NAME = ("deal name", "dealname", "deal bezeichnung", "name des deals", "nom de la transaction", "nombre del negocio")
CLOSED = ("close date", "closedate", "abschlussdatum", "date de fermeture", "date de cloture", "fecha de cierre")
CONTACT_OF = (
    *("associated contact ids", "associated contact id", "associated contacts ids", "zugeordnete kontakt ids"),
    *("zugeordnete kontakt id", "zugehoerige kontakt ids", "ids des contacts associes", "ids de contacto asociados"),
    *("associated contact", "associated contacts", "zugeordneter kontakt"),
)
COMPANY_OF = (
    *("primary associated company id", "associated company ids", "associated company id", "associatedcompanyid"),
    *("primaere zugeordnete unternehmens id", "zugeordnete unternehmens ids", "ids de empresa asociada"),
    *("ids des entreprises associees", "associated company", "zugeordnetes unternehmen"),
)
INDUSTRY = ("industry", "branche", "secteur d activite", "sector", "industria")
REVENUE = ("annual revenue", "annualrevenue", "jahresumsatz", "chiffre d affaires annuel", "ingresos anuales")
EMPLOYEES = (
    *("number of employees", "numberofemployees", "numemployees", "anzahl der mitarbeiter", "mitarbeiteranzahl"),
    *("nombre d employes", "nombre d employees", "numero de empleados", "cantidad de empleados", "company size"),
)
COUNTRY = ("country region", "country", "land region", "land", "pays region", "pays", "pais region", "pais", "ip country")

EXPORTS = (
    Export(
        "hubspot",
        "HubSpot contacts",
        "leads",
        (
            *((i, c) for i in ID[:9] for c in CREATED),
            *((i, e) for i in ID[:9] for e in EMAIL),
            ("create date", "lifecycle stage"),
            ("createdate", "lifecyclestage"),
        ),
        {
            "lead_id": ID,
            "created_at": CREATED,
            "company_id": (*COMPANY_OF, *COMPANY_NAME),
            "job_title": (
                *("job title", "jobtitle", "berufsbezeichnung", "stellenbezeichnung", "position", "intitule du poste"),
                *("intitule de poste", "poste", "cargo", "puesto"),
            ),
            "source": (
                *("original traffic source", "original source", "original source type", "hs analytics source"),
                *("urspruengliche traffic quelle", "urspruengliche quelle", "source de trafic d origine"),
                *("source d origine", "fuente de trafico original", "fuente original de trafico", "fuente original"),
            ),
            "country": COUNTRY,
            "email_domain": ("email domain", "e mail domain", *EMAIL),
            "opted_out": (
                *("unsubscribed from all email", "hs email optout", "von allen e mails abgemeldet"),
                *("desabonne de tous les e mails", "suscripcion cancelada a todos los correos"),
            ),
        },
        {
            "mql": (
                "became a marketing qualified lead date",
                "date entered marketing qualified lead lifecycle stage pipeline",
                "datum wurde marketing qualified lead",
                "hs lifecyclestage marketingqualifiedlead date",
                "date est devenu un lead qualifie marketing",
                "fecha en que se convirtio en lead calificado para marketing",
            ),
            "sql": (
                "became a sales qualified lead date",
                "date entered sales qualified lead lifecycle stage pipeline",
                "datum wurde sales qualified lead",
                "hs lifecyclestage salesqualifiedlead date",
                "fecha en que se convirtio en lead calificado para ventas",
            ),
            "customer": (
                "became a customer date",
                "date entered customer lifecycle stage pipeline",
                "datum wurde kunde",
                "datum wurde zum kunden",
                "hs lifecyclestage customer date",
                "date est devenu client",
                "est devenu un client le",
                "fecha en que se convirtio en cliente",
            ),
        },
        {"industry": INDUSTRY, "annual_revenue": REVENUE, "employees": EMPLOYEES},
        exclude=(
            *("lead status", "leadstatus", "hs lead status", "lifecycle stage", "lifecyclestage", "lifecycle phase"),
            *("phase du cycle de vie", "etapa del ciclo de vida", "statut du lead", "estado del lead", "hubspot score"),
            *("likelihood to close", "close date", "recent deal amount", "recent deal close date", "total revenue"),
            *("number of associated deals", "anzahl zugeordneter deals", "first deal created date", "days to close"),
            *("lead rating", "became a lead date", "became a subscriber date", "became an evangelist date"),
            *("became an opportunity date", "became an other lifecycle date", "last modified date", "associated deal ids"),
            *("associated deal", "associated deals"),
        ),
        gaps=(HUBSPOT_DATES, NO_ACTS, NO_CHANGES),
        against=(*DEAL_NAME, *STAGE_OF_DEAL, "company domain name", "activity type", "activity date", "person id"),
        stems=("hubspot crm exports all contacts", "contacts", "kontakte"),
    ),
    Export(
        "hubspot",
        "HubSpot companies",
        "companies",
        (
            *((i, "company domain name") for i in ID[:9]),
            *((i, name, what) for i in ID[:9] for name in COMPANY_NAME[:5] for what in (*INDUSTRY, *EMPLOYEES, *REVENUE)),
            *((i, "name", what) for i in ID[:9] for what in (*INDUSTRY, *EMPLOYEES, *REVENUE)),
        ),
        {
            "company_id": (*ID, "company id"),
            "industry": INDUSTRY,
            "employees": EMPLOYEES,
            "annual_revenue": REVENUE,
            "country": COUNTRY,
        },
        exclude=(
            *("lifecycle stage", "lifecycle phase", "lead status", "became a customer date", "close date", "total revenue"),
            *("recent deal amount", "recent deal close date", "number of associated deals", "last modified date"),
            *("total open deal value", "days to close"),
        ),
        against=("email", "e mail", "first name", "last name", "vorname", "nachname", "job title", *DEAL_NAME, *STAGE_OF_DEAL),
        stems=("hubspot crm exports all companies", "companies", "unternehmen"),
    ),
    Export(
        "hubspot",
        "HubSpot deals",
        "deals",
        (
            *((i, s) for i in (*ID[:9], "deal id") for s in STAGE_OF_DEAL),
            *((n, s) for n in DEAL_NAME for s in STAGE_OF_DEAL),
            *((i, n) for i in ID[:9] for n in DEAL_NAME),
        ),
        {
            "deal_id": (*ID, "deal id"),
            "lead_id": CONTACT_OF,
            "company_id": COMPANY_OF,
            "created_at": CREATED,
            "closed_at": CLOSED,
            "amount": ("amount", "amount in company currency", "betrag", "montant", "importe", "cantidad", "valor"),
            "currency": ("currency", "deal currency code", "waehrung", "devise", "moneda"),
            "status": STAGE_OF_DEAL,
        },
        outcome={"lead_stage": STAGE_OF_DEAL, "at": CLOSED},
        stems=("hubspot crm exports all deals", "deals"),
    ),
    Export(
        "hubspot",
        "HubSpot activities",
        "interactions",
        (
            ("activity type", "activity date"),
            ("activity type", "create date", "associated contact ids"),
            ("engagement type", "engagement date"),
            ("aktivitaetstyp", "aktivitaetsdatum"),
            ("type d activite", "date de l activite"),
            ("tipo de actividad", "fecha de la actividad"),
        ),
        {
            "lead_id": (*CONTACT_OF, "contact id", "record id of contact", "contact record id"),
            "type": ("activity type", "engagement type", "aktivitaetstyp", "type d activite", "tipo de actividad"),
            "at": (
                *("activity date", "engagement date", "aktivitaetsdatum", "date de l activite", "fecha de la actividad"),
                "create date",
            ),
        },
        against=("task subtype", "marketo guid"),
        stems=("activities", "hubspot crm exports all activities"),
        values={
            "type": {
                "call": "call_made",
                "meeting": "meeting",
                "email": "sales_email_sent",
                "note": None,
                "task": None,
                "anruf": "call_made",
                "e mail": "sales_email_sent",
                "besprechung": "meeting",
            }
        },
    ),
)
