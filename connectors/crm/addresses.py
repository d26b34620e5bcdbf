"""Whose an e-mail address is, and was: acts that only name an address belong to who had it at that moment.

An address that somebody has no more, or has beside another one, is a name of the same person (identity resolution).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import duckdb

from connectors.crm.keys import mail_key
from connectors.crm.landing_tables import Row
from connectors.crm.moments import iso
from features.common.persons.texts import mail_domain
from features.dataset.data_report import DataReport


def address_row(person: str, key: str | None, since: datetime | None = None, until: datetime | None = None) -> Row:
    """A person has an address, by its key: of today beside the main one, or the main one `since` a moment (None for the key:
    none from then on), `until` a change, which the vendor tells with what stood there before."""
    name = "|".join([person, key or "", iso(since) if since else "", *(["before", iso(until)] if until else [])])
    return {"_id": name, "person": person, "email_key": key or "", "at": since, "until": until}


def address_columns(addresses: Sequence[object], salt: bytes) -> Row:
    """What a person's row says of its addresses, the main one first: none of them is landed."""
    main, *further = [str(address or "") for address in addresses] or [""]
    main_key = mail_key(main, salt)
    further_keys = {key for address in further if (key := mail_key(address, salt))} - {main_key}
    return {
        "_email_domain": mail_domain(main),
        "_email_key": main_key,
        "_further_keys": f";{';'.join(sorted(further_keys))};" if further_keys else None,
    }


def further_rows(people: Iterable[Row]) -> list[Row]:
    """The further addresses of people, a row each: they stay names of the person when its own row forgets them."""
    return [
        address_row(str(person["_id"]), key)
        for person in people
        for key in str(person.get("_further_keys") or "").split(";")
        if key
    ]


def changed_address(
    person: str, before: object, after: object, moments: tuple[datetime | None, datetime], salt: bytes
) -> list[Row]:
    """The address that a person came to have, and the one before it since the person was created. `moments`: of the creation,
    where it is known, and of the change."""
    created_at, changed_at = moments
    rows = [address_row(person, mail_key(str(after or ""), salt), changed_at)]
    if created_at and created_at < changed_at:
        rows.append(address_row(person, mail_key(str(before or ""), salt), created_at, changed_at))
    return rows


def make_spans(base: duckdb.DuckDBPyConnection) -> None:
    """The table `spans` (email_key, lead_id, since, until, further): who had which address when."""
    base.execute("""
        CREATE TABLE spans AS
        WITH versions AS (
            SELECT person, email_key, "at" FROM raw.addresses WHERE "at" IS NOT NULL AND until IS NULL
            UNION ALL
            SELECT person, arg_min(email_key, until), min("at") FROM raw.addresses WHERE until IS NOT NULL GROUP BY person
        ), dated AS (
            SELECT person, email_key, "at" AS since, lead("at") OVER (PARTITION BY person ORDER BY "at", email_key) AS until
            FROM versions
        ), of_people AS (
            SELECT person, email_key, since, until, false AS further FROM dated WHERE email_key <> ''
            UNION ALL
            SELECT p._id, p._email_key, p._created_at, NULL, false FROM raw.people p
            LEFT JOIN dated d ON d.person = p._id AND d.email_key = p._email_key
            WHERE p._email_key IS NOT NULL AND d.person IS NULL
            UNION ALL
            SELECT person, email_key, NULL, NULL, true FROM raw.addresses WHERE "at" IS NULL
        )
        SELECT s.email_key, coalesce(a."into", s.person) AS lead_id, coalesce(s.since, '-infinity'::TIMESTAMPTZ) AS since,
               coalesce(s.until, 'infinity'::TIMESTAMPTZ) AS until, s.further
        FROM of_people s LEFT JOIN lead_of a ON a.record = s.person
        WHERE coalesce(a."into", s.person) IN (SELECT lead_id FROM known)
    """)


def make_owners(base: duckdb.DuckDBPyConnection, report: DataReport) -> None:
    """The table `by_key` (email_key, since, until, lead_id): each address at each moment is that of one lead; after the last of
    those who had it, it stays that one's, and before the first it is the first one's already.

    Of several who have an address at once it is whose main address it is, then who has had it for longest: who comes later
    takes nothing away. They are told, whatever the vendor calls acts by.
    """
    make_spans(base)
    # only what an act names needs an owner: an address that stands for "none" may be that of thousands
    base.execute("""
        CREATE TABLE by_key AS
        WITH named AS (
            SELECT * FROM spans WHERE email_key IN (SELECT email_key FROM raw.activities WHERE email_key IS NOT NULL)
        ), owned AS (
            SELECT email_key, min(lead_id) AS lead_id, count(DISTINCT lead_id) AS leads FROM named GROUP BY email_key
        ), shared AS (
            SELECT n.* FROM named n JOIN owned o ON o.email_key = n.email_key AND o.leads > 1
        ), marks AS (
            SELECT email_key, since AS mark FROM shared UNION SELECT email_key, until FROM shared
            UNION SELECT email_key, '-infinity'::TIMESTAMPTZ FROM shared
        ), pieces AS (
            SELECT email_key, mark AS since, lead(mark, 1, 'infinity'::TIMESTAMPTZ) OVER (PARTITION BY email_key ORDER BY mark)
                   AS until
            FROM marks WHERE mark < 'infinity'::TIMESTAMPTZ
        )
        SELECT email_key, '-infinity'::TIMESTAMPTZ AS since, 'infinity'::TIMESTAMPTZ AS until, lead_id
        FROM owned WHERE leads = 1
        UNION ALL
        SELECT DISTINCT p.email_key, p.since, p.until, first_value(s.lead_id) OVER (
            PARTITION BY p.email_key, p.since
            ORDER BY CASE WHEN s.since <= p.since AND s.until > p.since THEN 0 WHEN s.until <= p.since THEN 1 ELSE 2 END,
                     s.further, CASE WHEN s.until <= p.since THEN s.until END DESC NULLS LAST, s.since, s.lead_id
        )
        FROM pieces p JOIN shared s ON s.email_key = p.email_key
    """)
    counted = base.execute("""
        SELECT count(DISTINCT lead_id), min(pair) FROM (
            SELECT lead_id, min(lead_id) OVER same || ' and ' || max(lead_id) OVER same AS pair,
                   min(lead_id) OVER same < max(lead_id) OVER same AS shared
            FROM spans WHERE until = 'infinity'::TIMESTAMPTZ WINDOW same AS (PARTITION BY email_key)
        ) WHERE shared
    """).fetchone()
    leads, pair = counted or (0, "")
    treatment = "each keeps what it did; what only names the address is of who had it first; merge them in the CRM"
    report.warn("leads", "leads that share an e-mail address", leads, str(pair or ""), treatment)
