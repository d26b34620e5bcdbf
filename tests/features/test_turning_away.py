"""Acts of turning away, told by their names in two languages, with what only looks like one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.refusal_words import clauses
from features.turning_away import BY_NAME, TurningAway, turning_away

REFUSALS = """\
unsubscribed|email_unsubscribed|EmailUnsubscribed|UNSUBSCRIBE|un-subscribed|newsletter.unsubscribe|unsub|emailunsubscribed
unsubscribe_link_clicked|Unsubscribe Email|HubSpot: unsubscribed from all|opted_out|opt-out|optout|emailOptOut
email_opted_out|sms_opt_out|Opted out of email|abgemeldet|Abmeldung|Abmeldung Newsletter|Newsletterabmeldung
newsletter_abgemeldet|vom Newsletter abgemeldet|E-Mail-Abmeldung|Newsletter abbestellt|Abbestellung
aus Verteiler ausgetragen|widerrufen|Widerruf|Einwilligung_widerrufen|Einwilligung entzogen|Werbewiderspruch
consent_withdrawn|withdrew consent|opt_in_revoked|spam_complaint|SpamComplaint|SPAMREPORT|marked_as_spam|reported spam
Spam-Beschwerde|als Spam gemeldet|complaint|email_complaint|spam|abuse_report|rejected|rejected_by_sales|RejectedBySales
sales_rejected|mql_rejected|Lead abgelehnt|vom Vertrieb abgelehnt|zurückgewiesen|disqualified|lead-disqualified
disqualifiziert|unqualified|not_qualified|not_interested|NotInterested|no interest|lost_interest|kein Interesse
keinInteresse|kein-interesse|nicht_interessiert|nicht mehr interessiert|Desinteresse|do_not_call|DoNotContact|Do not e-mail
dnc|nicht anrufen|Bitte nicht mehr kontaktieren|keine_Werbung|Werbesperre|Anrufsperre|blacklisted|Sperrliste
unsubscribed via form|Unsubscribed from: pricing page|email unsubscribed (quote campaign)|Opted out via preference page
Abmeldung über Formular|Newsletter gekündigt|marked as junk|sms_stop|removed from list|Absage|Kündigung Newsletter
Newsletterkündigung|Abo gekündigt|Marked Email as Spam|Unsubscribed from Email Marketing|Manually Suppressed|email_spammed
email_suppressed|emailUnSubscribe|hostedUnsubscribeClick|HasOptedOutOfEmail|DoNotBulkEMail|DoNotPostalMail|group_unsubscribe
spamreport|MobileOptOut|SMS OptOut|Email: Spam Complaint|Mandrill unsub|mandrill_reject|list_unsubscribe|link_unsubscribe
contact.unsubscribed|no_consent|prospect.opted_out|Call: not interested|Junk Lead|Unsubscribe form submitted
Clicked unsubscribe link|opt-out confirmed|unsubscribe_form_completed|Abmeldeformular ausgefüllt|Abmeldelink geklickt
Abmeldung per E-Mail|Abmeldung wegen zu vieler Mails|Absage per Telefon|Absage vom Kunden|Vertrieb: Absage|Lead hat abgesagt
aus Verteiler entfernt|Aus Liste gelöscht|vom Newsletter abgemeldet (Footer-Link)|als Junk markiert|In Spam verschoben
Please stop emailing me|stop emails|Replied STOP|SMS reply: STOP|text stop|WhatsApp Stopp|newsletter stopped
newsletter cancelled|Canceled newsletter subscription|cancelled my subscription|subscription_canceled|no longer interested
Not currently interested|No further contact|kein weiteres Interesse|Interesse verloren|Kein Bedarf|keinen Bedarf
keine weiteren E-Mails|Kontakt nicht erwünscht|Werbung unerwünscht|do not email|don't call|DONT_CONTACT|never contact
DNC list|added to suppression list|Blacklisted by recipient|auf Blacklist gesetzt|unfollowed company page|Deabonniert
opted me out|Email opted out (form)|optedout|newsletterunsubscribe|emailoptout|notinterested|donotcall
spam complaint via ISP|Spam-Meldung|reported as junk|moved to spam|Complaint (abuse)|Beschwerde per Mail
Consent withdrawn via portal|permission revoked|marketing consent denied|Einwilligung widerrufen (Formular)
Zustimmung zurückgezogen|unsubscribed removed|Abgemeldet, gelöscht|opted out - cleared|unsubscribed and deleted
rejected (budget)|declined|Rejected by account manager|Disqualified: page view only|unqualified - no budget|bad fit
not a fit|email_unsubscribed_quote_campaign|unsubscribed_pricing_page|Unsubscribe reason: too many emails
GDPR erasure request|Löschantrag|Unsubscribed (page 2)|unsubscribed after webinar|Unsubscribed during webinar
Newsletter abgelehnt|sms_unsub|SMSUnsubscribed|UNSUBSCRIBED|un_subscribe|opt.out|Opt Out (SMS)|Kontaktsperre|E-Mail-Sperre
telefonsperre|Robinsonliste|Newsletter abgemeldet über Seite|opt_out_request|opted out of sms|unsubscribe request received
Widerspruch gegen Werbung|Werbewiderspruch eingegangen|keine Werbung bitte|left mailing list|removed from mailing list
Removed From Marketing List|Take me off your list|remove me from your list|Nicht mehr kontaktieren
nicht interessiert (Telefon)|kein Interesse: Preis|No interest shown|Email unsubscribe via landing page
unsubscribed_from_webinar_invites|Unsubscribed through preference center|opted_out_using_link|Opt-out erfolgt
Opt-Out über Link|Vom Newsletter abgemeldet über Abmeldelink|Newsletter Abmeldung bestätigt|Austragung aus dem Verteiler
E-Mail-Widerspruch|Widerruf der Einwilligung|Einwilligung (Marketing) widerrufen|DSGVO-Widerspruch|Double-Opt-Out|SPAM
Spam reported via Gmail|spam_report_received|marked newsletter as spam|flagged our email as junk|Reported as spam - policy
contact_marked_as_spam|whatsapp opt-out|push opt out|push_unsubscribed|web push unsubscribe|sms:stop|sms stop received
SMS Stop Keyword|STOP keyword|texted STOP to shortcode|stop sms|stop all emails|stop sending emails|stop contacting us
please stop calling|mail stopp|Newsletter-Stopp|Newsletter deaktiviert|unsubscribe_all|global_unsubscribe
Globally unsubscribed|asm_group_unsubscribe|ListUnsubscribed|one-click unsubscribe|list-unsubscribe header
List unsubscribe (one click)|emails turned off|newsletter_disabled|Newsletter beendet|Mailing abbestellt|Abo storniert
Kündigung des Newsletters|hat Newsletter gekündigt|Newsletter wurde gekündigt|Newsletter-Abo gekündigt|cancel newsletter
cancelled email subscription|not_a_fit|no fit|poor fit|lead_disqualified_by_sdr|Disqualified (budget)|unqualifiziert
nicht qualifiziert|Sales rejected: timing|SAL rejected|MQL abgelehnt|SDR: rejected|rejected by SDR team|rejection
lead refused|Absage erhalten|Absage durch Kunden|Absage: Budget|Absage wegen Preis|Absage (Telefon)|telefonische Absage
schriftliche Absage|Customer said no|has no interest|hat kein Interesse|hat kein Interesse mehr|keinerlei Interesse
Interesse erloschen|lack of interest|uninterested|disinterested|not really interested|NotInterestedAnymore|no need
no longer needed|wants no contact|do not disturb|DoNotPhone|do_not_mail|do-not-text|Do Not Contact (GDPR)
DO NOT CALL registry|asked not to be contacted|requested removal from list|Removal from mailing list
deleted from mailing list|list removal|unsubscribe and forget me|right to be forgotten|data deletion request|Listenabmeldung
Emailabmeldung|Newsletteraustragung|Werbeverbot|Anrufverbot|Mailsperre|Blacklisting|blocklisted|denylisted
suppression_list_added|on suppression list|auf Sperrliste|suppressed (bounce)|Kontakt gesperrt|als unerwünscht markiert
marked as unwanted|unfollow|LinkedIn unfollowed|Unsubscribed_Form|email unsubscribed report spam|unsubscribed - score 10
Unsubscribed: quote follow-up|opted out (policy change)|abgemeldet über Formular|hs_email_optout|STATUSCHANGE unsubscribed
SUPPRESSED|Marketing email: unsubscribed from all|Marketo: Unsubscribe Email|customer_unsubscribed|Unsubscribed From List
Unsubscribed from SMS Marketing|listUnsubscribe|emailComplaint|SmsStop|MarkedAsJunk|RemovedFromList|Abgemeldet (Newsletter)
Abmeldung: Newsletter|Newsletter: Abmeldung per Link|Abmeldung - E-Mail|Kunde abgesagt|Hat abgesagt|Interessent hat abgesagt
Absage vom Lead: kein Budget|Lead verloren: kein Interesse|unsubscribe;email|unsubscribed/email|email>unsubscribed
[Email] Unsubscribed|Unsubscribed – Newsletter|unsubscribed 2026-01-05|unsubscribed_v2|Unsubscribed!|Abmeldung 2
kündigte Newsletter|Newsletter abgemeldet|NewsletterAbmeldung|newsletter_cancel|Abbestellt: Newsletter
Newsletter-Abo beendet|Opted Out - Email|Email - Opted Out|Email Opt-Out = true|Opt-out: yes|unsubscribed: true
Do Not Call: true|preference_center_unsubscribe|unsubscribed in app|Unsubscribed on page|contact unsubscribed via page view
optout via whitepaper form|abgemeldet nach Webinar|Unsubscribed because of price
Email Opt-Out (website form)|opted-out via SMS keyword|Unsubscribed via link in footer|unsubscribe_via_preferences_page
Unsubscribed: Report page|email_unsubscribed_from_list|Newsletter-Abmeldung über Link|Abmeldung per Formular
Abmeldung via Webseite|email_marked_spam|email spam report|spam_reported|complained|email complained|Spam-Markierung
Als Spam eingestuft|junked|Moved to junk|unsubscribed_from_all_emails|Subscription cancelled via portal
newsletter_unsubscribed_link|UnsubscribeForm submitted|opt_out_sms|sms_optout|SMS STOP|sms opted-out|whatsapp_opted_out
Telefon: kein Interesse|Kein Interesse (mehr)|kein interesse mehr|hat abgelehnt|abgelehnt|Gekündigt: Newsletter
Newsletter Kündigung|Kündigung (Newsletter)|Newsletter storniert|Newsletter abbestellen|Mailingliste verlassen
Von Mailingliste entfernt|aus dem Newsletter ausgetragen|Löschung beantragt|Widerspruch Werbung|Werbung widersprochen
Kontaktverbot|Do not contact|DO_NOT_EMAIL|dont email|contact opted out|lead unsubscribed|Lead rejected|Lead: Rejected
rejected lead|lead_rejected_sales|rejected_by_customer|customer rejected|Customer declined|declined by prospect
disqualified_lead|DQ|Lead disqualified - no budget|closed_lost_no_interest|not a good fit|email suppression|suppression
Suppressed email|marked_spam|flag_spam|report_spam|SpamReported|Reported Spam|Abuse complaint|abuse reported|unsub_click
unsubscribe click|Unsubscribe clicked|unsubscribe_success|unsubscribed successfully|left the list|list_unsub|list left
event: spam report|event_unsubscribe|Demo: kein Interesse|Meeting: not interested|meeting_outcome_not_interested
Call outcome: no interest|Webinar: unsubscribed|Webinar unsubscribe|Demo - disqualified|post: opt-out|Help: unsubscribe
Survey: do not contact|report emails unsubscribed|Email event: spam complaint|Feature news unsubscribed"""
BOUNCES = """\
email_bounced|EmailBounced|bounce|Bounced|hard_bounce|softBounce|Email Bounced Soft|hardbounce|emailbounced|sendgrid_bounce
Bounce (permanent)|E-Mail unzustellbar|unzustellbar|nicht zustellbar|Zustellung fehlgeschlagen|Rückläufer|undeliverable
email_not_delivered|delivery_failed|hard bounce (policy)|soft bounce: spam filter|email_dropped|email_failed|email_blocked
Klaviyo: Dropped Email|Failed to Deliver SMS|emailBounce|dropped|BlockBounce|BouncebackHard|Bounceback Soft
Email: Hard Bounce|cleaned|email.permanent_fail|policy_rejection email|invalid_email|invalidEmail|blocked|email rejected
SMS Rejection|Push Bounce|E-Mail fehlgeschlagen|SMS fehlgeschlagen|E-Mail blockiert|Zustellung gescheitert|email undelivered
Message undeliverable|hard_bounce_policy|Soft bounce - mailbox full|Bounced: unknown user|email bounced removed
Bounced - removed from list|hard bounced, deleted|bounced email|emails bounced|3 emails bounced|email bounced 2x
E-Mail ungültig|Postfach voll|sms_failed|push_failed|email delivery failure|message failed|Versand fehlgeschlagen
EMAIL-BOUNCE|Email Hard bounced|Email blocked by recipient server|Email dropped: previously bounced
Mailbox unavailable: bounced|Hard Bounce - DNS|HARD_BOUNCED_POLICY_FILTER|bounce (soft): content|EmailHardBounce
emailSoftBounced|softbounced|soft_bounces|bounce.hard|email.bounce|transactional_bounce|mailer.dropped|SMTP dropped email
mail_blocked|sms_blocked|email_quarantined|sending failed|send_failed|delivery.failed|DeliveryFailed|email_send_failure
Email konnte nicht zugestellt werden|Zustellung nicht möglich|Mail nicht zustellbar|Nachricht unzustellbar
Adresse ungültig: E-Mail ungültig|Invalid email address|sms undelivered|MMS_undelivered|whatsapp_failed|user blocked sender
Absender blockiert|bounced_policy|hs_email_bounce|hs_email_hard_bounce_reason|hs_email_quarantined|IsEmailBounced
EmailBouncedDate|Email Invalid|Sales Email Bounced|cio_email_dropped|sms_bounced|push_dropped|email_undeliverable
Failed to deliver Automated Response SMS|smsBounce|EMAIL_DROPPED|EmailFailed|Mail gebounct|Bounce-Mail erhalten
E-Mail Bounce erhalten|Hardbounce|Softbounce|Soft-Bounce (Postfach voll)|email bounced by spam filter
hard bounce - filter|soft bounce (content filter)|Mail bounced: policy violation|emailBounceHard|bounce_hard|bounce_soft
Bounce: Block|email soft bounced|hubspot_email_bounce|WhatsApp blocked|email hard bounce detected|permanently bounced
Undelivered|delivery_failure|delivery failed: mailbox full|email.failed|email.delivery_failed|mail delivery failed
failed email delivery|email address invalid|sms_not_delivered|SMS nicht zugestellt|push_bounced|email_reject
mail rejected by server|rejected email|blocked email|user_blocked|blocked by user|contact blocked us|Event: hard bounce
email event bounce|Event type: bounce"""
OTHERS = """\
bounce house tour|bounce_rate|page_bounce|visit_bounced|trampoline_bounce|not_bounced|call_rejected|rejected call
meeting_declined|offer_rejected|cookie_consent_declined|opt_in|OptIn|double_opt_in|resubscribed|newsletter re-subscribed
subscribed|newsletter_subscribed|unsubscribe page viewed|unsubscribe_page|unsubscribe link|opt_out_revoked|opt-out removed
removed_opt_out|unsubscribe_undone|Abmeldung widerrufen|nicht abgemeldet|Abmeldung vom Webinar|Widerrufsbelehrung angesehen
run_subscription_report|qualified|sales_qualified|requalified|interested|Interesse|interest_rate|email_sent|email_delivered
email_spam_check|not_spam|support_spam_ticket|outbound_call|call_made|no_show|meeting_cancelled|page_view|blog_view
Newsletter-Anmeldung|angemeldet|lost_found|unsubscribe page fixed|re-subscribed|spam filter webinar|bounce house catalogue
Absage zurückgenommen|opted in|stop by our booth|drop-in demo|rejected offer accepted later|unsubscribe link seen
unsubscribe page|opt-out page visited|Abmeldeseite|Abmeldeseite aufgerufen|Abmeldeformular angesehen|Abmeldequote
Bounce-Quote|hard bounce rate|unsubscribe rate report|Opt-out policy|opt-out policy updated
Unsubscribe best practices webinar|How to unsubscribe guide|email unsubscribe guide downloaded|spam test|spam score
Spam-Filter Check|Anti-Spam webinar|anti-spam guide|not bounced|never unsubscribed|no bounce|not yet unsubscribed|Unbounced
debounce|non-bounced|rebounded|group_resubscribe|UNBOUNCE|opt-out withdrawn|opt-out lifted|unsubscribe undone
unsubscribe reversed|Unsubscribe aborted|Abmeldung storniert|Abmeldung zurückgezogen|Kündigung Newsletter zurückgezogen
Newsletterkündigung widerrufen|Sperre aufgehoben|Kontaktsperre aufgehoben|removed from blacklist|taken off blocklist
removed from suppression list|von der Sperrliste entfernt|aus Sperrliste entfernt|bounce cleared|bounce reset|cleared bounce
opt_out flag removed|Spam complaint resolved|Beschwerde erledigt|complaint resolved|marked as not spam|no spam|kein Spam
whitelisted|Double opt-in|opt-in confirmed|optin|Opted back in|opted in again after opt-out page|Newsletter abonniert
subscription renewed|subscription started|email delivered|email_opened|email_clicked|email deferred|email processed
email_forwarded|SMS sent|sms delivered|sms_clicked|stop motion video|bus stop ad|one-stop shop tour|stopped by booth
Stop-over event|non-stop demo|pit stop webinar|dropped by booth|dropped off brochure|drop shipping webinar
Dropbox file opened|dropdown selected|call dropped|cart dropped|failed login|payment failed|payment failed email sent
login failed|form validation failed|email verification failed|webhook_failed|calendar blocked|popup_blocked|ad blocked
cookie blocked|blocked time for demo|item removed from wishlist|removed from wishlist|removed from waiting list
product removed from list|removed from cart|list downloaded|price list requested|checklist download|Absage Webinar
Termin abgesagt|Meeting cancelled|webinar cancelled|demo cancelled|order cancelled|trial cancelled|Absage an Bewerber
Abmeldung Webinar|Abmeldung (Seminar)|Kündigung Mietvertrag|Kündigungsfrist Rechner|offer rejected|Offer declined
cookie consent declined|cookie consent revoked|call rejected|meeting declined|rejected quote revised
objection handling webinar|junk food article|junkyard tour|spam musubi recipe|complaint form viewed
complaint handling webinar|customer complaints webinar|abuse prevention webinar|block party|blockchain webinar
blog post: block lists explained|blacklist checker tool|suppression webinar|noise suppression video|interest rate calculator
no interest rate|very interested|hohes Interesse|email opened: Don't unsubscribe|Email opened (unsubscribe campaign)
page view: /unsubscribe|visited /opt-out|Viewed unsubscribe page|unsubscribe email opened|unsubscribe confirmation opened
Preview unsubscribe page|keine E-Mail-Adresse|email opt-in|email_subscribed|unsubscribe button hovered
unsubscribe survey sent|Unsubscribe page loaded|Landing page bounce|page bounce|bounced visit|bounce rate|trampoline bounce
session bounced|opted_out: false|opt-out: no|not disqualified|nicht disqualifiziert|wieder angemeldet
unsubscribed then resubscribed|Opt-out revoked, opted in|unsubscribed, re-subscribed|cancellation policy|cancellation page
No-show|no reply|not contacted|no answer|do not miss webinar|do_not_reply email opened|Don't miss out|don't stop podcast
dropped pin|mail order catalogue|email signature|newsletter signup|sms opt-in|text message sent|Widerrufsbelehrung
Widerrufsrecht Seite|Absage-Vorlage heruntergeladen|webinar about spam|guide on bounces|email bounce webinar
email bounces explained blog|email deliverability webinar|unsubscribed page viewed|unsubscribe workshop|opt-out training
Opt-in/Opt-out settings page|opt-out rates|opt-out FAQ|opt-out template download|unsubscribe link test|unsubscribe A/B test
unsubscribe page A/B test|unsubscribe form embedded|unsubscribe page published|unsubscribe button colour changed
unsubscribes count|number of unsubscribes|Anzahl Abmeldungen|rate of bounces|bounce statistics|Bounce report opened
bounce report|hard bounce report|soft bounce explained article|email bounce checker|bounce exchange demo|Bounce Rate Webinar
bouncy castle|bounce back webinar series|spam trap webinar|spam folder guide|spam law article|anti spam policy
spam protection whitepaper|spam check passed|email spam check|not marked as spam|unmarked as spam|reported not spam
Kein Spam gemeldet|spam-free|Absage widerrufen|Absage rückgängig|Absage aufgehoben|Absage storniert|Zusage|Zugesagt
Terminabsage|Webinar abgesagt|Messe abgesagt|Absage Messe|Absageschreiben Muster|keine Absage|Abmeldung Kurs
Abmeldung rückgängig gemacht|opt-out cancelled|opt-out reverted|opt out was reversed|opt-out restored|opt-out entry deleted
undo unsubscribe|undo opt-out|revert unsubscribe|cancelled unsubscribe|prevented unsubscribe|unsubscribe prevented
removed from unsubscribe list|removed from DNC list|off the blacklist|deleted from blocklist|unblocked|unblocked email
email unblocked|Entsperrt|Sperre gelöscht|blacklist removed|blacklist entry removed|delisted|complaint withdrawn
spam complaint revoked|Kündigung abgewendet|newsletter cancellation withdrawn|bounce resolved|bounce fixed|bounce geklärt
hard bounce cleared|re-opted in|re-opt-in|reactivated|Resubscribe|resubscribe link clicked|re_subscribe
newsletter resubscribed|newsletter wieder abonniert|opt-in erteilt|Einwilligung erteilt|Einwilligung erneuert
consent granted|consent given|consent updated|consent_banner_seen|stop watch video|stopwatch|stop sign ad|full stop
nonstop flight|stopover|whistle-stop tour|stop & go webinar|email sequence stopped|sequence_stopped|workflow stopped
video stopped|campaign stopped|timer_stop|session_stop|drop in visit|drop-in session|drop-down clicked|airdrop claimed
drag and drop demo|price drop alert|email drop campaign|dropped in at fair|backdrop ordered|dropshipping guide
payment rejected|quote rejected|rejected application|proposal declined|invitation declined|call declined|cookie declined
cookies rejected|card declined|credit refused|rejected then accepted|reject all cookies|return rejected|fail-safe webinar
failed payment|failed download|upload failed|api_failed|checkout failed|email login failed|email change failed
failover guide|failure analysis whitepaper|blocked page view|blocked ad clicked|writer's block blog|road block
block editor demo|block quote|building block ebook|listing viewed|wish list updated|shortlist removed|playlist removed
task list deleted|price list left|junk removal quote|junk drawer tips|complaint box visit|complaints page|complaint policy
objection webinar|objective set|abuse hotline page|object storage demo|project cancelled|event cancelled
appointment cancelled|booking cancelled|contract cancelled|Vertrag gekündigt|Mitgliedschaft gekündigt|Kündigung Vertrag
Kündigungsschreiben|interest shown|interest form submitted|high interest|point of interest viewed|interest-free financing
not started|not opened|email not opened|not clicked|no opens|not attended|no visit|no show|do not miss|don't forget webinar
never stop learning|never ending story|not sent|message sent|message received|text editor demo|mail merge guide
mailing list joined|added to list|list joined|newsletter read|newsletter opened|newsletter sent|email replied
email reply received|marketing qualified|subscription page viewed|subscription upgraded|subscription form viewed|push opened
push enabled|sms enabled|emails turned on|email sent: unsubscribe confirmation|unsubscribe confirmation email sent
Opened: unsubscribe reminder|viewed: opt-out page|clicked: pricing|downloaded unsubscribe guide
attended: spam filter webinar|Form view: unsubscribe|Webinar: opt-out law|Whitepaper Widerruf|Seminar Widerspruch
Artikel: Kündigung Newsletter|blog about unsubscribes|page about opt-outs|Seite über Abmeldung|Opt Out: false
unsubscribe_false|Abmeldung vom Event|Abmeldung Schulung|Kursabmeldung|Schulabmeldung|abgemeldet vom Kurs
ausgetragen: Turnier|Spam (Musubi) recipe|hard drop|soft launch|hard copy requested|mail-in rebate
newsletter subscribed via unsubscribe page|demo requested via unsubscribe page|meeting booked after opt-out
form filled on unsubscribe page|quote requested|policy downloaded|filter used|rate card viewed|score updated|check-in
checkout|pricing page|preference page viewed|Formular ausgefüllt|form submitted|contact form submitted|link clicked
Quote accepted|Spam filter ebook|junk mail law guide|Newsletter bestellt|Newsletter bestätigt|Anmeldung Newsletter
Abo abgeschlossen|Abo verlängert|subscription confirmed|Bestellung storniert|Termin storniert
Zusage nach Absage-Runde Webinar|refused bequest webinar|declining markets report|rejection handling training
sales rejection webinar|cold call objections ebook
unsubscribe form viewed|Unsubscribe form view|opened unsubscribe page|opt-out link shown|opt-out center visited
Opt-out guide|Abmeldeseite besucht|Abmeldelink angezeigt|Abmeldeformular geladen|Spam policy read|Spam filter settings
bounce policy page|Bounce rate dashboard|bounce analysis|Bounce Fitness ad|house bounce|bouncing ball video|unsubscribe rate
Opt-out rate 2024|bounce removed|Bounce aufgehoben|opt-out deleted|opt-out cleared|unsubscribe removed|Abmeldung gelöscht
Abmeldung aufgehoben|Blacklist entfernt|unblacklisted|unspammed|not junk|Marked as not junk|no longer unsubscribed
un-opted-out|complaint closed|complaint retracted|Absage zurückgezogen|Absage revidiert|rejection withdrawn
rejection reversed|subscribe|Newsletter subscribe|subscription|subscriber|newsletter|email|sms|list|spam quiz|junk mail|mail
stop|drop|fail|block|blocklist webinar|bounce house|stop sign|stop smoking webinar|stop loss guide|one stop shop|non-stop
dropped in|dropdown|drop-off|email drop|raindrop|block booking|blocked seats|road blocked|fail fast webinar|failover
card rejected|proposal rejected|ticket rejected|PR rejected|Absage Termin|Absage des Meetings|Event-Absage|Webinar-Absage
Absage Veranstaltung|abgesagt: Webinar|Kurs abgemeldet|Abmeldung Kita|Abmeldung Gewerbe|Gewerbeabmeldung|Kfz-Abmeldung
Kündigung Arbeitsvertrag|gekündigter Vertrag Download|Widerruf Kauf|not sure|no decision yet|nurture|open|Interesse gezeigt
kein Problem|keine Frage|keine Ahnung|no problem|no comment|email opened|opened email about unsubscribing
read article opt-out|Clicked link: unsubscribe guide|unsubscribe tutorial video watched|webinar registered
web form submitted|meeting rejected|calendar invite declined|declined meeting|invite rejected|cookie opt-out page
privacy page|GDPR webinar|GDPR page|opt-in|re-optin|reoptin|opt back in|opted back in via form|resubscribed via form
re-subscribed (form)|resubscription"""


def names(text: str) -> list[str]:
    return [name for line in text.splitlines() for name in line.split("|")]


@pytest.mark.parametrize(
    ("line", "kind"),
    [(line, kind) for text, kind in ((REFUSALS, "refusal"), (BOUNCES, "bounce"), (OTHERS, None)) for line in text.splitlines()],
)
def test_names_tell_refusals_bounces_and_what_only_looks_like_one(line: str, kind: str | None) -> None:
    assert {name: turning_away(name) for name in names(line)} == dict.fromkeys(names(line), kind)


ONE_CLAUSE = [name for name in names(f"{REFUSALS}\n{BOUNCES}\n{OTHERS}") if not re.search(r"[^\w \-'./]| [-–] ", name)]


@given(st.sampled_from(ONE_CLAUSE), st.sampled_from("_- ./:"))
def test_signs_blanks_and_umlauts_make_no_difference(name: str, sign: str) -> None:
    spelled = name.replace("_", " ").replace("-", " ").replace(" ", sign).replace("ü", "ue").replace("ä", "ae")
    assert turning_away(spelled) == turning_away(name)


@given(st.sampled_from(ONE_CLAUSE))
def test_case_makes_no_difference_to_words_that_are_parted(name: str) -> None:
    parted = " ".join(clauses(name))
    assert turning_away(parted.upper()) == turning_away(parted)


def test_of_a_text_that_is_no_name_the_beginning_counts() -> None:
    assert turning_away("email unsubscribed " + "x" * 100_000) == "refusal"
    assert turning_away("page view " + "x" * 100_000 + " unsubscribed") is None


def test_the_configuration_adds_and_takes_out() -> None:
    types = ["page_view", "unsubscribed", "bounce", "visit_called_off"]
    away = TurningAway.among(types, also=["visit_called_off"], never=["bounce"])
    assert away == TurningAway(("unsubscribed", "visit_called_off"), ("bounce",))
    assert TurningAway.from_dict(away.to_dict()) == away


def test_a_type_without_features_is_taken_by_its_name_unless_the_configuration_says_more() -> None:
    assert [BY_NAME.of_other(name) for name in ("spam_complaint", "moon_landing", "bounce")] == [True, False, True]
    away = TurningAway(("moon_landing",), ("bounce",))
    assert [away.of_other(name) for name in ("spam_complaint", "moon_landing", "bounce")] == [True, True, False]
