"""What fields of leads and opportunities became, and the condition by which changes of some fields are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from connectors.crm.addresses import changed_address
from connectors.crm.landing_tables import Row
from connectors.crm.moments import moment
from connectors.crm.responses import masked
from connectors.crm.rows import before_row, history_row, label_row, text, true
from connectors.salesforce.settings import CONVERTED, STAGE

DEAL_HISTORY = ("OpportunityId", "Opportunity.CreatedDate", "Field", "OldValue", "NewValue", "CreatedDate", "IsDeleted")
CONVERSION, ADDRESS = "leadConverted", "Email"  # of LeadHistory
CURRENCY = "Lead.CurrencyIsoCode"  # of the lead of a change
SIDES = ("OldValue", "NewValue")
LONGEST_CONDITION = 5_000  # characters of an address


def field_condition(names: Sequence[str]) -> str:
    """The condition that a change is of one of these fields; none where an address has no room for them.

    >>> field_condition(["Status", "Region__c"])
    "Field IN ('Status', 'Region__c')"
    """
    condition = "Field IN (" + ", ".join(f"'{name}'" for name in names) + ")"
    return condition if len(quote_plus(condition)) <= LONGEST_CONDITION else ""


def lead_changes(
    records: Sequence[Mapping[str, Any]],
    fields: Collection[str],
    money: Callable[[Any, str, object], Any],
    salt: bytes,
) -> dict[str, list[Row]]:
    """New values of these fields of leads, and of each change the value before it, since the lead was created; conversions;
    changed addresses. `money`: a value of a field, of a lead that has this currency."""
    rows: dict[str, Row] = {}
    addresses: list[Row] = []
    for record in records:
        timestamp, name, field = moment(record["CreatedDate"]), str(record["LeadId"]), str(record["Field"])
        created = moment(record.get("Lead.CreatedDate"))
        if timestamp is None or true(record.get("IsDeleted")):
            continue
        if field == CONVERSION:
            row = history_row("lead", name, CONVERTED, "true", timestamp)
            rows[row["_id"]] = row
        elif field == ADDRESS:
            addresses += changed_address(name, record.get("OldValue"), record.get("NewValue"), (created, timestamp), salt)
        elif field in fields:
            old_value, new_value = (text(money(record.get(side), field, record.get(CURRENCY))) for side in SIDES)
            # known by the value as it was recorded: at another rate of exchange it is the same change
            row = {**history_row("lead", name, field, text(record.get("NewValue")), timestamp), "value": masked(new_value)}
            rows[row["_id"]] = row
            if created and created < timestamp:
                previous_row = before_row(row, old_value, created)
                rows[previous_row["_id"]] = previous_row
    return {"history": list(rows.values()), "addresses": addresses}


def deal_changes(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Row]]:
    """New values of opportunities' fields, and of each change the value before it, since the opportunity was created."""
    history: list[Row] = []
    for record in records:
        timestamp = moment(record["CreatedDate"])
        if timestamp is None or true(record.get("IsDeleted")):
            continue
        row = history_row("deal", str(record["OpportunityId"]), str(record["Field"]), text(record.get("NewValue")), timestamp)
        history.append(row)
        created = moment(record.get("Opportunity.CreatedDate"))
        if created and created < timestamp:
            history.append(before_row(row, text(record.get("OldValue")), created))
    return {"history": history}


def stage_label(record: Mapping[str, Any]) -> Row:
    """What a stage of opportunities is called and means."""
    meaning = "won" if true(record.get("IsWon")) else "lost" if true(record.get("IsClosed")) else ""
    label = str(record["MasterLabel"])
    return label_row(f"deal.{STAGE}", str(record.get("ApiName") or label), label, meaning)
