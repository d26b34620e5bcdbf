"""What companies and people are like: names, how common they are, and what each adds to the fit of a lead."""

from __future__ import annotations

# name: (share, effect on the fit)
Choices = dict[str, tuple[float, float]]

INDUSTRIES: Choices = {
    "Software": (18, 0.55), "Manufacturing": (16, 0.35), "Financial Services": (9, 0.30), "Healthcare": (8, 0.05),
    "Retail": (10, -0.10), "Logistics": (7, 0.25), "Education": (6, -0.55), "Public Sector": (5, -0.60),
    "Media": (5, -0.15), "Construction": (6, -0.30), "Energy": (4, 0.15), "Consulting": (5, 0.0), "Agriculture": (1, -0.40),
}  # fmt: skip
INDUSTRY_AMOUNT = {"Software": 0.2, "Financial Services": 0.35, "Energy": 0.3, "Education": -0.4, "Public Sector": -0.1}
COUNTRIES: Choices = {
    "DE": (45, 0.20), "AT": (9, 0.15), "CH": (9, 0.30), "GB": (12, 0.0), "FR": (7, -0.10), "NL": (6, 0.05),
    "US": (7, -0.20), "PL": (3, -0.25), "IN": (2, -0.70),
}  # fmt: skip
GERMAN_SPEAKING = ("DE", "AT", "CH")
CRM_SYSTEMS: Choices = {
    "none": (30, -0.10), "hubspot": (22, 0.20), "salesforce": (20, 0.35), "pipedrive": (10, 0.10), "dynamics": (10, 0.05),
    "home-grown": (6, -0.30), "sugar": (1.5, 0.0), "zoho": (0.5, 0.0),
}  # fmt: skip
SOURCES: Choices = {
    "organic_search": (26, 0.10), "paid_search": (18, 0.0), "paid_social": (14, -0.40), "referral": (8, 0.50),
    "event": (9, 0.10), "partner": (6, 0.35), "content_syndication": (10, -0.50), "direct": (9, 0.15),
}  # fmt: skip
REGIONS: Choices = {
    "north": (26, 0.0), "south": (28, 0.15), "west": (27, 0.05), "east": (15, -0.15), "overseas": (3, -0.30),
    "islands": (1, 0.0),
}  # fmt: skip
COLOURS: Choices = {"blue": (40, 0.0), "green": (30, 0.0), "orange": (29, 0.0), "violet": (1, 0.0)}

# English, German, share, effect on the fit
JOB_TITLES: tuple[tuple[str, str, float, float], ...] = (
    ("CEO", "Geschäftsführer", 6, 0.35),
    ("Managing Director", "Geschäftsführerin", 4, 0.35),
    ("Founder", "Gründer und Inhaber", 3, 0.10),
    ("Chief Marketing Officer", "CMO", 3, 0.70),
    ("VP Sales", "Vertriebsleiter", 4, 0.70),
    ("VP Marketing", "Marketingleiterin", 3, 0.70),
    ("Head of Marketing", "Leiter Marketing", 8, 0.65),
    ("Head of Sales", "Leiter Vertrieb", 7, 0.65),
    ("Head of Revenue Operations", "Leiterin Vertriebssteuerung", 3, 0.75),
    ("Head of IT", "IT-Leiter", 5, 0.15),
    ("CFO", "Kaufmännischer Leiter", 2, 0.0),
    ("Marketing Manager", "Marketing-Managerin", 12, 0.25),
    ("Sales Manager", "Vertriebsmanager", 8, 0.20),
    ("Demand Generation Manager", "Referent Online-Marketing", 6, 0.35),
    ("CRM Manager", "CRM-Manager", 4, 0.40),
    ("Business Analyst", "Business-Analyst", 4, -0.10),
    ("Software Engineer", "Softwareentwickler", 5, -0.45),
    ("HR Manager", "Personalreferentin", 3, -0.65),
    ("Account Executive", "Außendienstmitarbeiter", 4, -0.20),
    ("Assistant to the Board", "Assistentin der Geschäftsführung", 3, -0.30),
    ("Marketing Intern", "Werkstudent Marketing", 4, -0.90),
    ("Student", "Studentin", 3, -1.20),
    ("Freelance Consultant", "Freiberuflicher Berater", 3, -0.50),
)

NOTES = (
    "Met at the booth, asked for slides.", "Bitte erst nach dem Sommer anrufen.", "Wants to compare with two other vendors.",
    "Hat Fragen zum Datenschutz.", "Knows us from a podcast.", "Sprach mit Kollegin, Rückruf offen.", "No answer so far.",
)  # fmt: skip
FREE_MAIL = ("gmail.com", "gmx.de", "web.de", "outlook.com")

TOPICS = (
    "integration-guide", "security", "reporting", "automation", "data-quality", "compliance", "onboarding", "lead-scoring",
)  # fmt: skip
PRICING = len(TOPICS)
CONTENTS = (*TOPICS, "pricing")

TYPES = (
    "page_view", "blog_view", "product_page_view", "pricing_page_view", "product_video", "form_submitted",
    "whitepaper_download", "case_study_download", "webinar_registered", "newsletter_subscribed", "chat", "trial_requested",
    "demo_requested", "event_attended", "webinar_attended", "email_sent", "email_opened", "email_clicked", "unsubscribed",
    "call_made", "call_answered", "meeting",
)  # fmt: skip
TYPE = {name: code for code, name in enumerate(TYPES)}
OUTBOUND = ("email_sent", "call_made")
