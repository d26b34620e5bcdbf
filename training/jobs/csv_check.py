"""`make csv-check`: downloaded files recognised, with a proposal of the mapping that is only used once it was confirmed.

The proposal is read as training would read it before it is handed over: what cannot be read is said, not left for later.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from connectors.exports.proposal import Proposal
from connectors.exports.propose import propose
from features.common.errors import ConfigError, DataError, RipelineError
from features.common.files import whole_file
from features.dataset.data_report import DataReport
from features.dataset.funnel import Funnel
from training.common.config import Config
from training.common.progress import terminal
from training.data.load import load

DROPPED_FIRST = ("interactions", "deals", "companies")  # what a dataset can do without


def run(folder: Path, out: Path | None, console: Console | None = None) -> Proposal:
    """Look at a folder and print what was found; `out` gets the proposal as a configuration.

    Raises
    ------
    ConfigError
        if `out` is there already: it may hold what somebody confirmed.
    DataError
        if no configuration can be proposed that a dataset can be made with: no leads, or nothing says what came of them.
    """
    console = console or terminal()
    if out is not None and out.exists():
        raise ConfigError(f"OUT={out} is there already.", "Name another file, or remove it yourself.")
    proposal = propose(folder.resolve(), Funnel())
    name = folder.resolve().name.replace(" ", "-") or "exports"
    report = None if proposal.missing else checked(proposal, name)
    _print(proposal, console)
    text = proposal.yaml(name)
    if report is None:
        raise DataError(
            f"No configuration can be proposed. {proposal.missing}",
            "Export what is missing, or answer the questions above in a mapping of your own (docs/data.md).",
        )
    console.print("\nRead as proposed:", highlight=False)
    for line in report.lines():
        console.print(f"  {escape(line)}", highlight=False)
    if out is None:
        console.print("\n" + escape(text), highlight=False, soft_wrap=True)
        console.print("Write it to a file with OUT=mine.yaml, read it over, then: make train CONFIG=mine.yaml", highlight=False)
        return proposal
    with whole_file(out) as partial:
        partial.write_text(text, encoding="utf-8")
    console.print(f"\nThe proposal is in {out}. Read it over; when it is right: make train CONFIG={out}", highlight=False)
    return proposal


def checked(proposal: Proposal, name: str) -> DataReport | None:
    """What reading the proposal says. A table that cannot be read, and that a dataset can do without, is taken out of it and
    told; None, with the reason in `proposal.missing`, where the leads or what came of them cannot be read."""
    problem = _read(proposal, name)
    for table in DROPPED_FIRST:
        if isinstance(problem, DataReport) or table not in proposal.source:
            continue
        content = proposal.source.pop(table)
        again = _read(proposal, name)
        if isinstance(again, DataReport):
            files = [content["file"]] if isinstance(content, dict) else [entry["file"] for entry in content]
            proposal.unused.update(dict.fromkeys(files, f"it cannot be read as {table} yet: {problem.fact} {problem.hint}"))
            problem = again
        else:
            proposal.source[table] = content
    if isinstance(problem, DataReport):
        return problem
    proposal.missing = f"{problem.fact} {problem.hint}".strip()
    return None


def _read(proposal: Proposal, name: str) -> DataReport | RipelineError:
    """The proposal read as `make train` and `make dataset` read it: what there is to say, or why it cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proposal.yaml"
        path.write_text(proposal.yaml(name), encoding="utf-8")
        try:
            return load(Config.read(path))[1]
        except RipelineError as error:
            return error


def _print(proposal: Proposal, console: Console) -> None:
    for export in proposal.matches:
        console.print(
            f"{escape(export.file.name)}: {export.export.title}; {export.meanings} of {len(export.file.headers)} columns "
            f"known, {export.rows:,} rows.",
            highlight=False,
        )
        console.print(f"  {escape(export.why)}.", style="dim", highlight=False)
    for name in proposal.unknown:
        console.print(
            f"{escape(name)}: not recognised; map it by hand if you need it (docs/data.md).", style="yellow", highlight=False
        )
    for name, columns in proposal.columns.items():
        console.print(f"Columns of {escape(name)}:", highlight=False)
        for header, text in columns.items():
            console.print(f"  {escape(header)}: {escape(text)}", highlight=False)
    for name, why in proposal.unused.items():
        console.print(f"{escape(name)} is not used: {escape(why)}.", style="yellow", highlight=False)
    for text in proposal.gaps:
        console.print(f"These files cannot tell {escape(text)}.", style="yellow", highlight=False)
    for text in proposal.doubts:
        console.print(f"Look at this: {escape(text)}.", style="yellow", highlight=False)
    for text in proposal.questions:
        console.print(f"Question: {escape(text)}.", style="bold yellow", highlight=False)
