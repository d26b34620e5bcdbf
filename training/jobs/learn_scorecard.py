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


def run(config: Config, out: Path, max_rules: int, *, folder: Path | None = None, console: Console | None = None) -> Comparison:
    """Learn at the cut and judge on later leads; learn again on all that is known, write it to `out`, and print both.

    Raises
    ------
    RipelineError
        for anything the user can put right; nothing is written then.
    """
    if out.exists():
        raise ConfigError(f"{out} exists already.", "Name a new file, so that no rules are lost.")
    console = console or terminal()
    current_rules = Rules.read(config.path(config.rules)) if config.rules else Rules.read().for_stages(config.funnel.stages)
    with Steps(console).running() as steps:
        reading = steps.step("Reading the data")
        dataset, _ = load(config, folder=folder, progress=lambda _, completed, total: reading(completed, total))
        prepared = prepare(
            dataset, config, config.funnel.build(), current_rules, steps.step("Replaying the rules"), rules_only=True
        )
        cut, train_rows, _ = sides(prepared, config.test_share)
        with steps.phase("Learning as of the cut"):
            at_cut = learn_scorecard(prepared, cut, train_rows, max_rules, config.seed)
        with steps.phase("Judging"):
            comparison = compare_rules(prepared, at_cut, config)
        with steps.phase("Learning from all data"):
            card = learn_scorecard(prepared, prepared.extracted_at, np.ones(len(train_rows), bool), max_rules, config.seed)
    out.write_text(text(card, prepared), encoding="utf-8")
    run_id = tracking.champion_run(config.name)
    model = as_trained(run_id, comparison) if run_id else None
    console.print(side_by_side(current_rules, card))
    show(console, comparison, prepared.funnel.final, model)
    for line in kept_in_words(prepared, config, comparison, model):
        console.print(f"• {line}", highlight=False)
    console.print(f"Written to {out}.", highlight=False)
    return comparison


def text(card: Rules, prepared: Prepared) -> str:
    """The rules file, with what it was learned from."""
    days = "rows in the order they came" if not prepared.dated else "their history up to the extraction"
    body = yaml.safe_dump(card.to_dict(), sort_keys=False, allow_unicode=True, width=120)
    return HEAD.format(leads=len(prepared.histories), days=days) + body


def base_loss(prepared: Prepared, config: Config) -> float:
    """Log loss on the held-out landmarks of the base rate that was known at the cut, for the final lead stage."""
    cut, train_rows, rows = sides(prepared, config.test_share)
    cut_labels = prepared.labels(cut)
    matured_rows = train_rows & cut_labels.matured[:, -1]
    rate = (float(cut_labels.reached[matured_rows, -1].sum()) + 0.5) / (float(matured_rows.sum()) + 1)
    labels = prepared.labels(prepared.extracted_at).take(rows)
    y = labels.reached[labels.matured[:, -1], -1]
    return log_loss(y, np.full(len(y), rate))


def kept_in_words(
    prepared: Prepared, config: Config, comparison: Comparison, model: Mapping[str, Mapping[str, float]] | None
) -> list[str]:
    """Which share of the model's gain over the base rate the points keep."""
    final = prepared.funnel.final
    base = base_loss(prepared, config)
    learned_gain = base - comparison.results["new"][final]["log_loss"]
    current_gain = base - comparison.results["now"][final]["log_loss"]
    lines = [
        (
            f"Log loss lower than the base rate's ({base:.4f}) by {learned_gain:.4f} with the learned points, "
            f"{current_gain:.4f} with those now."
        )
    ]
    if model:
        gain = base - model[final]["log_loss"]
        lines.append(f"The champion's model: by {gain:.4f}; the learned points keep {learned_gain / gain:.0%} of that.")
    return lines


def side_by_side(current_rules: Rules, card: Rules) -> Table:
    """What the points are and what they should be, by what they are given for."""
    table = Table(title="Points: as they are, and as learned")
    for column in ("for", "now", "learned"):
        table.add_column(column)
    descriptions = {name: _rule_descriptions(rules) for name, rules in (("now", current_rules), ("learned", card))}
    for label in dict.fromkeys([*descriptions["learned"], *descriptions["now"]]):
        table.add_row(label, descriptions["now"].get(label, "–"), descriptions["learned"].get(label, "–"))
    return table


def _rule_descriptions(rules: Rules) -> dict[str, str]:
    """Label → points, as in "10 each, at most 30"."""
    descriptions = {}
    for rule in rules.book.behaviour:
        window = "" if rule.days is None else f" in {rule.days:g} days"
        is_single = rule.times is not None or rule.at_most == abs(rule.points)
        cap = "" if is_single or rule.at_most is None else f" each, at most {rule.at_most:g}"
        descriptions[f"{rule.words()}{window}"] = f"{rule.points:g}{'' if is_single else cap or ' each'}"
    return descriptions | {rule.words(): f"{rule.points:g}" for rule in rules.book.fit}
