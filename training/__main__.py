"""The commands: `python -m training train CONFIG`, `score`, `fetch`, `promote`. `make` calls them."""

from __future__ import annotations

from training.requirements import check

check()

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from features.common.errors import RipelineError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

DEFAULT_CONFIG = Path(__file__).resolve().parent / "default.yaml"

ConfigPath = Annotated[Path, typer.Option("--config", help="configuration, YAML")]


@contextmanager
def _friendly_errors() -> Iterator[None]:
    """Errors the user can put right are a sentence, not a traceback."""
    try:
        yield
    except RipelineError as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        typer.secho("Stopped; nothing half-done was left behind.", fg="yellow", err=True)
        raise typer.Exit(130) from error


@app.command()
def train(
    config: ConfigPath = DEFAULT_CONFIG,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Train, evaluate, log and register; the champion changes only through the gate."""
    typer.echo("Starting …", err=True)
    from training.common.config import Config
    from training.train import train as run

    with _friendly_errors():
        run(Config.read(config), folder=folder)


@app.command("train-all")
def train_all(
    configs: Annotated[list[str], typer.Argument(help="configurations, or patterns such as 'clients/*.yaml'")],
    pool: Annotated[
        bool | None, typer.Option("--pool/--no-pool", help="all in one pool, or none in any; default: as they say")
    ] = None,
    retrain: Annotated[bool, typer.Option("--again", help="train those too that are finished and have not changed")] = False,
    memory: Annotated[str | None, typer.Option(help="of all trainings on this machine together, such as 16GiB")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="folder of the summary and of each client's log")] = None,
) -> None:
    """Train many clients side by side; one that fails is named at the end and stops nobody."""
    from features.partitions.memory import size
    from training.clients.row import FAILED
    from training.clients.run import FOLDER, run

    with _friendly_errors():
        rows = run(configs, pool=pool, force=retrain, memory=size(memory) if memory else None, folder=out or FOLDER)
    if any(row.status == FAILED for row in rows):
        raise typer.Exit(1)


@app.command()
def score(
    out: Annotated[Path, typer.Option("--out", help="where the scores go: .csv or .parquet")],
    dataset: Annotated[Path | None, typer.Option("--in", help="dataset folder; default: what the configuration names")] = None,
    config: ConfigPath = DEFAULT_CONFIG,
    as_of: Annotated[str | None, typer.Option(help="moment, ISO 8601; default: when the data were extracted")] = None,
    model: Annotated[Path | None, typer.Option(help="model folder; default: the champion in MLflow")] = None,
    previous: Annotated[Path | None, typer.Option(help="file of an earlier run: noise alone changes nothing then")] = None,
) -> None:
    """Score every open lead of a dataset as of a moment; bucket by bucket where it is larger than memory."""
    from training.jobs.score import score_dataset

    with _friendly_errors():
        score_dataset(config, out, dataset=dataset, as_of=as_of, model_folder=model, previous=previous)


@app.command()
def partition(
    out: Annotated[str, typer.Option("--out", help="folder or URL to write")],
    config: ConfigPath = DEFAULT_CONFIG,
    day: Annotated[
        Path | None, typer.Option("--add", help="dataset folder of what is new, to be added to what is there")
    ] = None,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Cut a dataset of any size into buckets of whole accounts, sorted; or add a day to one that is cut already."""
    from training.common.config import Config
    from training.jobs.partition import run_partition

    with _friendly_errors():
        run_partition(Config.read(config), out, day=day, folder=folder)


@app.command()
def fetch(
    target: Annotated[Path, typer.Option("--to", help="where the model folder goes")],
    config: ConfigPath = DEFAULT_CONFIG,
    alias: Annotated[str, typer.Option(help="champion or challenger")] = "champion",
    report: Annotated[Path | None, typer.Option(help="where the report of its training goes")] = None,
) -> None:
    """Fetch a registered model as a model folder, for serving without MLflow at hand."""
    from training.common.config import Config
    from training.jobs.score import fetch as run

    with _friendly_errors():
        typer.echo(f"{run(Config.read(config).name, target, alias, report)}")


@app.command("follow")
def follow(
    target: Annotated[Path, typer.Option("--to", help="where the model folder goes")],
    config: ConfigPath = DEFAULT_CONFIG,
    alias: Annotated[str, typer.Option(help="champion or challenger")] = "champion",
    report: Annotated[Path | None, typer.Option(help="where the report of its training goes")] = None,
    every: Annotated[float, typer.Option(help="seconds between two looks", min=1)] = 60.0,
) -> None:
    """Fetch the model again whenever another version gets the alias, until it is stopped; a running server takes it over."""
    from training.common.config import Config
    from training.jobs.follow import follow as run

    with _friendly_errors():
        run(Config.read(config).name, target, alias, report, interval=every)


@app.command()
def promote(
    version: Annotated[str, typer.Option(help="version of the registered model")],
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Make a version the champion by hand, past the gate."""
    from training.common import tracking
    from training.common.config import Config

    with _friendly_errors():
        name = Config.read(config).name
        tracking.promote(name, version)
        typer.echo(f"Version {version} of {name!r} is champion now.")


@app.command()
def audit(
    config: ConfigPath = DEFAULT_CONFIG,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Say which columns and interactions know the outcome, without training."""
    from rich.console import Console
    from rich.markdown import Markdown

    from features.leakage import audit as audit_leakage
    from training.common.config import Config
    from training.data.load import load

    with _friendly_errors():
        settings = Config.read(config)
        dataset, _ = load(settings, folder=folder)
        result = audit_leakage(
            dataset, settings.funnel.build(), exclude=settings.attributes.exclude, test_share=settings.test_share
        )
        Console().print(Markdown(result.markdown()))


@app.command("rules-check")
def rules_check(
    rules: Annotated[Path, typer.Option("--rules", help="rules file to check")],
    config: ConfigPath = DEFAULT_CONFIG,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Check a rules file against itself, the funnel and the data; problems come with their lines."""
    from features.dataset.tally import Tally
    from features.engine.histories import data_profile
    from models.rules.check import doubts, read_with_lines
    from training.common.config import Config
    from training.data.load import load

    with _friendly_errors():
        settings = Config.read(config)
        parsed_rules, lines = read_with_lines(rules)
        data, _ = load(settings, folder=folder)
        columns = [f"{e}.{c}" for e, table in (("lead", data.leads), ("company", data.companies)) for c in table.columns]
        turning_away = settings.turning_away.among(Tally.of_frame(data.interactions).types)
        tables = {"lead": data.leads, "company": data.companies}
        values = {
            fit.attribute: tables[entity][column].dropna().unique().tolist()
            for fit in parsed_rules.book.fit
            for entity, column in [fit.entity_column]
            if column in tables[entity]
        }
        types = data_profile(data).types
        problems = doubts(parsed_rules, lines, settings.funnel.stages, types, columns, turning_away, values)
        for doubt in problems:
            typer.secho(f"{rules}, {doubt}", fg="yellow")
        count = len(parsed_rules.book.behaviour) + len(parsed_rules.book.fit)
        typer.echo(f"{rules}: {count} rules, {f'{len(problems)} to look at' if problems else 'nothing to complain about'}.")


@app.command()
def compare(
    rules: Annotated[Path, typer.Option("--rules", help="changed rules file")],
    config: ConfigPath = DEFAULT_CONFIG,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Replay a changed rule set over history and log it beside the champion."""
    from training.common.config import Config
    from training.jobs.compare_rules import run

    with _friendly_errors():
        run(Config.read(config), rules, folder=folder)


@app.command()
def scorecard(
    out: Annotated[Path, typer.Option("--out", help="rules file to write")],
    config: ConfigPath = DEFAULT_CONFIG,
    most: Annotated[int, typer.Option(help="rules at most", min=1, max=100)] = 15,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Learn a short list of rules with whole points from what became of the leads, and judge it on later ones."""
    from training.common.config import Config
    from training.jobs.learn_scorecard import run

    with _friendly_errors():
        run(Config.read(config), out, most, folder=folder)


@app.command("rules-from-hubspot")
def rules_from_hubspot(
    out: Annotated[Path, typer.Option("--out", help="rules file to write")],
    config: Annotated[Path | None, typer.Option("--config", help="configuration; default: hubspot.yaml here")] = None,
    score: Annotated[str | None, typer.Option(help="name of the score; default: the published one")] = None,
) -> None:
    """Write a lead score of HubSpot as a rules file, and say what of it rules cannot say."""
    from training.jobs.hubspot_rules import run

    with _friendly_errors():
        run(out, config, score)


@app.command("rules-to-hubspot")
def rules_to_hubspot(
    rules: Annotated[Path, typer.Option("--rules", help="rules file, such as `scorecard` writes")],
    name: Annotated[str, typer.Option(help="name of the new score")],
    config: Annotated[Path | None, typer.Option("--config", help="configuration; default: hubspot.yaml here")] = None,
    send: Annotated[bool, typer.Option("--send", help="make the draft; without it only say what would be in it")] = False,
) -> None:
    """Make the draft of a lead score in HubSpot of a rules file; a person publishes it there, or does not."""
    from training.jobs.hubspot_rules import send as run

    with _friendly_errors():
        run(rules, name, config, really=send)


@app.command()
def dataset(
    out: Annotated[Path, typer.Option("--out", help="dataset folder to write")],
    config: ConfigPath = DEFAULT_CONFIG,
    folder: Annotated[Path | None, typer.Option(help="replaces the folder of a files source")] = None,
) -> None:
    """Read the configured source once, validate it and write the dataset folder."""
    from training.common.config import Config
    from training.data.load import load

    with _friendly_errors():
        data, report = load(Config.read(config), folder=folder)
        for line in report.lines():
            typer.echo(line)
        typer.echo(f"Written to {data.write(out)}.")


@app.command()
def erase(
    lead: Annotated[str, typer.Option("--lead", help="lead_id of the person")],
    config: ConfigPath = DEFAULT_CONFIG,
    report: Annotated[Path, typer.Option(help="report that is served")] = Path("artefacts/report.html"),
    also: Annotated[list[Path] | None, typer.Option(help="further files and folders: scores, logs, datasets")] = None,
) -> None:
    """Remove a person from datasets, landing, ledger, report and MLflow, and search them again."""
    from training.common.config import Config
    from training.jobs.erase import erase as run

    with _friendly_errors():
        results = run(Config.read(config), lead, report, also or [])
        for result in results:
            note = f" ({result.note})" if result.note else ""
            typer.echo(f"  {result.location}: {result.deleted:,} deleted, {result.remaining:,} left{note}")
        remaining = sum(result.remaining for result in results)
        typer.echo(f"{len(results)} places searched again: {f'{remaining:,} left' if remaining else 'nothing is left'}.")
        if remaining:
            raise typer.Exit(1)


@app.command()
def settings() -> None:
    """The settings of the environment and where they come from; secrets are not shown."""
    from features.common.environment import table
    from training.common.settings import with_secrets_file

    with _friendly_errors():
        typer.echo(table(with_secrets_file()))


CrmName = Annotated[str, typer.Option("--crm", help="hubspot, salesforce, marketo or pipedrive")]
CrmConfig = Annotated[Path | None, typer.Option("--config", help="configuration; default: <crm>.yaml here")]


@app.command("crm-check")
def crm_check(
    crm: CrmName,
    config: CrmConfig = None,
    leads: Annotated[int, typer.Option(help="leads that the budget is stated for", min=1)] = 100_000,
) -> None:
    """Look at a CRM's credentials, permissions, history and limits before anything runs."""
    from training.jobs.crm_check import run_check

    with _friendly_errors():
        if not run_check(crm, config, leads):
            raise typer.Exit(1)


@app.command("import")
def import_(crm: CrmName, config: CrmConfig = None) -> None:
    """Read what is new in a CRM and write the dataset."""
    from training.jobs.crm import run_import

    with _friendly_errors():
        run_import(crm, config)


@app.command("write-back")
def write_back(
    crm: CrmName,
    config: CrmConfig = None,
    send: Annotated[bool, typer.Option("--send", help="write; without it only say what would be written")] = False,
    model: Annotated[Path | None, typer.Option(help="model folder; default: the champion in MLflow")] = None,
) -> None:
    """Score the imported leads and write what changed into the CRM."""
    from training.jobs.crm import run_write_back

    with _friendly_errors():
        if not run_write_back(crm, config, really=send, model_folder=model):
            raise typer.Exit(1)


@app.command("live")
def live(
    crm: CrmName,
    config: CrmConfig = None,
    every: Annotated[float, typer.Option(help="seconds between two rounds", min=5)] = 300.0,
    model: Annotated[Path | None, typer.Option(help="model folder; default: the champion in MLflow")] = None,
) -> None:
    """Import, score and write back what changed, again and again, until it is stopped."""
    from training.jobs.crm import run_live

    with _friendly_errors():
        run_live(crm, config, interval=every, model_folder=model)


@app.command("csv-check")
def csv_check(
    folder: Annotated[Path, typer.Option(help="folder with files downloaded from a CRM")],
    out: Annotated[Path | None, typer.Option("--out", help="configuration to write")] = None,
    outcome: Annotated[str | None, typer.Option(help="column that says what came of a lead, or column=value of a yes")] = None,
) -> None:
    """Say which CRM's exports lie in a folder, what they mean and what they cannot tell; propose a configuration."""
    from training.jobs.csv_check import run

    with _friendly_errors():
        run(folder, out, outcome=outcome)


if __name__ == "__main__":
    app()
