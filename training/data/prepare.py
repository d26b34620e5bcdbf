"""From a dataset to everything training needs: landmarks, their features, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.attributes.encoders import AttributeEncoder
from features.attributes.learn import learn_encoders
from features.catalogue import catalogue
from features.common.clock import DAY, moment
from features.dataset.dataset import Dataset
from features.dataset.deals import DealValues, deal_values
from features.dataset.funnel import Funnel
from features.dataset.labels import Labels, choose_horizons, label, usable
from features.dataset.landmarks import AGES, Landmarks, Path, landmarks
from features.dataset.tally import Tally
from features.engine.build import attribute, build
from features.engine.feature_set import FeatureSet
from features.engine.histories import Histories, data_profile
from features.leakage import Audit, FollowCounts, audit
from models.common.types import Examples, Flags, Matrix, Signs
from models.model import LAST_INTERACTION, design
from models.rules.rules import Points, Rules, check_thresholds
from training.common.config import Config
from training.data.leakage import blocked_columns, leak_free_rules, require_inputs
from training.data.pooled_prior import Prior, prior_of

ROW_ORDER_HORIZON = (
    45 / 86_400
)  # days: outcomes of data without dates are set 30 s after the lead, the next lead comes after 60


@dataclass(frozen=True)
class Prepared:
    """Landmarks (n) with features `rows` (columns, n): the model's `width` columns first, then the rules' own.

    `encoders` are those of all attributes that may be learned from, whether they are in `rows` or not.

    `deadline` (n, targets) is the moment from which the label of a target is known for good. `pool` is what other businesses
    say of the columns.
    """

    funnel: Funnel
    histories: Histories
    path: Path
    looks: Landmarks
    feature_set: FeatureSet
    rules: Rules
    rows: Matrix
    width: int
    points: Points
    deadline: npt.NDArray[np.int64]
    extracted_at: int
    dated: bool
    notes: tuple[str, ...]
    audit: Audit
    deals: DealValues
    encoders: tuple[AttributeEncoder, ...]
    pool: Prior | None = None

    def x(self, rows: npt.NDArray[np.intp]) -> Matrix:
        """What the model sees of these landmarks (m,): (m, features + 1), the last column being the rules' points."""
        return design(self.rows[: self.width], self.points.learned_from, rows)

    @property
    def signs(self) -> Signs | None:
        """Of what the model sees (features + 1,)."""
        return column_signs(self.feature_set, self.rules)

    @property
    def levels(self) -> npt.NDArray[np.intp]:
        """Columns of what the model sees that say which level a category has."""
        return np.flatnonzero(self.feature_set.level_targets >= 0)

    @property
    def account(self) -> npt.NDArray[np.int64]:
        return self.histories.account[self.looks.lead].astype(np.int64)

    @cached_property
    def spell(self) -> npt.NDArray[np.intp]:
        """(n,) in which spell of its lead each landmark lies: a row of `path`."""
        return self.path.spells(self.looks.lead, self.looks.as_of)

    def labels(self, known_at: int) -> Labels:
        return label(self.path, self.looks, self.funnel, known_at)

    def usable(self, target: int, labels: Labels, subset: Flags) -> npt.NDArray[np.intp]:
        """The matured landmarks `subset` (n,) that ask for P(target | the lead stage before it was reached in time)."""
        return np.flatnonzero(subset & usable(self.looks.stage, labels.reached, labels.matured, target))

    def examples(self, target: int, labels: Labels, subset: Flags) -> Examples:
        """Examples of the `usable` landmarks."""
        use = self.usable(target, labels, subset)
        return Examples(
            x=self.x(use),
            y=labels.reached[use, target],
            weight=np.ones(len(use)),
            as_of=self.looks.as_of[use],
            account=self.account[use],
            known_at=self.deadline[use, target],
            points=self.width,
            pooled=self.pool.for_columns(self.funnel.targets[target], (*self.feature_set.names, "points"))
            if self.pool
            else None,
            signs=self.signs,
            levels=column_levels(self.feature_set, target),
        )


@dataclass(frozen=True)
class DatasetFacts:
    """What all data say before any landmark is looked at: which features there are, which columns are left out (data leakage).

    `notes` come before, `closing_notes` after those of the histories. `funnel` may still lack horizons.
    """

    funnel: Funnel
    feature_set: FeatureSet
    rules: Rules
    audit: Audit
    encoders: tuple[AttributeEncoder, ...]
    notes: tuple[str, ...]
    closing_notes: tuple[str, ...] = ()


def column_signs(features: FeatureSet, rules: Rules) -> Signs | None:
    """What is known beforehand of the columns of a model (features + 1,): acts of turning away never raise a chance, and so
    points do not lower it where rules take some for them. None where nothing is."""
    signs = np.append(-features.lowering.astype(np.int8), np.int8(rules.takes_for_turning_away))
    return signs if signs.any() else None


def column_levels(features: FeatureSet, target: int) -> Signs | None:
    """Which columns of a model (features + 1,) say which level a category has, as `Examples.levels`."""
    of_target = np.append(features.level_targets, -1)
    is_level = of_target >= 0
    return np.where(is_level, np.where(of_target == target, 1, -1), 0).astype(np.int8) if is_level.any() else None


