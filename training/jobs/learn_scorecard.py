"""The job behind `make scorecard`: what your points should be, beside what they are and beside the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from features.common.errors import ConfigError
from models.common.types import log_loss
from models.rules.rules import Rules
from training.common import tracking
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.load import load
from training.data.prepare import Prepared, prepare
from training.evaluation.holdout import sides
from training.jobs.compare_rules import as_trained, show
from training.rules.replay import Comparison, compare_rules
from training.rules.scorecard import learn_scorecard

HEAD = """\
# Points learned from {leads:,} leads ({days}); written by `make scorecard`. Whole points, so that any CRM can hold them.
# Check with `make rules-check`, judge with `make compare`, then name it under `rules:` and set its status to active.
"""


def run(config: Config, out: Path, most: int, *, folder: Path | None = None, console: Console | None = None) -> Comparison:
    """Learn at the cut and judge on later leads; learn again on all that is known, write it to `out`, and print both.

    Raises
    ------
    RipelineError
        for anything the user can put right; nothing is written then.
    """
    if out.exists():
        raise ConfigError(f"{out} exists already.", "Name a new file, so that no rules are lost.")
    console = console or terminal()
    now = Rules.read(config.path(config.rules)) if config.rules else Rules.read().within(config.funnel.stages)
    with Steps(console).running() as steps:
        reading = steps.step("Reading the data")
        dataset, _ = load(config, folder=folder, progress=lambda _, done, of: reading(done, of))
        prepared = prepare(dataset, config, config.funnel.build(), now, steps.step("Replaying the rules"), rules_only=True)
        cut, early, _ = sides(prepared, config.test_share)
        with steps.whole("Learning as of the cut"):
            at_cut = learn_scorecard(prepared, cut, early, most, config.seed)
        with steps.whole("Judging"):
            found = compare_rules(prepared, at_cut, config)
        with steps.whole("Learning from all data"):
            card = learn_scorecard(prepared, prepared.extracted_at, np.ones(len(early), bool), most, config.seed)
    out.write_text(text(card, prepared), encoding="utf-8")
    run_id = tracking.champion_run(config.name)
    model = as_trained(run_id, found) if run_id else None
    console.print(side_by_side(now, card))
    show(console, found, prepared.funnel.final, model)
    for line in kept_in_words(prepared, config, found, model):
        console.print(f"• {line}", highlight=False)
    console.print(f"Written to {out}.", highlight=False)
    return found


def text(card: Rules, prepared: Prepared) -> str:
    """The rules file, with what it was learned from."""
    days = "rows in the order they came" if not prepared.dated else "their history up to the extraction"
    body = yaml.safe_dump(card.to_dict(), sort_keys=False, allow_unicode=True, width=120)
    return HEAD.format(leads=len(prepared.histories), days=days) + body


def base_loss(prepared: Prepared, config: Config) -> float:
    """Log loss on the held-out landmarks of the base rate that was known at the cut, for the final lead stage."""
    cut, early, rows = sides(prepared, config.test_share)
    known = prepared.labels(cut)
    seen = early & known.matured[:, -1]
    rate = (float(known.reached[seen, -1].sum()) + 0.5) / (float(seen.sum()) + 1)
    labels = prepared.labels(prepared.extracted_at).take(rows)
    y = labels.reached[labels.matured[:, -1], -1]
    return log_loss(y, np.full(len(y), rate))


def kept_in_words(
    prepared: Prepared, config: Config, found: Comparison, model: Mapping[str, Mapping[str, float]] | None
) -> list[str]:
    """Which share of the model's gain over the base rate the points keep."""
    final = prepared.funnel.final
    base = base_loss(prepared, config)
    own = base - found.results["new"][final]["log_loss"]
    now = base - found.results["now"][final]["log_loss"]
    lines = [
        f"Log loss lower than the base rate's ({base:.4f}) by {own:.4f} with the learned points, {now:.4f} with those now."
    ]
    if model:
        gain = base - model[final]["log_loss"]
        lines.append(f"The champion's model: by {gain:.4f}; the learned points keep {own / gain:.0%} of that.")
    return lines


def side_by_side(now: Rules, card: Rules) -> Table:
    """What the points are and what they should be, by what they are given for."""
    out = Table(title="Points: as they are, and as learned")
    for column in ("for", "now", "learned"):
        out.add_column(column)
    told = {name: _told(rules) for name, rules in (("now", now), ("learned", card))}
    for label in dict.fromkeys([*told["learned"], *told["now"]]):
        out.add_row(label, told["now"].get(label, "–"), told["learned"].get(label, "–"))
    return out


def _told(rules: Rules) -> dict[str, str]:
    """Label → points, as in "10 each, at most 30"."""
    found = {}
    for rule in rules.book.behaviour:
        when = "" if rule.days is None else f" in {rule.days:g} days"
        once = rule.times is not None or rule.at_most == abs(rule.points)
        most = "" if once or rule.at_most is None else f" each, at most {rule.at_most:g}"
        found[f"{rule.words()}{when}"] = f"{rule.points:g}{'' if once else most or ' each'}"
    return found | {rule.words(): f"{rule.points:g}" for rule in rules.book.fit}
