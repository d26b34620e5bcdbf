"""Salesforce: reports have labels (English, German, French, Spanish), the data export and the data loader names of the API."""

from __future__ import annotations

from connectors.exports.kinds import NO_ACTS, NO_CHANGES, Export

ID = ("id",)
REPORT_LEAD = ("lead id", "lead kennung", "id de piste", "id del candidato", "id de prospecto")
CREATED = ("created date", "create date", "erstelldatum", "erstellt am", "date de creation", "fecha de creacion")
SOURCE = ("lead source", "lead quelle", "leadquelle", "origine de la piste", "origen del candidato", "origen del prospecto")
EMAIL = ("email", "e mail", "adresse e mail", "correo electronico")
TITLE = ("title", "titel", "position", "titre", "titulo", "cargo")
EMPLOYEES = ("number of employees", "no of employees", "employees", "mitarbeiter", "nombre d employes", "n de empleados")
REVENUE = ("annual revenue", "jahresumsatz", "chiffre d affaires annuel", "ingresos anuales")
INDUSTRY = ("industry", "branche", "secteur d activite", "sector")
COUNTRY = ("country", "land", "pays", "pais")
OPTED_OUT = ("has opted out of email", "email opt out", "e mail opt out", "desinscription de la messagerie")
OWNER = ("lead owner", "lead inhaber", "lead besitzer", "proprietaire de la piste", "propietario del candidato")
ACCOUNT = ("company account", "firma account", "firma", "company", "societe compte", "societe", "empresa cuenta", "compania")
CONVERTED = ("converted date", "umgewandelt am", "konvertierungsdatum", "date de conversion", "fecha de conversion")
STATUS = ("lead status", "leadstatus", "status", "statut de la piste", "estado del candidato")
STAGE = ("stage name", "stage", "phase", "etape", "etapa")
CLOSED = ("close date", "schlussdatum", "abschlussdatum", "date de cloture", "fecha de cierre")
KNOWS = (
    *("is converted", "converted", "umgewandelt", "converted account id", "converted contact id", "converted opportunity id"),
    *("rating", "bewertung", "is deleted", "master record id", "last modified date", "system modstamp", "last activity date"),
    *("last activity", "last viewed date", "last referenced date", "owner id", "is unread by owner", "last modified by id"),
    *("created by id", "opportunity amount", "opportunity name", "unread by owner"),
)
NO_MQL = "when a lead became an MQL"
HANGS = "its rows name opportunities, not leads: which lead it was cannot be told from it"
TASKS: dict[str, str | None] = {
    "call": "call_made",
    "email": "sales_email_sent",
    "list email": "email_sent",
    "event": "meeting",
    "meeting": "meeting",
    "task": None,
}
MEMBERS: dict[str, str | None] = {"sent": "email_sent", "gesendet": "email_sent"}

