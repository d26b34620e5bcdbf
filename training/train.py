"""The main job: a dataset in, an evaluated, calibrated, registered model out.

1. Load and validate the data, choose landmarks, build their features; in buckets where they are larger than memory.
2. Pretend today is the cut: fit on what was known then, for other accounts, and look at what came true afterwards.
3. Compare with the rules and the baselines on the same rows.
4. Choose when to hand a lead over, and test that week by week on the same held-out leads.
5. Fit again on everything known today, in the same way; this model is saved, logged and registered.
6. Tell it all in a report for those who own the rules.
7. The model becomes champion only through the gate.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from models.model import FunnelModel
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.prepare import Prepared
from training.evaluation.disagreements import disagreements, disagreements_in_words
from training.evaluation.final_model import final_model
from training.evaluation.gate import Difference, Verdict, rules_serve
from training.evaluation.holdout import Holdout, hold_out, next_difference
from training.evaluation.segments import in_words as segments_in_words
from training.evaluation.summary import Results, coverage_in_words, in_words, show
from training.evaluation.worth import worth, worth_in_words
from training.policy.handover import Handover, handover
from training.report import Findings, write_report
from training.report.log_run import RunArtifacts, log_run
from training.scale.training_data import open_training_data


@dataclass(frozen=True)
class Outcome:
    """What a training gives."""

    model: FunnelModel
    version: str
    run_id: str
    results: Results
    verdict: Verdict
    prepared: Prepared
    holdout: Holdout
    handover_result: Handover
    against_rules: Difference


def train(config: Config, *, folder: Path | None = None, console: Console | None = None) -> Outcome:
    """Run the main job. `folder` replaces the folder of a files source.

    Raises
    ------
    RipelineError
        for anything the user can put right; nothing is registered then.
    """
    console = console or terminal()
    with ExitStack() as stack:
        steps = stack.enter_context(Steps(console).running())
        training_data = stack.enter_context(open_training_data(config, folder, steps))
        dataset, report, prepared, run_config = (
            training_data.dataset,
            training_data.report,
            training_data.prepared,
            training_data.config,
        )
        holdout = hold_out(prepared, run_config, steps)
        with steps.phase("Hand-over policy, week by week"):
            handover_result = handover(prepared, run_config, holdout)
        model = training_data.completed(
            final_model(prepared, run_config, holdout, handover_result.policy, steps, training_data.extend_fit), config
        )
        worth_table = worth(prepared, dataset, model)
        disagreement_table = disagreements(prepared, holdout)
        against_rules = next_difference(
            prepared, holdout.rows, holdout.labels, holdout.probability["model"], holdout.probability["rules"]
        )
        with steps.phase("Report"):
            report_text = write_report(
                run_config, report, prepared, holdout, handover_result, Findings(worth_table, model.next_steps)
            )
            artifacts = RunArtifacts(
                {"worth": worth_table, "disagreements": disagreement_table, **handover_result.tables()},
                handover_result.metrics(),
                report_text,
            )
        with steps.phase("Logging to MLflow"):
            run_id, version, verdict = log_run(run_config, dataset, report, prepared, holdout, model, against_rules, artifacts)
    messages = [
        *rules_serve(holdout.learned_worse),
        *in_words(holdout.results, model.funnel.final, against_rules),
        *coverage_in_words(holdout.coverage),
        *segments_in_words(holdout.segments),
        *(holdout.value.lines() if holdout.value else []),
        *handover_result.in_words(),
        *worth_in_words(worth_table, prepared.deals.currency),
        *disagreements_in_words(disagreement_table, prepared.funnel.final),
        verdict.reason,
    ]
    show(console, report, holdout.results, model.notes, messages)
    console.print(f"Version {version} of {config.name!r} is registered, run {run_id}, with report.html in it.", highlight=False)
    return Outcome(model, version, run_id, holdout.results, verdict, prepared, holdout, handover_result, against_rules)
