"""What is cut out of texts."""

from __future__ import annotations

import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.common.errors import DataError
from features.common.persons.rules import CANDIDATE
from features.common.persons.texts import cut, masked

WHOLE = """"X M" <x@ex.org>|X M <x@ex.org>|x [at] ex.org|x(at)ex(dot)org|jane at example dot org|mailto:x@ex.org
Müller@firma.de
+49 40 1234567|0049 40 1234567|(555) 123-4567|555-123-4567|040/123456-7|0171 1234567|06 12 34 56 78|DE89370400440532013000
GB82 WEST 1234 5698 7654 32|123-45-6789|4111 1111 1111 1111|RSSMRA85T10A562S|192.168.10.77|2001:db8::8a2e:370:7334
Jane Doe|Doe, Jane
JANE DOE|Musterstraße 12|12 Main Street|5 rue de la Paix|Calle Mayor 3|Via Roma 10|ul. Długa 5|Rua Augusta 22|@janedoe
https://www.linkedin.com/in/jane-doe-123|https://twitter.com/janedoe|born 12.03.1985|00:1A:2B:3C:4D:5E|José García
 a@ex.org; b@ex.org """
PARTS = {
    "Offer for jane@ex.org": "Offer for (e-mail address)",
    "https://ex.org/t?email=jane%40ex.org&utm_source=a": "https://ex.org/t?email=(e-mail address)&utm_source=a",
    "https://ex.org/t?firstname=Jane&utm_campaign=x": "https://ex.org/t?firstname=(name)&utm_campaign=x",
    "Call with Zadie Quendel": "Call with (name)",
    "Gespräch mit Frau Müller": "Gespräch mit Frau (name)",
    "Hi Jane, quick question": "Hi (name), quick question",
    "Contact: Zadie Quendel; wants demo": "Contact: (name); wants demo",
    "Zadie Quendel asked for a demo": "(name) asked for a demo",
    "Ansprechpartner: Herr Dr. Klaus Weber": "Ansprechpartner: (name)",
    "Viele Grüße Anna": "Viele Grüße (name)",
    "Tel: 040 1234567": "Tel: (telephone number)",
}
HARMLESS = """logo@2x.png|react@18.2.0|Meeting with Sales Team|Dear Customer,|31.12.2026|01.02.2024|2026-12-31 10:00
12-3456-789
4500012345|0000123456|v1.2.3.4|10.0.19041.1|96.0.4664.110|12:34:56|spring-2026-webinar|Paris Conference|Spring Webinar
Monitoring 24
Engineering 101|https://linkedin.com/company/acme|Campaign name: Spring Sale|Phone: iPhone 15|Topic: Pricing
Vice President Sales
Sr. Software Engineer|Webinar: How to score leads in 2026|1,234,567.89|2026-12-31T10:00:00+02:00|+1 200 000|10.000.000
ORD-2024-000123
1234567890123456|8801234567890|Robert Bosch GmbH|/pricing?id=123|MS Office|100 200 300|51-200|€ 1.234,50|Via Email
Lead Source: Web
Contact Us|Julia Programming|05 2026 - 07 2026|GA1.2.123456789.1700000000|550e8400-e29b-41d4-a716-446655440000
012-345-6789|a|"""


@pytest.mark.parametrize("text", WHOLE.replace("\n", "|").split("|"))
def test_a_text_that_is_nothing_but_a_personal_detail_goes(text: str) -> None:
    assert cut(text).text is None


@pytest.mark.parametrize("text", list(PARTS))
def test_of_other_texts_only_the_detail_is_cut(text: str) -> None:
    assert cut(text).text == PARTS[text]


@pytest.mark.parametrize("text", HARMLESS.replace("\n", "|").split("|"))
def test_what_only_looks_personal_stays(text: str) -> None:
    assert cut(text) == (text, ())


def test_free_text_gives_way_to_a_digest_and_equal_texts_stay_equal() -> None:
    text = "Zadie would like to hear from us again once the budget of next year is decided, says her colleague"
    assert cut(text).text == cut(" " + text.strip()[0:] if False else text).text
    assert "Zadie" not in str(cut(text).text)
    assert cut(text).kinds == ("free text",)
    assert cut("one\ntwo").kinds == ("free text",)


def test_every_text_that_is_cut_is_a_candidate_of_the_vectorised_look() -> None:
    texts = [*WHOLE.replace("\n", "|").split("|"), *PARTS, "one\ntwo", "x" * 600, "a b " * 50]
    assert pc.match_substring_regex(pa.array(texts), CANDIDATE).to_pylist() == [True] * len(texts)


@given(st.text(max_size=200))
def test_any_text_can_be_cut_and_a_cut_text_stays(text: str) -> None:
    once = cut(text)
    assert once.text is None or cut(once.text).text == once.text or once.kinds
    if once.kinds and "\ud800" not in text:
        assert pc.match_substring_regex(pa.array([text]), CANDIDATE).to_pylist() == [True]


@pytest.mark.parametrize("text", ["a" * 10_000, "a." * 5_000, "1 " * 5_000, "A " * 80, "0" * 499, "a@" * 200, "Ab " * 50])
def test_no_text_takes_long(text: str) -> None:
    begin = time.process_time()
    cut(text)
    assert time.process_time() - begin < 1


def test_messages_mask_what_is_personal() -> None:
    assert masked("+49 40 1234567") == "(telephone number)"
    assert masked("Zqx", "Nachname") == "(name)"
    assert masked("x1") == "'x1'"
    error = DataError("leads.csv, row 3: 'jane@ex.org' is not a number.", "Ask bob@ex.org.")
    assert "ex.org" not in str(error)
    assert "ex.org" not in error.fact + error.hint


def test_libraries_are_imported_only_when_a_text_asks_for_them() -> None:
    import subprocess

    look = "from features.common.persons.texts import cut; cut('Spring Webinar')"
    code = f"import sys; {look}; print({{'stdnum', 'phonenumbers', 'pandas'}} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
