"""Acts of turning away, told by their names in two languages, with what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.turning_away import BY_NAME, TurningAway, turning_away

REFUSALS = """unsubscribed|email_unsubscribed|EmailUnsubscribed|UNSUBSCRIBE|un-subscribed|newsletter.unsubscribe|unsub
emailunsubscribed|unsubscribe_link_clicked|Unsubscribe Email|HubSpot: unsubscribed from all|opted_out|opt-out
optout|emailOptOut|email_opted_out|sms_opt_out|Opted out of email|abgemeldet|Abmeldung|Abmeldung Newsletter
Newsletterabmeldung|newsletter_abgemeldet|vom Newsletter abgemeldet|E-Mail-Abmeldung|Newsletter abbestellt
Abbestellung|aus Verteiler ausgetragen|widerrufen|Widerruf|Einwilligung_widerrufen|Einwilligung entzogen
Werbewiderspruch|consent_withdrawn|withdrew consent|opt_in_revoked|spam_complaint|SpamComplaint|SPAMREPORT
marked_as_spam|reported spam|Spam-Beschwerde|als Spam gemeldet|complaint|email_complaint|spam|abuse_report
rejected|rejected_by_sales|RejectedBySales|sales_rejected|mql_rejected|Lead abgelehnt|vom Vertrieb abgelehnt
zurückgewiesen|disqualified|lead-disqualified|disqualifiziert|unqualified|not_qualified|not_interested
NotInterested|no interest|lost_interest|kein Interesse|keinInteresse|kein-interesse|nicht_interessiert
nicht mehr interessiert|Desinteresse|do_not_call|DoNotContact|Do not e-mail|dnc|nicht anrufen
Bitte nicht mehr kontaktieren|keine_Werbung|Werbesperre|Anrufsperre|blacklisted|Sperrliste"""
BOUNCES = """email_bounced|EmailBounced|bounce|Bounced|hard_bounce|softBounce|Email Bounced Soft|hardbounce|emailbounced
sendgrid_bounce|Bounce (permanent)|E-Mail unzustellbar|unzustellbar|nicht zustellbar|Zustellung fehlgeschlagen
Rückläufer|undeliverable|email_not_delivered|delivery_failed"""
OTHERS = """bounce house tour|bounce_rate|page_bounce|visit_bounced|trampoline_bounce|not_bounced|call_rejected
rejected call|meeting_declined|offer_rejected|cookie_consent_declined|opt_in|OptIn|double_opt_in|resubscribed
newsletter re-subscribed|subscribed|newsletter_subscribed|unsubscribe page viewed|unsubscribe_page
unsubscribe link|opt_out_revoked|opt-out removed|removed_opt_out|unsubscribe_undone|Abmeldung widerrufen
nicht abgemeldet|Abmeldung vom Webinar|Widerrufsbelehrung angesehen|run_subscription_report|qualified
sales_qualified|requalified|interested|Interesse|interest_rate|email_sent|email_delivered|email_spam_check
not_spam|support_spam_ticket|outbound_call|call_made|no_show|meeting_cancelled|page_view|blog_view
Newsletter-Anmeldung|angemeldet|lost_found"""


def names(text: str) -> list[str]:
    return [name for line in text.splitlines() for name in line.split("|")]


@pytest.mark.parametrize("name", names(REFUSALS))
def test_a_refusal_is_told_by_its_name(name: str) -> None:
    assert turning_away(name) == "refusal"


@pytest.mark.parametrize("name", names(BOUNCES))
def test_a_bounce_is_told_by_its_name(name: str) -> None:
    assert turning_away(name) == "bounce"


@pytest.mark.parametrize("name", names(OTHERS))
def test_what_only_looks_like_it_is_none(name: str) -> None:
    assert turning_away(name) is None


@given(st.sampled_from([*names(REFUSALS), *names(BOUNCES), *names(OTHERS)]), st.sampled_from("_- ./:"))
def test_signs_blanks_and_umlauts_make_no_difference(name: str, sign: str) -> None:
    spelled = name.replace("_", " ").replace("-", " ").replace(" ", sign).replace("ü", "ue").replace("ä", "ae")
    assert turning_away(spelled) == turning_away(name)


def test_the_configuration_adds_and_takes_out() -> None:
    types = ["page_view", "unsubscribed", "bounce", "visit_called_off"]
    away = TurningAway.among(types, also=["visit_called_off"], never=["bounce"])
    assert away == TurningAway(("unsubscribed", "visit_called_off"), ("bounce",))
    assert TurningAway.from_dict(away.to_dict()) == away


def test_a_type_without_features_is_taken_by_its_name_unless_the_configuration_says_more() -> None:
    assert [BY_NAME.of_other(name) for name in ("spam_complaint", "moon_landing", "bounce")] == [True, False, True]
    away = TurningAway(("moon_landing",), ("bounce",))
    assert [away.of_other(name) for name in ("spam_complaint", "moon_landing", "bounce")] == [True, True, False]
