"""`python -m serving.store upgrade | load | export | work-list | erase | retain | empty`: the store from the command line."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from features.common.environment import revealed
from features.common.errors import RipelineError
from features.dataset.dataset import Dataset
from serving.common.settings import process_settings
from serving.scoring.request import microseconds
from serving.store.erase import erase
from serving.store.store import Store

DEFAULT_STORE = "sqlite:///artefacts/leads.db"


def main() -> None:
    """Read the arguments and do one thing."""
    parser = argparse.ArgumentParser(prog="python -m serving.store", description="The lead store.")
    parser.add_argument("--store", help=f"address of its database; default: RIPELINE_STORE, else {DEFAULT_STORE}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("upgrade", help="bring the schema to the newest")
    commands.add_parser("empty", help="exit with 0 if nobody is in it, else with 1")
    loading = commands.add_parser("load", help="a dataset into the store; what is there stays")
    loading.add_argument("--in", dest="dataset", type=Path, required=True, help="dataset folder")
    loading.add_argument("maker", nargs="*", metavar="-- COMMAND", help="what makes that folder first")
    exporting = commands.add_parser("export", help="the store as a dataset, for training")
    exporting.add_argument("--out", type=Path, required=True, help="dataset folder")
    listing = commands.add_parser("work-list", help="the work list as a CSV file: open leads by their newest scores")
    listing.add_argument("--out", type=Path, required=True, help="CSV file")
    erasing = commands.add_parser("erase", help="remove a person, and search for what is left; exit with 1 if anything is")
    erasing.add_argument("--lead", required=True)
    retaining = commands.add_parser("retain", help="delete what is kept too long, as RIPELINE_RETENTION_DAYS says")
    retaining.add_argument("--model", type=Path, help="model folder, whose funnel says which leads are closed")
    arguments = parser.parse_args()
    try:
        settings = process_settings({"RIPELINE_STORE": arguments.store or ""})
        store = Store.from_address(revealed(settings.store) or DEFAULT_STORE, settings)
        store.make_folder()
        store.open()
        work = {
            "upgrade": _upgrade, "empty": _empty, "load": _load, "export": _export, "work-list": _work_list, "erase": _erase,
            "retain": _retain,
        }[arguments.command]  # fmt: skip
        sys.exit(work(store, arguments))
    except RipelineError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def _current_time() -> int:
    return microseconds(datetime.now(UTC))


def _upgrade(store: Store, _arguments: argparse.Namespace) -> int:
    print(f"The store {store.masked_url} is at the newest schema.")
    return 0


def _empty(store: Store, _arguments: argparse.Namespace) -> int:
    return 0 if store.empty() else 1


def _load(store: Store, arguments: argparse.Namespace) -> int:
    from features.dataset.persons import screen_dataset
    from serving.store.filling import FillingNote
    from serving.store.load import load, plausible

    with FillingNote(store.write, _current_time).shown() as note, _bars() as show:
        if arguments.maker and (status := _run_silently(arguments.maker)):
            return status
        screened, persons = screen_dataset(Dataset.read(arguments.dataset))
        dataset, report = plausible(screened, _current_time())
        for line in persons.merge(report).lines():
            print(line)

        def progress(table: str, completed: int, total: int) -> None:
            show(table, completed, total)
            note.update(table, completed, total)

        new_rows = load(store, dataset, progress)
    summary = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in new_rows.items() if count) or "nothing"
    print(f"New in the store {store.masked_url}: {summary}.")
    return 0


def _run_silently(command: list[str]) -> int:
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode  # noqa: S603  of the own command line


class _bars:  # noqa: N801  used as a function
    """A bar a table on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console()
        self._bars, self._tasks = Progress(console=console, disable=not console.is_terminal), dict[str, object]()

    def __enter__(self) -> Callable[[str, int, int], None]:
        self._bars.start()
        return self._advance

    def _advance(self, name: str, completed: int, total: int) -> None:
        from rich.progress import TaskID

        task = self._tasks.setdefault(name, None)
        if task is None:
            task = self._tasks[name] = self._bars.add_task(name.replace("_", " "), total=total)
        self._bars.update(TaskID(int(str(task))), completed=completed, total=total)

    def __exit__(self, *_error: object) -> None:
        self._bars.stop()


def _export(store: Store, arguments: argparse.Namespace) -> int:
    from serving.store.export import export

    dataset = export(store, _current_time())
    folder = dataset.write(arguments.out)
    print(f"{len(dataset.leads):,} leads and {len(dataset.interactions):,} interactions of the store written to {folder}.")
    return 0


def _work_list(store: Store, arguments: argparse.Namespace) -> int:
    from features.common.files import whole_file
    from serving.store import work_list

    with (
        whole_file(arguments.out) as partial,
        partial.open("w", encoding="utf-8", newline="") as file,
        store.read() as connection,
    ):
        leads = work_list.write_csv(connection, work_list.WorkListQuery(), file)
    later = "" if leads else " Nobody is scored in it yet: `make serve` does that."
    print(f"{len(leads):,} open leads of the store {store.masked_url} in {arguments.out}.{later}")
    return 0


def _erase(store: Store, arguments: argparse.Namespace) -> int:
    outcome = erase(store, arguments.lead, _current_time(), compact=True)
    name = store.ids(arguments.lead)
    print(f"Store {store.masked_url}{f', where it is called {name}' if name != arguments.lead else ''}:")
    for table in outcome.remaining:
        print(f"  {table:<20} {outcome.deleted.get(table, 0):>7,} rows deleted, {outcome.remaining[table]:,} left that name it")
    for file, count in outcome.files.items():
        print(f"  {file:<20} {'':>7} searched byte for byte: {count:,} left")
    return 0 if outcome.clean else 1


def _retain(store: Store, arguments: argparse.Namespace) -> int:
    from models.store import load as load_model

    funnel = load_model(arguments.model).funnel if arguments.model else None
    deleted = store.retention.apply(store.write, funnel, _current_time())
    for kind, count in deleted.items():
        days = getattr(store.retention, kind)
        summary = "kept for ever" if days is None else f"kept {days:g} days; {count:,} deleted"
        print(f"{kind.replace('_', ' '):<14} {summary}")
    return 0


if __name__ == "__main__":
    main()
