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
from features.common.clock import NO_MOMENT, moment
from features.common.errors import ConfigError, DataError, RipelineError
from features.common.files import whole_file
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset
from features.dataset.funnel import Funnel
from features.dataset.labels import SHORTEST_SPAN, span_of
from features.dataset.landmarks import Path as LeadPath
from training.common.config import Config
from training.common.progress import terminal
from training.data.load import load

DROPPED_FIRST = ("interactions", "deals", "companies")  # what a dataset can do without


def run(folder: Path, out: Path | None, console: Console | None = None, outcome: str | None = None) -> Proposal:
    """Look at a folder and print what was found; `out` gets the proposal as a configuration. `outcome`: the column that says
    what came of a lead, or `column=value` with the value of a yes.

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
    proposal = propose(folder.resolve(), Funnel(), outcome)
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
    read = _read(proposal, name)
    for table in DROPPED_FIRST:
        if not isinstance(read, RipelineError) or table not in proposal.source:
            continue
        content = proposal.source.pop(table)
        again = _read(proposal, name)
        if not isinstance(again, RipelineError):
            files = [content["file"]] if isinstance(content, dict) else [entry["file"] for entry in content]
            proposal.unused.update(dict.fromkeys(files, f"it cannot be read as {table} yet: {read.fact} {read.hint}"))
            read = again
        else:
            proposal.source[table] = content
    if isinstance(read, RipelineError):
        proposal.missing = f"{read.fact} {read.hint}".strip()
        return None
    dataset, report = read
    if _without_unreached(proposal, dataset):
        return checked(proposal, name)
    if not proposal.missing:
        _set_horizons(proposal, dataset)
    return None if proposal.missing else report


def _path(proposal: Proposal, dataset: Dataset) -> tuple[Funnel, LeadPath]:
    funnel = Funnel(tuple(proposal.funnel["stages"]), tuple(proposal.funnel["exits"]))
    return funnel, LeadPath.from_tables(dataset.leads, dataset.lead_stages, funnel)


def _without_unreached(proposal: Proposal, dataset: Dataset) -> bool:
    """Take the lead stages that no lead of these files ever reached out of the funnel, since nothing can be learned about them;
    whether there were any beside others."""
    funnel, path = _path(proposal, dataset)
    unreached = [t for t, moments in zip(funnel.targets, path.reached.T[1:], strict=True) if (moments == NO_MOMENT).all()]
    names = " or ".join(unreached)
    if len(unreached) == len(funnel.targets):
        proposal.missing = f"No lead of these files ever became {names}, so there is nothing to learn from."
        return False
    if unreached:
        proposal.funnel["stages"] = [s for s in funnel.stages if s not in unreached]
        proposal.doubts.append(f"no lead of these files ever became {names}: left out of the funnel")
    return bool(unreached)


def _set_horizons(proposal: Proposal, dataset: Dataset) -> None:
    """Horizons where the data are too short for training to choose them: a third of what they span, in whole days if that is
    one or more."""
    funnel, path = _path(proposal, dataset)
    span = span_of(path, moment(dataset.extracted_at))
    if dataset.time == "row_order" or span >= SHORTEST_SPAN:
        return
    days = span // 3 or round(span / 3, 2)
    if not days:
        proposal.missing = "All that these files date is of one moment: nothing came after anything."
        return
    proposal.funnel["horizons"] = dict.fromkeys(funnel.targets, int(days) if days >= 1 else days)
    proposal.comments["funnel", "horizons"] = f"days: a third of the {span:.1f} days of data; with more data leave them out"
    proposal.doubts.append(
        f"the data span {span:.1f} days only: what is learned from them will be coarse; export a longer period"
    )


def _read(proposal: Proposal, name: str) -> tuple[Dataset, DataReport] | RipelineError:
    """The proposal read as `make train` and `make dataset` read it, and what there is to say; or why it cannot be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proposal.yaml"
        path.write_text(proposal.yaml(name), encoding="utf-8")
        try:
            return load(Config.read(path))
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
