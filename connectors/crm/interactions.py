"""Names of what people do, where a vendor only gives an address or a title: pages, forms."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from connectors.crm.responses import masked

_PAGES = (
    ("pricing", re.compile(r"pricing|price|plans|preise?|tarife")),
    ("blog", re.compile(r"blog|news|magazin|artikel|article")),
    ("product", re.compile(r"product|feature|solution|produkt|funktion|loesung")),
)
_FORMS = (
    ("trial_requested", re.compile(r"trial|free test|kostenlos test|testversion|testzugang|probe")),
    ("demo_requested", re.compile(r"\bdemo")),
    ("webinar_registered", re.compile(r"webinar")),
    ("whitepaper_download", re.compile(r"white ?paper|e ?book|guide|leitfaden|download|checklist|report|studie")),
    ("newsletter_subscribed", re.compile(r"newsletter|subscri|abonn|blog")),
    ("contact_requested", re.compile(r"contact|kontakt|talk to|call ?back|rueckruf|angebot|quote")),
)
FORM_TYPES = (*(name for name, _ in _FORMS), "form_submitted")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def page_type(address: str | None) -> str:
    """The kind of page behind an address, as "page: pricing".

    >>> page_type("https://acme.com/en/pricing?x=1"), page_type("/blog/ten-tips"), page_type("https://acme.com/")
    ('page: pricing', 'page: blog', 'page: other')
    """
    path = urlsplit(address or "").path.casefold().translate(_UMLAUTS)
    return f"page: {next((name for name, pattern in _PAGES if pattern.search(path)), 'other')}"


def page_name(address: str) -> str | None:
    """What may be kept of an address, or of whatever stands in place of one: no query, which may know the visitor.

    >>> page_name("https://acme.com/pricing?mkt_tok=abc#top"), page_name("Spring webinar"), page_name("/out/jo@x.com/")
    ('acme.com/pricing', 'Spring webinar', '/out/…@…/')
    """
    if "://" in address or address.startswith("/"):
        split = urlsplit(unquote(address))
        address = split.netloc.rpartition("@")[2] + split.path
    return masked(address) or None


def form_type(title: str) -> str:
    """The interaction type that a form's title speaks of; `form_submitted` where it says nothing.

    >>> form_type("Request your free trial"), form_type("Demo anfragen"), form_type("Form 12")
    ('trial_requested', 'demo_requested', 'form_submitted')
    """
    folded = " ".join(re.findall(r"\w+", title.casefold().translate(_UMLAUTS)))
    return next((name for name, pattern in _FORMS if pattern.search(folded)), "form_submitted")


PAGES: dict[str, str | None] = {
    "page: pricing": "pricing_page_view",
    "page: blog": "blog_view",
    "page: product": "product_page_view",
    "page: other": "page_view",
}
