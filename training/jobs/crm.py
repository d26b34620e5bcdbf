"""`make import`, `make write-back`, `make live`: a CRM in and scores out, on the terminal."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape

from connectors.crm import score_fields, sync
from connectors.crm.account import same_account
from connectors.crm.connector import Connector
from connectors.crm.secrets import Secrets
from connectors.crm.settings import CrmSource
from connectors.crm.stages import proposal_yaml
from connectors.crm.webhooks import Event, Spool
from connectors.crm.write_back import Ledger, WritePlan, WriteResult, plan, send, write_failures
from connectors.crm.write_back import preview as records_shown
from connectors.registry import CRMS, open_crm, settings_of
from features.common.errors import ConfigError, CrmError, nearest
from features.common.files import whole_file
from models.batch import score_open
from models.store import load as load_model
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.load import load
from training.data.sources import crm_folder, share_salt
from training.jobs.score import champion
from training.jobs.unscored import open_in_crm, unscored

ROUND_SECONDS = 300.0  # seconds between two rounds of `make live`: the polling interval
POLL_SECONDS = 1.0  # seconds between two looks for webhooks
STARTER = """\
# {title}: what to import and what it means.
# `make crm-check CRM={kind}` says what is missing; docs/crm/{kind}.md how to set it up.
name: {kind}
source:
  kind: {kind}
{more}funnel: {{stages: [lead, mql, sql, customer], exits: [disqualified, lost]}}
sales: {{capacity_per_week: 40, cost_per_contact: 25}}
"""


@dataclass(frozen=True)
class ConfiguredCrm:
    """A configured CRM."""

    path: Path
    config: Config
    source: CrmSource
    connector: Connector


def open_configured(kind: str, path: Path | None) -> ConfiguredCrm:
    """The CRM of a configuration; where there is none yet, a starter is written.

    Raises
    ------
    ConfigError
        if there is no such CRM, the configuration is wrong or of another one, or a secret is not set.
    """
    if kind not in CRMS:
        raise ConfigError(f"CRM={kind}: there is no such CRM: {nearest(kind, CRMS)}", "make import CRM=hubspot")
    file = path or Path(f"{kind}.yaml")
    if not file.exists() and path is None:
        with whole_file(file) as partial:
            partial.write_text(STARTER.format(title=CRMS[kind], kind=kind, more=_address(kind)), encoding="utf-8")
    config = Config.read(file)
    for part in config.parts:
        if isinstance(part.source, CrmSource) and part.source.kind == kind:
            if config.sources:
                share_salt(config)
            return ConfiguredCrm(file, config, part.source, open_crm(part.source, crm_folder(part), Secrets.read()))
    raise ConfigError(f"{file} has no `source: {{kind: {kind}}}`.", f"Name the configuration of {kind}: CONFIG=….")


def _check_scored(opened: ConfiguredCrm) -> None:
    """Raise a ConfigError where the leads that are scored are not those of this CRM, but of the first source."""
    sources = opened.config.sources
    if sources and sources[0].source != opened.source:
        raise ConfigError(
            f"{opened.path} scores the leads of its first source ({sources[0].kind}), not those of {opened.connector.title}.",
            f"Write them to {sources[0].kind}, or put {opened.connector.title} first under `sources:`.",
        )


def _address(kind: str) -> str:
    """The line of a starter where the address of an account goes; none where all have the same."""
    settings = settings_of(kind)
    example = settings.ADDRESS if issubclass(settings, CrmSource) else ""
    return f"  base_url:              # {example}\n" if example else ""


def run_import(kind: str, path: Path | None = None, console: Console | None = None) -> sync.ImportResult:
    """Read what is new, land it and write the dataset; prints what came, what did not, and how stages were taken.

    Raises
    ------
    RipelineError
        for whatever would leave a hole; what was fetched before is kept.
    """
    opened = open_configured(kind, path)
    console = console or terminal()
    with Steps(console).running() as steps:
        result = sync.run(opened.connector, opened.source, opened.config.funnel.build(), _bars(steps))
    _say_import(console, opened, result)
    return result


def _bars(steps: Steps) -> Callable[[str, int, int | None], None]:
    """One bar a stream; its length is unknown until the vendor says it."""
    bars: dict[str, Callable[[int, int], None]] = {}

    def progress(name: str, completed: int, total: int | None) -> None:
        if name not in bars:
            bars[name] = steps.step(name.replace("_", " "))
        if total is not None:
            bars[name](completed, total)
        elif completed:
            bars[name](completed, completed + 1)

    return progress


def _say_import(console: Console, opened: ConfiguredCrm, result: sync.ImportResult) -> None:
    total = sum(result.synced.rows.values())
    rate = total / result.synced.seconds if result.synced.seconds else 0.0
    retry_count = opened.connector.http.retries
    console.print(
        f"{total:,} rows in {result.calls:,} calls and {result.synced.seconds:,.1f} s ({rate:,.0f} rows a second"
        + (f"; {retry_count:,} calls were repeated" if retry_count else "")
        + ").",
        highlight=False,
    )
    for name, reason in result.synced.refused.items():
        console.print(f"Not read: {escape(name)}. {escape(reason)}", style="yellow", highlight=False)
    for line in result.report.lines():
        console.print(escape(line), highlight=False)
    if result.proposed is not None:
        _say_proposal(console, opened, proposal_yaml(result.proposed, result.values))
    console.print(f"\nThe dataset is {result.folder}. Train with: make train CONFIG={opened.path}", highlight=False)


def _say_proposal(console: Console, opened: ConfiguredCrm, text: str) -> None:
    """The proposal whole where it is new or another one than the last import's; a line where it is not."""
    file = opened.connector.landing.folder / "stages.yaml"
    unchanged = file.is_file() and yaml.safe_load(file.read_text(encoding="utf-8")) == yaml.safe_load(text)
    with whole_file(file) as partial:
        partial.write_text(text + "\n", encoding="utf-8")
    if unchanged:
        console.print(
            f"Lead stages are taken as {file} proposes; put what is right under `source:`.", style="yellow", highlight=False
        )
    else:
        console.print(
            "\nThe configuration does not say what the stages mean. Taken for now; put what is right under `source:` "
            f"(also in {file}):\n",
            style="yellow",
            highlight=False,
        )
        console.print(escape(text), highlight=False, soft_wrap=True)


