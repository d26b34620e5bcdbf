"""`make crm-check`: what can be said of a CRM before anything runs, on the terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.crm.account import same_account
from connectors.crm.connector import CallBudget, Check, Connector
from connectors.crm.sync import BusyError, folder_lock
from features.common.errors import ConfigError
from training.common.progress import Steps, terminal
from training.jobs.crm import open_configured

LEADS = 100_000  # that a budget is stated for


def run_check(kind: str, path: Path | None = None, leads: int = LEADS, console: Console | None = None) -> bool:
    """Look at credentials, permissions, history and limits; True where an import can run.

    Raises
    ------
    RipelineError
        if the CRM cannot be reached at all.
    """
    opened = open_configured(kind, path)
    console = console or terminal()
    with Steps(console).running() as steps:
        advance, checks = steps.step(f"Asking {opened.connector.title}"), []
        for check in opened.connector.checks():  # each asks the CRM
            checks.append(check)
            advance(len(checks), len(checks) + 1)
        advance(len(checks), len(checks))
    if not any(check.status == "bad" for check in checks):
        checks.insert(1, _account_check(opened.connector))
    table = Table("", "what", "found", "what to do", title=f"{opened.connector.title}, {opened.source.base_url}")
    marks = {"good": "[green]✓[/]", "warning": "[yellow]![/]", "bad": "[red]✗[/]"}
    for check in checks:
        table.add_row(marks[check.status], escape(check.subject), escape(check.finding), escape(check.remedy))
    fine = not any(check.status == "bad" for check in checks)
    if fine:
        for check in _budget_checks(opened.connector.budget(leads), leads, opened.source.calls_per_day):
            table.add_row(marks[check.status], escape(check.subject), escape(check.finding), escape(check.remedy))
    console.print(table)
    return fine


def _account_check(connector: Connector) -> Check:
    """Which account the credentials belong to, and whether it is the one that is landed."""
    try:
        with folder_lock(connector.landing.folder):
            account = same_account(connector)
    except BusyError:  # an import that runs has compared the two
        account = connector.account()
    except ConfigError as error:
        return Check("account", "bad", error.fact, error.hint)
    if account is None:
        remedy = "Name a `folder:` of its own for each account: another one in the same folder would not be noticed."
        return Check("account", "warning", f"{connector.title} does not tell which it is", remedy)
    return Check("account", "good", account)


def _budget_checks(budget: CallBudget, leads: int, daily_limit: int | None) -> list[Check]:
    limit = daily_limit or budget.limit
    limit_note = f" of {limit:,} a day" if limit else ""
    remaining_note = f", {budget.remaining:,} left today" if budget.remaining is not None else ""
    daily = budget.daily + budget.write
    checks = [
        Check(
            "limits",
            "good" if limit else "warning",
            f"{limit:,} {budget.unit} a day{remaining_note}" if limit else "the vendor names none",
        )
    ]
    days = -(-budget.initial // limit) if limit else 1
    import_note = f"about {budget.initial:,} {budget.unit} for {leads:,} leads{limit_note}"
    checks.append(
        Check(
            "first import",
            "good" if days <= 1 else "warning",
            import_note,
            "" if days <= 1 else f"It takes {days} days and goes on where it stopped.",
        )
    )
    daily_note = (
        f"about {budget.daily:,} {budget.unit} to read and at most {budget.write:,} to write "
        f"{budget.scores:,} scores{limit_note}"
    )
    fits = limit is None or daily <= limit
    checks.append(
        Check(
            "an ordinary day",
            "good" if fits else "bad",
            daily_note,
            "" if fits else "Write fewer fields or leads, or less often.",
        )
    )
    return checks
