"""Job titles: literal English and German titles with the seniority and function a salesperson would give them; traps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.attributes.titles import FUNCTION_LABELS, SENIORITY_LABELS, Title, parse_title, title_columns

STUDENT, STAFF, SENIOR, MANAGER, HEAD, VP, CHIEF = range(7)

TITLES = [
    # those at the top
    ("CEO", CHIEF, "management"),
    ("Chief Executive Officer", CHIEF, "management"),
    ("C.E.O.", CHIEF, "management"),
    ("CFO", CHIEF, "finance"),
    ("Chief Financial Officer", CHIEF, "finance"),
    ("CTO & Co-Founder", CHIEF, "it"),
    ("CMO", CHIEF, "marketing"),
    ("COO", CHIEF, "operations"),
    ("Chief Revenue Officer", CHIEF, "sales"),
    ("Geschäftsführer", CHIEF, "management"),
    ("GESCHAEFTSFUEHRERIN", CHIEF, "management"),
    ("Geschaftsfuhrer", CHIEF, "management"),
    ("Geschäftsführender Gesellschafter", CHIEF, "management"),
    ("Geschäftsführer Vertrieb", CHIEF, "sales"),
    ("Mitglied der Geschäftsleitung", CHIEF, "management"),
    ("Inhaberin", CHIEF, "management"),
    ("Vorstand", CHIEF, "management"),
    ("Vorständin Finanzen", CHIEF, "finance"),
    ("Vorstandsvorsitzender", CHIEF, "management"),
    ("Gründer", CHIEF, "management"),
    ("Founder", CHIEF, "management"),
    ("Owner", CHIEF, "management"),
    ("Managing Director", CHIEF, "management"),
    ("President", CHIEF, "management"),
    ("Vice President", VP, "management"),
    ("VP Sales EMEA", VP, "sales"),
    ("SVP Global Marketing", VP, "marketing"),
    ("Vice President of Engineering", VP, "engineering"),
    ("General Manager", VP, "management"),
    # heads and directors
    ("Head of IT", HEAD, "it"),
    ("Director of Procurement", HEAD, "purchasing"),
    ("Leiter Vertrieb", HEAD, "sales"),
    ("Leiterin Personal", HEAD, "hr"),
    ("Leiter*in Marketing (m/w/d)", HEAD, "marketing"),
    ("Leiter/-in Einkauf", HEAD, "purchasing"),
    ("Vertriebsleiter", HEAD, "sales"),
    ("Marketingleitung", HEAD, "marketing"),
    ("IT-Leiter", HEAD, "it"),
    ("Produktionsleiterin", HEAD, "operations"),
    ("Kaufmännischer Leiter", HEAD, "finance"),
    ("Technischer Leiter", HEAD, "engineering"),
    ("Leiter Geschäftsentwicklung", HEAD, "sales"),
    ("Prokurist", HEAD, "management"),
    ("Prokuristin", HEAD, "management"),
    ("Head of Marketing and Sales", HEAD, "marketing"),
    ("Sales & Marketing Director", HEAD, "sales"),
    ("Stellv. Leiter Rechtsabteilung", HEAD, "legal"),
    # managers
    ("Teamleiterin", MANAGER, "other"),
    ("Teamleiter:in Kundenservice", MANAGER, "service"),
    ("TeamleiterIn Vertrieb", MANAGER, "sales"),
    ("Projektleiter", MANAGER, "operations"),
    ("Product Manager", MANAGER, "product"),
    ("Product Marketing Manager", MANAGER, "marketing"),
    ("Marketing Manager", MANAGER, "marketing"),
    ("Senior Marketing Manager", MANAGER, "marketing"),
    ("Supply Chain Manager", MANAGER, "operations"),
    ("Team Lead Customer Support", MANAGER, "service"),
    ("HR Manager", MANAGER, "hr"),
    # seniors and specialists
    ("Referent", SENIOR, "other"),
    ("Personalreferentin", SENIOR, "hr"),
    ("Senior Software Engineer", SENIOR, "it"),
    ("SEO Specialist", SENIOR, "marketing"),
    ("Enterprise Architect", SENIOR, "it"),
    ("Legal Counsel", SENIOR, "legal"),
    ("Key Account Manager", SENIOR, "sales"),
    # staff
    ("Einkäufer", STAFF, "purchasing"),
    ("Einkaeuferin", STAFF, "purchasing"),
    ("IT-Einkäufer", STAFF, "purchasing"),
    ("Sachbearbeiter", STAFF, "administration"),
    ("Sachbearbeiter(in) Einkauf", STAFF, "purchasing"),
    ("Software Developer", STAFF, "it"),
    ("Vertriebsmitarbeiter im Außendienst", STAFF, "sales"),
    ("Buchhalterin", STAFF, "finance"),
    ("Marketing Assistant", STAFF, "marketing"),
    ("Sales Representative", STAFF, "sales"),
    ("Recruiter", STAFF, "hr"),
    ("Junior Controller", STAFF, "finance"),
    ("Maschinenbauingenieur", STAFF, "engineering"),
    # learners
    ("Werkstudentin Marketing", STUDENT, "marketing"),
    ("Praktikant Vertrieb", STUDENT, "sales"),
    ("HR Intern", STUDENT, "hr"),
    ("Auszubildende Industriekauffrau", STUDENT, "administration"),
    ("Management Trainee", STUDENT, "management"),
]

TRAPS = [
    ("Assistentin der Geschäftsleitung", STAFF, "administration", "assists the management, is not it"),
    ("Assistenz der Geschäftsführung", STAFF, "administration", "assists the management, is not it"),
    ("Vorstandsassistentin", STAFF, "administration", "assists the board"),
    ("Sekretärin des Vorstands", STAFF, "administration", "writes for the board"),
    ("Executive Assistant", STAFF, "administration", "no executive"),
    ("Executive Assistant to the CEO", STAFF, "administration", "the CEO is somebody else"),
    ("CEO Assistant", STAFF, "administration", "the CEO is somebody else"),
    ("Assistant to the Head of Marketing", STAFF, "marketing", "the head is somebody else"),
    ("Assistant Vice President", VP, "management", "a rank of its own"),
    ("Referent des Vorstands", SENIOR, "management", "works for the board"),
    ("Mitarbeiterin der Geschäftsleitung", STAFF, "management", "works for the management"),
    ("Partner Manager", MANAGER, "sales", "no partner of the firm"),
    ("Chief of Staff", HEAD, "management", "no chief officer"),
    ("Leiter Büro der Geschäftsführung", HEAD, "administration", "leads an office, not the company"),
    ("Teamleiterin Assistenz", MANAGER, "administration", "leads the assistants"),
    ("Account Executive", SENIOR, "sales", "no executive"),
    ("Product Owner", SENIOR, "product", "owns no company"),
    ("Process Owner", SENIOR, "operations", "owns no company"),
    ("HR Business Partner", SENIOR, "hr", "no partner of the firm"),
    ("Founding Engineer", SENIOR, "engineering", "no founder"),
    ("Art Director", SENIOR, "marketing", "directs no department"),
    ("Zugbegleiter", None, "other", "Begleiter ends in Leiter"),
    ("Halbleitertechniker", STAFF, "engineering", "Halbleiter is a semiconductor"),
    ("Leiterplattendesigner", None, "other", "Leiterplatte is a circuit board"),
    ("Lead Generation Specialist", SENIOR, "other", "leads are generated, nobody is led"),
    ("Personal Assistant", STAFF, "administration", "Personal is HR in German only"),
    ("Vertriebscontroller", STAFF, "finance", "controls, does not sell"),
    ("Accountant", STAFF, "finance", "no account manager"),
    ("Internal Auditor", STAFF, "finance", "internal is no intern"),
    ("International Sales Manager", MANAGER, "sales", "international is no intern"),
    ("Produktionsplaner", STAFF, "operations", "Produktion is no Produkt"),
    ("Steuerungstechniker", STAFF, "engineering", "Steuerung is no Steuer"),
    ("Stellvertretender Geschäftsführer", CHIEF, "management", "Stellvertreter sells nothing"),
    ("Former CEO", None, "management", "no longer"),
    ("Head of IT Procurement", HEAD, "purchasing", "buys"),
    ("Datenschutzbeauftragter", SENIOR, "legal", "Daten alone would be IT"),
    ("Rockstar Ninja", None, "other", "says nothing"),
]


@pytest.mark.parametrize(("title", "seniority", "function"), TITLES, ids=[t[0] for t in TITLES])
def test_a_title_is_read_as_a_salesperson_would(title: str, seniority: int | None, function: str) -> None:
    assert parse_title(title) == Title(seniority, function)


@pytest.mark.parametrize(("title", "seniority", "function", "why"), TRAPS, ids=[t[0] for t in TRAPS])
def test_a_word_that_promises_more_is_not_believed(title: str, seniority: int | None, function: str, why: str) -> None:
    assert parse_title(title) == Title(seniority, function), why


@pytest.mark.parametrize("title", [None, "", "   ", "–", "(m/w/d)"])
def test_a_missing_title_is_unknown_in_both(title: str | None) -> None:
    assert parse_title(title) == Title(None, None)


@pytest.mark.parametrize(("title", "seniority", "function"), TITLES, ids=[t[0] for t in TITLES])
def test_case_and_umlauts_make_no_difference(title: str, seniority: int | None, function: str) -> None:
    spelled = title.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss")
    folded = Title(seniority, function)
    assert parse_title(spelled) == folded
    assert parse_title(spelled.lower()) == folded
    assert parse_title(f"  {title.upper()} ") == folded


@given(st.text(max_size=60))
def test_any_text_is_answered_within_the_tables(title: str) -> None:
    seniority, function = parse_title(title)
    assert seniority is None or seniority in range(7)
    assert function is None or function in FUNCTION_LABELS


def test_every_level_and_function_has_words_in_both_languages() -> None:
    assert [len(SENIORITY_LABELS[language]) for language in ("en", "de")] == [7, 7]
    assert all(set(labels) == {"en", "de"} for labels in FUNCTION_LABELS.values())


def test_columns_equal_the_single_titles_whatever_the_index() -> None:
    titles = pd.Series(["CEO", None, "Einkäufer", "CEO", "Ninja"], index=[7, 7, 0, -1, 3])
    seniority, function = title_columns(titles)
    np.testing.assert_array_equal(seniority, [CHIEF, np.nan, STAFF, CHIEF, np.nan])
    assert function.tolist() == ["management", None, "purchasing", "management", "other"]


def test_columns_of_no_titles_are_empty() -> None:
    seniority, function = title_columns([])
    assert (seniority.shape, function.shape) == ((0,), (0,))