def run_write_back(
    kind: str,
    path: Path | None = None,
    *,
    really: bool = False,
    model_folder: Path | None = None,
    console: Console | None = None,
) -> bool:
    """Score the imported leads and write what changed; without `really` a dry run: say what would be. True where nothing
    failed.

    Raises
    ------
    RipelineError
        for a missing dataset or model, fields that are somebody else's, a CRM that cannot be reached, or where more would
        change at once than `write_back: most_changed:` allows.
    """
    opened = open_configured(kind, path)
    _check_scored(opened)
    console = console or terminal()
    fields = score_fields.select_fields(opened.source.write_back.fields)
    outcome, failures = WriteResult(), opened.connector.landing.folder / "failed.csv"
    with sync.folder_lock(opened.connector.landing.folder), Steps(console).running() as steps:
        todo, model, ledger = _to_write(opened, fields, model_folder, steps, console)
        try:
            missing = opened.connector.prepare(fields, create=really)
            most_changed = opened.source.write_back.most_changed
            _say_plan(console, opened.connector, todo, missing, really, most_changed)
            if not really:
                return True
            send(opened.connector, todo, ledger, model, steps.step("Writing scores"), outcome, most_changed)
        finally:
            ledger.close()
            if really:  # also what was refused before everything stopped
                write_failures(failures, outcome)
    for line in outcome.lines():
        console.print(escape(line), highlight=False)
    if outcome.failed:
        console.print(f"All {len(outcome.failed):,} refused records are in {failures}.", style="yellow", highlight=False)
    return not outcome.failed


