"""The main job: a dataset in, an evaluated, calibrated, registered model out.

1. Load and validate the data, choose landmarks, build their features; in buckets where they are larger than memory.
2. Pretend today is the cut: fit on what was known then, for other accounts, and look at what came true afterwards.
3. Compare with the rules and the baselines on the same rows.
4. Choose when to hand a lead over, and test that week by week on the same held-out leads.
5. Fit again on everything known today with the settings found; this model is saved, logged and registered.
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
from training.evaluation.gate import Difference, Verdict
from training.evaluation.holdout import Held, hold_out, next_difference
from training.evaluation.segments import in_words as segments_in_words
from training.evaluation.summary import Results, coverage_in_words, in_words, show
from training.evaluation.worth import worth, worth_in_words
from training.policy.handover import Handover, handover
from training.report import Found, write_report
from training.report.log_run import Carried, log_run
from training.scale.training_data import supply


@dataclass(frozen=True)
class Outcome:
    """What a training gives."""

    model: FunnelModel
    version: str
    run_id: str
    results: Results
    verdict: Verdict
    prepared: Prepared
    held: Held
    handed: Handover
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
        given = stack.enter_context(supply(config, folder, steps))
        dataset, report, prepared, mine = given.dataset, given.report, given.prepared, given.config
        held = hold_out(prepared, mine, steps)
        with steps.whole("Hand-over policy, week by week"):
            handed = handover(prepared, mine, held)
        model = given.completed(final_model(prepared, mine, held, handed.policy, steps, given.beyond), config)
        brings = worth(prepared, dataset, model)
        apart = disagreements(prepared, held)
        against_rules = next_difference(prepared, held, held.probability["model"], held.probability["rules"])
        with steps.whole("Report"):
            told = write_report(mine, report, prepared, held, handed, Found(brings, model.next_steps))
            carried = Carried({"worth": brings, "disagreements": apart, **handed.tables()}, handed.metrics(), told)
        with steps.whole("Logging to MLflow"):
            run_id, version, verdict = log_run(mine, dataset, report, prepared, held, model, against_rules, carried)
    said = [
        *in_words(held.results, model.funnel.final, against_rules),
        *coverage_in_words(held.coverage),
        *segments_in_words(held.segments),
        *(held.value.lines() if held.value else []),
        *handed.in_words(),
        *worth_in_words(brings, prepared.deals.currency),
        *disagreements_in_words(apart, prepared.funnel.final),
        verdict.why,
    ]
    show(console, report, held.results, model.notes, said)
    console.print(f"Version {version} of {config.name!r} is registered, run {run_id}, with report.html in it.", highlight=False)
    return Outcome(model, version, run_id, held.results, verdict, prepared, held, handed, against_rules)