EXPORTS = (
    Export(
        "salesforce",
        "Salesforce leads (data export)",
        "leads",
        (
            ("id", "is converted"),
            ("id", "created date", "lead source"),
            ("id", "converted date"),
            ("id", "lead source", "company"),
        ),
        {
            "lead_id": ID,
            "created_at": CREATED,
            "company_id": ("company",),
            "job_title": TITLE,
            "source": SOURCE,
            "country": COUNTRY,
            "email_domain": EMAIL,
            "opted_out": OPTED_OUT,
        },
        {"sql": CONVERTED},
        {"industry": INDUSTRY, "employees": EMPLOYEES, "annual_revenue": REVENUE},
        exclude=(*STATUS, *KNOWS),
        gaps=(
            f"{NO_MQL} (LeadHistory is another file of the data export; OpportunityHistory for won and lost)",
            NO_ACTS,
            NO_CHANGES,
        ),
        against=(
            *(
                "account id",
                "reports to id",
                "stage name",
                "close date",
                "who id",
                "campaign id",
                "opportunity id",
                "contact id",
            ),
            *("amount", "budgeted cost", "field", "parent id", "billing country"),
        ),
        stems=("lead",),
    ),
    Export(
        "salesforce",
        "Salesforce leads (report)",
        "leads",
        (
            *((o, s) for o in OWNER for s in (*SOURCE, *ACCOUNT[:3], "lead status", "leadstatus")),
            *((i, s) for i in REPORT_LEAD for s in (*SOURCE, "lead status", "leadstatus")),
        ),
        {
            "lead_id": REPORT_LEAD,
            "created_at": CREATED,
            "company_id": ACCOUNT,
            "job_title": TITLE,
            "source": SOURCE,
            "country": COUNTRY,
            "email_domain": EMAIL,
            "opted_out": OPTED_OUT,
        },
        {"sql": CONVERTED},
        {"industry": INDUSTRY, "employees": EMPLOYEES, "annual_revenue": REVENUE},
        exclude=("lead status", "leadstatus", "statut de la piste", "estado del candidato", *OWNER, *KNOWS),
        gaps=(
            f"{NO_MQL} (run the report type Lead History, columns Lead ID, Field, New Value, Edit Date)",
            NO_ACTS,
            NO_CHANGES,
        ),
        against=("new value", "edit date", "task subtype", "opportunity id", "member status", "activity id", "old value"),
        stems=("leads", "report"),
    ),
    Export(
        "salesforce",
        "Salesforce contacts",
        "leads",
        (
            ("id", "account id", "last name"),
            ("id", "account id", "email"),
            ("id", "account id", "title"),
            ("contact id", "account name"),
            ("account owner", "account name", "email"),
            ("id", "reports to id"),
            ("id", "account id", "lead source", "has opted out of email"),
            ("contact id", "contact owner", "account name"),
        ),
        {
            "lead_id": ("id", "contact id", "contact id 18"),
            "created_at": CREATED,
            "company_id": ("account id", "account name"),
            "job_title": TITLE,
            "source": SOURCE,
            "country": ("mailing country", *COUNTRY),
            "email_domain": EMAIL,
            "opted_out": OPTED_OUT,
        },
        exclude=(*KNOWS, "reports to id", "account owner", "contact owner"),
        gaps=("when lead stages were reached: a contact has none; they are on Lead and Opportunity", NO_ACTS, NO_CHANGES),
        against=(
            "is converted",
            "converted date",
            "stage name",
            "stage",
            "amount",
            "who id",
            "lead owner",
            "campaign id",
            "role",
        ),
        stems=("contact", "contacts"),
    ),
    Export(
        "salesforce",
        "Salesforce accounts",
        "companies",
        (
            *(("id", "name", what) for what in ("industry", "number of employees", "annual revenue", "billing country")),
            *(("account id", "account name", what) for what in ("industry", "employees", "annual revenue", "billing country")),
            *(("account name", "account owner", what) for what in ("industry", "type", "billing state province")),
        ),
        {
            "company_id": ("id", "account id", "account name"),
            "industry": INDUSTRY,
            "employees": EMPLOYEES,
            "annual_revenue": REVENUE,
            "country": ("billing country", *COUNTRY),
        },
        exclude=(*KNOWS, "parent id", "account owner"),
        against=(
            *(
                "email",
                "last name",
                "stage name",
                "stage",
                "is converted",
                "lead source",
                "close date",
                "contact id",
                "company",
            ),
            *("start date", "budgeted cost", "opportunity id"),
        ),
        stems=("account", "accounts"),
    ),
    Export(
        "salesforce",
        "Salesforce opportunities",
        "deals",
        (
            *(("id", s, x) for s in ("stage name",) for x in ("amount", "account id", "close date", "is won", "created date")),
            *(("opportunity id", s) for s in STAGE),
            *(("opportunity name", s) for s in STAGE),
            ("opportunity-name", "phase"),
        ),
        {
            "deal_id": ("id", "opportunity id", "opportunity name"),
            "lead_id": ("contact id", "primary contact id"),
            "company_id": ("account id", "account name"),
            "created_at": CREATED,
            "closed_at": CLOSED,
            "amount": ("amount", "betrag", "montant", "importe"),
            "currency": ("currency iso code", "amount currency", "opportunity currency"),
            "status": STAGE,
        },
        outcome={"lead_stage": STAGE, "at": CLOSED},
        against=(
            "new value",
            "old value",
            "field",
            "who id",
            "campaign member id",
            "is primary",
            "role",
            "from stage",
            "to stage",
        ),
        stems=("opportunity", "opportunities"),
    ),
    Export(
        "salesforce",
        "Salesforce lead history (report or data export)",
        "lead_stages",
        (
            ("lead id", "new value", "edit date"),
            ("lead id", "new value", "created date"),
            ("lead kennung", "neuer wert", "bearbeitungsdatum"),
        ),
        {
            "lead_id": REPORT_LEAD,
            "lead_stage": ("new value", "neuer wert"),
            "at": ("edit date", "created date", "bearbeitungsdatum"),
        },
        only={
            "field": ("Status", "Lead Status"),
            "field event": ("Status", "Lead Status"),
            "feld ereignis": ("Leadstatus", "Status"),
        },
        stems=("leadhistory",),
    ),
    Export(
        "salesforce",
        "Salesforce opportunity history",
        None,
        (
            ("opportunity id", "new value"),
            ("opportunity id", "stage name", "system modstamp"),
            ("opportunity id", "field", "old value"),
            ("opportunity id", "stage name", "created date", "close date", "expected revenue"),
            ("opportunity name", "from stage", "to stage"),
        ),
        against=("account id", "account name", "role"),
        stems=("opportunityfieldhistory", "opportunityhistory"),
        unused=HANGS,
    ),
    Export(
        "salesforce",
        "Salesforce contact roles of opportunities",
        None,
        (
            ("opportunity id", "contact id", "role"),
            ("opportunity id", "contact id", "is primary"),
            ("opportunity id", "contact role"),
        ),
        stems=("opportunitycontactrole",),
        unused="it joins contacts to opportunities, and a mapping joins no two files: export opportunities with ContactId",
        against=("amount", "close date"),
    ),
    Export(
        "salesforce",
        "Salesforce campaign members",
        "interactions",
        (
            ("campaign id", "lead id", "status"),
            ("campaign id", "contact id", "status"),
            ("campaign id", "lead id", "has responded"),
            ("campaign id", "lead or contact id"),
            ("campaign name", "member status"),
            ("campaign member id", "campaign id"),
        ),
        {
            "lead_id": ("lead id", "contact id", "lead or contact id", "related record id"),
            "type": ("status", "member status"),
            "at": ("first responded date", "member first responded date", "created date", "member created date"),
            "campaign": ("campaign id", "campaign name"),
        },
        against=("is converted", "stage name", "budgeted cost"),
        stems=("campaignmember",),
        values={"type": MEMBERS},
    ),
    Export(
        "salesforce",
        "Salesforce campaigns",
        None,
        (
            *(
                ("id", "name", what)
                for what in ("budgeted cost", "start date", "actual cost", "expected revenue", "number sent")
            ),
            ("campaign id", "campaign name", "start date"),
        ),
        against=("lead id", "contact id", "member status", "account id"),
        stems=("campaign",),
        unused="it tells of campaigns, not of leads",
    ),
    Export(
        "salesforce",
        "Salesforce activities (report)",
        "interactions",
        (("activity id", "task subtype"), ("assigned", "subject", "task subtype"), ("assigned", "subject", "activity type")),
        {
            "lead_id": ("lead id", "contact id", "who id", "contact", "lead"),
            "type": ("task subtype", "activity type"),
            "at": ("completed date time", "date", "datum", "due date", "start", "created date"),
        },
        gaps=("the time of day where there is only a date: several acts of a day cannot be told in their order",),
        values={"type": TASKS},
    ),
    Export(
        "salesforce",
        "Salesforce tasks (data export)",
        "interactions",
        (("id", "who id", "task subtype"), ("id", "who id", "activity date", "status"), ("id", "who id", "is closed")),
        {
            "lead_id": ("who id",),
            "type": ("task subtype", "type"),
            "at": ("completed date time", "activity date", "created date"),
        },
        against=("start date time", "end date time", "duration in minutes", "activity date time"),
        stems=("task",),
        values={"type": TASKS},
    ),
    Export(
        "salesforce",
        "Salesforce events (data export)",
        "interactions",
        (
            ("id", "who id", "start date time"),
            ("id", "who id", "activity date time"),
            ("id", "who id", "duration in minutes"),
            ("id", "who id", "is all day event"),
        ),
        {"lead_id": ("who id",), "at": ("start date time", "activity date time", "activity date", "created date")},
        constants={"type": "meeting"},
        stems=("event",),
    ),
)
