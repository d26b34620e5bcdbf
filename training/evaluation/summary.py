"""The end of a training in the terminal: a table and what it means in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from features.dataset.data_report import DataReport
from training.evaluation.coverage import Coverage
from training.evaluation.evaluate import MIN_ROWS
from training.evaluation.gate import Difference

# the rest (Brier score, average precision, per lead stage) is in MLflow
COLUMNS = (
    ("log_loss", "log loss", "{:.4f}"),
    ("roc_auc", "ROC AUC", "{:.3f}"),
    ("lift_at_10", "lift at 10 %", "{:.2f}"),
    ("calibration_error", "calibration error", "{:.4f}"),
    ("calibration_slope", "slope", "{:.2f}"),
)

Results = Mapping[str, Mapping[str, Mapping[str, float]]]  # source → slice → metric


def table(results: Results) -> Table:
    """One row per question and source of probabilities."""
    summary_table = Table(title="Held-out leads, later in time and of other accounts")
    summary_table.add_column("will a lead become")
    summary_table.add_column("leads looked at", justify="right")
    summary_table.add_column("base rate", justify="right")
    summary_table.add_column("by")
    for _, header, _ in COLUMNS:
        summary_table.add_column(header, justify="right")
    for name in (n for n in results["model"] if ".from_" not in n):
        for i, (source, source_results) in enumerate(results.items()):
            metrics = source_results[name]
            head = [name, f"{metrics['rows']:.0f}", f"{metrics['base_rate']:.1%}"] if i == 0 else ["", "", ""]
            values = [form.format(metrics[key]) if key in metrics else "–" for key, _, form in COLUMNS]
            summary_table.add_row(*head, source, *values, end_section=i == len(results) - 1)
    return summary_table


def in_words(results: Results, final: str, rules: Difference) -> list[str]:
    """What a marketer should know about model against rules."""
    if final not in results["model"]:
        return [f"Fewer than {MIN_ROWS} held-out leads could become {final!r}: too few to say how good the model is at it."]
    model, points = results["model"][final], results["rules"][final]
    lines = []
    if "lift_at_10" in model:
        lines.append(
            f"If sales takes the 10 % ranked highest, it meets {model['lift_at_10'] * 10:.0f} % of all later {final}s "
            f"with the model, {points['lift_at_10'] * 10:.0f} % with the rules, 10 % at random."
        )
    lines.append(
        f"When the model says a probability, it is off by {100 * model['calibration_error']:.1f} percentage points on average; "
        f"the rules, their points turned into probabilities, by {100 * points['calibration_error']:.1f}; were all "
        f"probabilities right, chance would make it {100 * model['calibration_chance']:.1f}."
    )
    if rules.better:
        lines.append(
            f"On the next lead stage the model is better than the rules: log loss lower by {-rules.mean:.4f} "
            f"(90 % interval {-rules.high:.4f} to {-rules.low:.4f})."
        )
    elif rules.low > 0:
        lines.append(f"On the next lead stage the rules are better than the model: log loss lower by {rules.mean:.4f}.")
    else:
        lines.append("On the next lead stage model and rules cannot be told apart on these leads.")
    return lines


def coverage_in_words(coverages: Mapping[str, Coverage]) -> list[str]:
    """One sentence: how often the intervals were right."""
    if not coverages:
        return []
    parts = [f"{coverage.inside:.0%} of {coverage.cells} groups on {name}" for name, coverage in coverages.items()]
    return [f"The 90 % intervals held the later rate of leads scored alike in {', '.join(parts)}."]


def show(console: Console, report: DataReport, results: Results, notes: Sequence[str], messages: Sequence[str]) -> None:
    """Print everything at the end of a training: data, notes, the table, and what it all means."""
    for line in [*report.lines(), *notes]:
        console.print(f"  {line}", style="dim", highlight=False)
    console.print(table(results))
    for line in messages:
        console.print(f"• {line}", highlight=False)
