"""The hand-over policy of a training: chosen on the weeks since the cut, and tested on those of them it was not chosen in."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from models.decision.recommend import Policy
from models.model import FunnelModel
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.final_model import as_of_cut
from training.evaluation.holdout import Held
from training.policy.backtest import Backtest, backtest, in_words, weeks_to_choose_in
from training.policy.policy_fit import bare_policy, choose_policy
from training.policy.weekly import Weekly, weekly


@dataclass(frozen=True)
class Handover:
    """`policy` is what will be served, chosen on all weeks; `tested` one that was chosen on the first half, on the others.

    `past` and `tested` are None where there are too few weeks to look back on. `cut`: the model of the cut.
    """

    policy: Policy
    past: Weekly | None
    tested: Backtest | None
    cut: FunnelModel

    def tables(self) -> dict[str, pd.DataFrame]:
        """What a run carries of it."""
        return {"handover": self.tested.table()} if self.tested else {}

    def metrics(self) -> dict[str, float]:
        """As MLflow takes it."""
        lines = {f"line.{stage}": line for stage, line in self.policy.lines.items()}
        return lines | (self.tested.metrics() if self.tested else {})

    def in_words(self) -> list[str]:
        """What the marketer should know."""
        if not self.tested or not self.past:
            return ["The hand-over policy could not be tested: there are too few weeks whose outcome is known."]
        return in_words(self.tested, float(self.past.share.mean()))


def handover(prepared: Prepared, config: Config, held: Held) -> Handover:
    """Choose and test the policy."""
    bare = bare_policy(config, prepared, held.amounts.lifetime if held.amounts else None)
    cut = as_of_cut(prepared, config, held, bare)
    past = weekly(prepared, held, cut)
    policy = choose_policy(bare, prepared, config, held, past, slice(None))
    if past is None:
        return Handover(policy, None, None, cut)
    then = choose_policy(bare, prepared, config, held, past, slice(weeks_to_choose_in(past)))
    return Handover(policy, past, backtest(then, past, prepared.rules.book.thresholds.get(bare.stage)), cut)
