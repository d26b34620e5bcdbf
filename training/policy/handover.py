"""The hand-over policy of a training: chosen on the weeks since the cut, and tested on those of them it was not chosen in."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from models.decision.recommend import Policy
from models.model import FunnelModel
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.final_model import as_of_cut
from training.evaluation.holdout import Holdout
from training.policy.backtest import Backtest, backtest, in_words, selection_week_count
from training.policy.policy_fit import bare_policy, choose_policy
from training.policy.weekly import Weekly, weekly


@dataclass(frozen=True)
class Handover:
    """`policy` is what will be served, chosen on all weeks; `backtest_result` one that was chosen on the first half, on the
    others.

    `past` and `backtest_result` are None where there are too few weeks to look back on. `cut`: the model of the cut.
    """

    policy: Policy
    past: Weekly | None
    backtest_result: Backtest | None
    cut: FunnelModel

    def tables(self) -> dict[str, pd.DataFrame]:
        """What a run carries of it."""
        return {"handover": self.backtest_result.table()} if self.backtest_result else {}

    def metrics(self) -> dict[str, float]:
        """As MLflow takes it."""
        lines = {f"line.{stage}": line for stage, line in self.policy.lines.items()}
        return lines | (self.backtest_result.metrics() if self.backtest_result else {})

    def in_words(self) -> list[str]:
        """What the marketer should know."""
        if not self.backtest_result or not self.past:
            return ["The hand-over policy could not be tested: there are too few weeks whose outcome is known."]
        return in_words(self.backtest_result, float(self.past.share.mean()))


def handover(prepared: Prepared, config: Config, holdout: Holdout) -> Handover:
    """Choose and test the policy."""
    bare = bare_policy(config, prepared, holdout.amounts.lifetime if holdout.amounts else None)
    cut = as_of_cut(prepared, config, holdout, bare)
    past = weekly(prepared, holdout, cut)
    policy = choose_policy(bare, prepared, config, holdout, cut, past, slice(None))
    if past is None:
        return Handover(policy, None, None, cut)
    tested_policy = choose_policy(bare, prepared, config, holdout, cut, past, slice(selection_week_count(past)))
    return Handover(policy, past, backtest(tested_policy, past, prepared.rules.book.thresholds.get(bare.stage)), cut)