def run_live(
    kind: str,
    path: Path | None = None,
    *,
    interval: float = ROUND_SECONDS,
    rounds: int | None = None,
    model_folder: Path | None = None,
    console: Console | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Import, score and write back what changed, again and again until it is stopped; how many records were written.

    `rounds` ends it earlier.

    What a round cannot do, because the CRM does not answer or the day's calls are used up, the next one does.

    Raises
    ------
    RipelineError
        for what no waiting mends: a wrong configuration, a missing model, fields that are missing or somebody else's, more that
        would change at once than `write_back: most_changed:` allows.
    """
    console = console or terminal()
    opened = open_configured(kind, path)
    _check_scored(opened)
    fields = score_fields.select_fields(opened.source.write_back.fields)
    missing = opened.connector.prepare(fields, create=False)
    if missing:
        message = f"{opened.connector.title} lacks {len(missing)} score fields."
        raise ConfigError(message, f"First: make write-back CRM={kind} SEND=yes")
    with closing(Spool(opened.connector.landing.folder)) as spool:
        return _rounds(opened, fields, model_folder, console, spool, (rounds, interval, sleep))


def _rounds(
    opened: ConfiguredCrm,
    fields: tuple[score_fields.ScoreField, ...],
    model_folder: Path | None,
    console: Console,
    spool: Spool,
    schedule: tuple[int | None, float, Callable[[float], None]],
) -> int:
    rounds, interval, sleep = schedule
    written, number, pending = 0, 0, True  # pending: something came, or may have come, that was not written yet
    while rounds is None or number < rounds:
        if number:
            # after trouble the whole pause, whatever webhooks say: they would only meet the same trouble
            _wait(spool, interval, sleep, wakes=not pending)
        number += 1
        try:
            events = spool.waiting()
            written += _live_round(opened, fields, model_folder, console, events, pending=pending)
            spool.mark_done(events)
            pending = False
        except (CrmError, sync.BusyError) as error:
            pending = True
            console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} {escape(str(error))}", style="yellow", highlight=False)
    return written


def _wait(spool: Spool, interval: float, sleep: Callable[[float], None], *, wakes: bool) -> None:
    """Until the next round is due, or a webhook says that something happened."""
    remaining_seconds = interval
    while remaining_seconds > 0 and not (wakes and spool.waiting()):
        sleep(min(POLL_SECONDS, remaining_seconds))
        remaining_seconds -= POLL_SECONDS


def _live_round(
    opened: ConfiguredCrm,
    fields: tuple[score_fields.ScoreField, ...],
    model_folder: Path | None,
    console: Console,
    events: Sequence[Event],
    *,
    pending: bool,
) -> int:
    quiet = Console(file=io.StringIO())
    imported = sync.run(opened.connector, opened.source, opened.config.funnel.build(), events=events)
    rows = sum(imported.synced.rows.values())
    if not rows and not pending:
        return 0
    with sync.folder_lock(opened.connector.landing.folder), Steps(quiet).running() as steps:
        todo, model, ledger = _to_write(opened, fields, model_folder, steps, quiet)
        try:
            outcome = send(opened.connector, todo, ledger, model, most_changed=opened.source.write_back.most_changed)
        finally:
            ledger.close()
    failed = f", {len(outcome.failed):,} refused" if outcome.failed else ""
    console.print(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} {rows:,} rows came, {outcome.written:,} scores were written{failed}.",
        highlight=False,
    )
    write_failures(opened.connector.landing.folder / "failed.csv", outcome)
    return outcome.written


def _to_write(
    opened: ConfiguredCrm,
    fields: tuple[score_fields.ScoreField, ...],
    model_folder: Path | None,
    steps: Steps,
    console: Console,
) -> tuple[WritePlan, str, Ledger]:
    same_account(opened.connector)
    with steps.phase("Reading the dataset"):
        dataset, _ = load(opened.config)
    with steps.phase("Loading the model"):
        model = load_model(model_folder) if model_folder else champion(opened.config.name)
    table = score_open(model, dataset, dataset.extracted_at, steps.step("Scoring"))
    reasons = "; ".join(unscored(dataset, model.funnel, dataset.extracted_at))
    without = f"; no score: {reasons}" if reasons else ""
    console.print(f"{len(table):,} of {len(dataset.leads):,} leads are scored{without}.", highlight=False)
    name = f"{model.name} {model.version}"
    scored_at = dataset.extracted_at.to_pydatetime()
    rows = table.astype("object").where(table.notna(), None).to_dict("records") if len(table) else []
    open_ids = open_in_crm(opened.config, model.funnel)
    rows = [row for row in rows if open_ids is None or str(row["lead_id"]) in open_ids]
    records = {str(row["lead_id"]): score_fields.values_of(_named(row), model.funnel.final, name, scored_at) for row in rows}
    landing = opened.connector.landing
    ledger = Ledger(landing.folder / "sent.sqlite")
    ledger_records = ledger.digests()
    departed = landing.removed_records("lead", "people", [lead for lead in ledger_records if lead not in records])
    places = opened.connector.places(list({**records, **ledger_records}))
    evidence = {str(lead): rows for lead, rows in dataset.interactions["lead_id"].value_counts().items()}
    limit = opened.source.write_back.most
    todo = plan(records, ledger_records, fields, limit, departed, places, ledger.visible(), evidence)
    return todo.without(opened.connector.unwritable([lead for lead, _ in todo.records])), name, ledger


def _named(row: dict[object, object]) -> dict[str, object]:
    return {str(key): value for key, value in row.items()}


def _say_plan(
    console: Console, connector: Connector, todo: WritePlan, missing: list[str], really: bool, most_changed: float
) -> None:
    console.print(
        f"{connector.title}: {len(todo.send):,} leads have new scores, {todo.unchanged:,} are as they were written, "
        f"{len(todo.clear):,} are scored no longer and will be emptied: {todo.calls(connector.batch):,} calls.",
        highlight=False,
    )
    if todo.doubles:
        console.print(
            f"{len(todo.doubles):,} leads share their record with another lead of whom more is known; its score stands there "
            f"({', '.join(map(escape, todo.doubles[:3]))}).",
            highlight=False,
        )
    if todo.barred:
        reasons = "; ".join(list(todo.barred.values())[:3])
        console.print(f"{len(todo.barred):,} cannot be written: {escape(reasons)}.", style="yellow", highlight=False)
    if todo.postponed:
        console.print(f"{todo.postponed:,} more wait for the next run (`write_back: most:`).", highlight=False)
    if missing:
        console.print(f"{len(missing)} fields are missing and will be made: {', '.join(missing)}.", highlight=False)
    if really:
        return
    if excess := todo.upheaval.excess(most_changed):
        console.print(f"{escape(excess)} With SEND=yes nothing would be written.", style="yellow", highlight=False)
    for line in records_shown(todo.records):
        console.print("  " + escape(line), highlight=False)
    console.print(
        f"Nothing was written. To write: make write-back CRM={getattr(connector, 'kind', '…')} SEND=yes", highlight=False
    )