def learn(
    dataset: Dataset,
    config: Config,
    funnel: Funnel,
    rules: Rules,
    *,
    rules_only: bool = False,
    audited_columns: Collection[str] | None = None,
    known_interactions: tuple[Tally, FollowCounts] | None = None,
) -> DatasetFacts:
    """The facts of a validated dataset; `known_interactions` are those of interactions that `dataset` does not hold.

    Encoders learn which values there are, never what became of the leads, so they may learn from all rows.

    Raises
    ------
    DataError, ConfigError
        if nothing is left to learn from, or the rules or settings do not fit.
    """
    check_thresholds(rules, funnel.stages)
    columns = [f"{e}.{c}" for e, table in (("lead", dataset.leads), ("company", dataset.companies)) for c in table.columns]
    tally, follows = known_interactions or (Tally.of_frame(dataset.interactions), None)
    turning_away = config.turning_away.among(tally.types)
    inventory = data_profile(dataset, tally, turning_away)
    audited = audit(
        dataset,
        funnel,
        exclude=config.attributes.exclude,
        test_share=config.test_share,
        columns=audited_columns,
        follows=follows,
    )
    blocked = blocked_columns(audited, config, columns)
    encoders, notes = learn_encoders(
        {"lead": dataset.leads, "company": dataset.companies},
        exclude=[*config.attributes.exclude, *blocked],
        min_level_rows=config.attributes.min_level_rows,
        targets=funnel.targets,
    )
    require_inputs(blocked, encoders, inventory)
    mail = () if config.scanners.off else config.scanners.roles(inventory.types, turning_away)
    selected_features = () if rules_only else tuple(catalogue(inventory, funnel))
    feature_set = FeatureSet(selected_features, () if rules_only else tuple(encoders), inventory.types, mail, turning_away)
    notes += rules.idle(inventory.types, columns)
    rules, rule_notes = leak_free_rules(rules.among(turning_away), blocked)
    return DatasetFacts(funnel, feature_set, rules, audited, tuple(encoders), (*notes, *rule_notes))


def prepare(
    dataset: Dataset,
    config: Config,
    funnel: Funnel,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
    *,
    rules_only: bool = False,
    audited_columns: Collection[str] | None = None,
    facts: DatasetFacts | None = None,
) -> Prepared:
    """Landmarks, features and deadlines of a validated dataset. `progress` is called with (done, all) landmarks.

    With `rules_only` there are no features but those of the rules, and with `audited_columns` ("lead.budget") the audit judges
    no other columns; both take a fraction of the time. `facts` are those of data of which `dataset` is a part.

    Raises
    ------
    DataError, ConfigError
        if no horizon can be chosen or the rules do not fit the funnel.
    """
    facts = facts or learn(dataset, config, funnel, rules, rules_only=rules_only, audited_columns=audited_columns)
    funnel, feature_set, rules, encoders = facts.funnel, facts.feature_set, facts.rules, facts.encoders
    notes = list(facts.notes)
    histories = Histories.from_dataset(dataset, feature_set.types, feature_set.mail, feature_set.turning_away)
    if histories.scanner_rows:
        notes.append(f"{histories.scanner_rows:,} opens and clicks were made by mail scanners and are left out")
    path = Path.from_tables(histories.leads, dataset.lead_stages, funnel)
    extracted_at = moment(dataset.extracted_at)
    deals, deal_notes = deal_values(
        dataset.deals, histories.leads, path, extracted_at, config.sales.currency, config.value.rates
    )
    funnel, horizon_notes = with_horizons(dataset.time, funnel, path, extracted_at)
    horizon_notes = horizon_notes or list(facts.closing_notes)
    dated = dataset.time == "dates"
    ages = config.landmarks.ages or (AGES if dated else (0.0,))
    looks = landmarks(path, extracted_at, ages, ended_only=not dated)
    plan = feature_set.plan(tuple(dict.fromkeys((*feature_set.features, *rules.features, LAST_INTERACTION))))
    completed = 0

    def tick(count: int) -> None:
        nonlocal completed
        completed += count
        if progress:
            progress(completed, len(looks))

    rows = build(plan, feature_set.encoders, histories, looks, progress=tick)
    width = feature_set.attribute_columns + len(feature_set.features)
    feature_index = {f: i for i, f in enumerate(plan.features)}
    behaviour = rows[[feature_set.attribute_columns + feature_index[f] for f in rules.features]]
    points = rules.points(behaviour, lambda entity, column: attribute(histories, looks, entity, column))
    return Prepared(
        funnel, histories, path, looks, feature_set, rules, rows, width, points, deadlines(looks, funnel), extracted_at,
        dated, (*notes, *horizon_notes, *deal_notes, *facts.audit.lines()),
        facts.audit, deals, encoders, prior_of(config),
    )  # fmt: skip


def deadlines(looks: Landmarks, funnel: Funnel) -> npt.NDArray[np.int64]:
    """(n, targets): the moment from which the label of a target is known for good."""
    horizon = np.array([funnel.horizons[t] * DAY for t in funnel.targets]).astype(np.int64)
    open_targets = np.arange(1, len(horizon) + 1) > looks.stage[:, None]
    label_times: npt.NDArray[np.int64] = np.maximum.accumulate(
        np.where(open_targets, looks.as_of[:, None] + horizon, 0), axis=1
    )
    return label_times


def with_horizons(time: str, funnel: Funnel, path: Path, extracted_at: int) -> tuple[Funnel, list[str]]:
    """The funnel with all its horizons, and a sentence on each that was chosen from the data.

    Raises
    ------
    DataError
        if none can be chosen.
    """
    missing = [t for t in funnel.targets if t not in funnel.horizons]
    if time == "row_order":
        return Funnel(funnel.stages, funnel.exits, dict.fromkeys(funnel.targets, ROW_ORDER_HORIZON)), []
    if not missing:
        return funnel, []
    chosen = choose_horizons(path, funnel, extracted_at)
    notes = [
        f"horizon of {t}: {chosen[t]:g} days, chosen from the data (80 % of those who progress do so in time)" for t in missing
    ]
    return funnel.with_horizons({t: chosen[t] for t in missing}), notes
