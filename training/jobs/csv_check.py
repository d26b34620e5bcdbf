"""`make csv-check`: downloaded files recognised, with a proposal of the mapping that is only used once it was confirmed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from connectors.exports.propose import Proposal, propose
from features.common.errors import ConfigError
from features.common.files import whole_file
from features.dataset.funnel import Funnel
from training.common.progress import terminal


def run(folder: Path, out: Path | None, console: Console | None = None) -> Proposal:
    """Look at a folder and print what was found; `out` gets the proposal as a configuration.

    Raises
    ------
    ConfigError
        if `out` is there already: it may hold what somebody confirmed.
    DataError
        if no leads are found.
    """
    console = console or terminal()
    if out is not None and out.exists():
        raise ConfigError(f"OUT={out} is there already.", "Name another file, or remove it yourself.")
    proposal = propose(folder.resolve(), Funnel())
    for export in proposal.matches:
        mapped = len(export.columns) + len(export.dates) + len(export.companies)
        console.print(f"{escape(export.file.name)}: {export.export.title}; {mapped} columns known.", highlight=False)
    for name in proposal.unknown:
        console.print(
            f"{escape(name)}: not recognised; map it by hand if you need it (docs/data.md).", style="yellow", highlight=False
        )
    for text in proposal.gaps:
        console.print(f"These files cannot tell {escape(text)}.", style="yellow", highlight=False)
    for text in proposal.doubts:
        console.print(f"Look at this: {escape(text)}.", style="yellow", highlight=False)
    text = proposal.yaml(folder.resolve().name.replace(" ", "-") or "exports")
    if out is None:
        console.print("\n" + escape(text), highlight=False, soft_wrap=True)
        console.print("Write it to a file with OUT=mine.yaml, read it over, then: make train CONFIG=mine.yaml", highlight=False)
        return proposal
    with whole_file(out) as partial:
        partial.write_text(text, encoding="utf-8")
    console.print(f"\nThe proposal is in {out}. Read it over; when it is right: make train CONFIG={out}", highlight=False)
    return proposal
