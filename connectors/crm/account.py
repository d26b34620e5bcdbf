"""Whose data a landing holds: one account of the CRM. What another one says is not mixed into it, nor are scores sent there."""

from __future__ import annotations

from connectors.crm.connector import Connector
from features.common.errors import ConfigError

ACCOUNT = "#account"  # among the cursors, so that it goes where the rows go


def same_account(connector: Connector) -> str | None:
    """The account, where it is the one whose data are landed, or none are yet.

    Raises
    ------
    ConfigError
        if it is another one.
    """
    account, landing = connector.account(), connector.landing
    landed_account = landing.cursors().get(ACCOUNT) if landing.postgres or landing.file.exists() else None
    if account is not None and landed_account is not None and account != landed_account:
        raise ConfigError(
            f"{landing.folder} holds what came from {connector.title}'s account {landed_account}; "
            f"the credentials are those of {account}.",
            "Name another `folder:` under `source:` for this account, as for a sandbox beside production.",
        )
    return account
