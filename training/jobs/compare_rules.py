"""The job behind `make compare`: judge a changed rule set on history before it goes live, and log it beside the champion."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from models.rules.check import read_with_lines
from models.rules.rules import Rules, check_thresholds
from training.common import tracking
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.leakage import blocked_columns, leak_free_rules
from training.data.load import load
from training.data.prepare import prepare
from training.evaluation.evaluate import flat
from training.rules.replay import Comparison, compare_rules


def run(config: Config, path: Path, *, folder: Path | None = None, console: Console | None = None) -> Comparison:
    """Read, replay, print, and log one more child run beside the champion's.

    Raises
    ------
    RipelineError
        for anything the user can put right; nothing is logged then.
    """
    console = console or terminal()
    new_rules, _ = read_with_lines(path)
    check_thresholds(new_rules, config.funnel.stages)
    current_rules = Rules.read(config.path(config.rules)) if config.rules else Rules.read().for_stages(config.funnel.stages)
    with Steps(console).running() as steps:
        reading = steps.step("Reading the data")
        dataset, _ = load(config, folder=folder, progress=lambda _, completed, total: reading(completed, total))
        columns = [f"{e}.{c}" for e, table in (("lead", dataset.leads), ("company", dataset.companies)) for c in table.columns]
        rule_columns = {f"{entity}.{name}" for book in (current_rules, new_rules) for entity, name in book.attributes}
        replaying = steps.step("Replaying the rules")
        prepared = prepare(
            dataset, config, config.funnel.build(), current_rules, replaying, rules_only=True, audited_columns=rule_columns
        )
        new_rules, removal_notes = leak_free_rules(new_rules, blocked_columns(prepared.audit, config, columns))
        with steps.phase("Comparing"):
            comparison = compare_rules(prepared, new_rules, config)
        with steps.phase("Logging to MLflow"):
            run_id = tracking.champion_run(config.name)
            model = as_trained(run_id, comparison) if run_id else None
            location = log(config, path, run_id, comparison)
    for note in (*new_rules.idle(prepared.feature_set.types, columns), *removal_notes):
        console.print(f"  {note}", style="dim", highlight=False)
    show(console, comparison, prepared.funnel.final, model)
    console.print(location, highlight=False)
    return comparison


def as_trained(run_id: str, comparison: Comparison) -> Mapping[str, Mapping[str, float]] | None:
    """What the champion's training measured of its model, per question; None where that was on other leads than these."""
    metrics = tracking.child_metrics(run_id, "model")
    model = {
        name: {key: metrics[f"{name}.{key}"] for key in measured if f"{name}.{key}" in metrics}
        for name, measured in comparison.results["now"].items()
    }
    same_rows = all(
        model[name].get("rows") == current_metrics["rows"] for name, current_metrics in comparison.results["now"].items()
    )
    return model if same_rows else None


def log(config: Config, path: Path, run_id: str | None, comparison: Comparison) -> str:
    """One more child run under the champion's training; gives a sentence that says where."""
    if run_id is None:
        return f"Not logged: MLflow has no champion of {config.name!r} yet; run `make train` first."
    metrics = {
        **flat(comparison.results["new"]),
        "against_rules.loss": comparison.loss.mean,
        "against_rules.caught": comparison.caught.mean,
    }
    final = [name for name in comparison.results["new"] if ".from_" not in name][-1]
    params = {"rules": path.name, "capacity_percent": f"{comparison.capacity:.1f}"}
    steps = {f"{final}.caught": comparison.steps["new"]}
    child = tracking.add_child(config.name, run_id, f"candidate: {path.stem}", params, metrics, steps, {"rules": path})
    return f"Logged as child run {child} beside the champion's; compare them in `make mlflow`."


def show(console: Console, comparison: Comparison, final: str, model: Mapping[str, Mapping[str, float]] | None) -> None:
    """The table, with the champion's model where it was judged on the same leads, and what it means."""
    table = Table(title=f"The rules now and the new ones, on {comparison.leads:,} held-out leads")
    for column in ("will a lead become", "by", "log loss", "ROC AUC", "lift at 10 %", "calibration error"):
        table.add_column(column)
    for name in (n for n in comparison.results["now"] if ".from_" not in n):
        rows = {"rules now": comparison.results["now"][name], "rules new": comparison.results["new"][name]}
        if model:
            rows["model"] = model[name]
        for i, (source, m) in enumerate(rows.items()):
            cells = [f"{m[k]:.{d}f}" if k in m else "–" for k, d in
                     (("log_loss", 4), ("roc_auc", 3), ("lift_at_10", 2), ("calibration_error", 4))]  # fmt: skip
            table.add_row(name if not i else "", source, *cells, end_section=i == len(rows) - 1)
    console.print(table)
    for line in [*in_words(comparison, final), *comparison.notes]:
        console.print(f"• {line}", highlight=False)


def in_words(comparison: Comparison, final: str) -> list[str]:
    """What a marketer should know about the change."""
    c, share = comparison.caught, 100
    verdict = "more" if c.low > 0 else "fewer" if c.high < 0 else None
    reach = f"{abs(share * c.mean):.1f} percentage points (90 % interval {share * c.low:+.1f} to {share * c.high:+.1f})"
    capacity = f"{comparison.capacity:.0f} %"
    lines = [
        f"If sales takes the {capacity} with most points, the new rules meet {verdict} later {final}s: by {reach}."
        if verdict
        else f"At the {capacity} that sales can take, the two cannot be told apart: {final}s met differ by {reach}."
    ]
    if comparison.moved:
        moved = ", ".join(f"{count:,} {way}" for way, count in list(comparison.moved.items())[:4])
        lines.append(f"Lead stages that the rules give change for {sum(comparison.moved.values()):,} landmarks: {moved}.")
    else:
        lines.append("No lead would get another lead stage.")
    return lines
