"""What every source says of the landmarks after an origin: the served model, the rules, and the peers, each kept on disk.

The model is that which a training on the origin's day would have registered, asked through the code that serves. Peers are
fitted to every landmark whose outcome was known then. What a peer says is kept under a digest of its rows, so a change of the
model alone does not fit it anew.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.pairs.edition import PRODUCT, edition
from benchmarks.pairs.origins import Later, Origin, as_known, later
from benchmarks.pairs.raw import RawView
from benchmarks.peers.fits import BLEND, FLAML, LOGISTIC, PEERS, REGULARISED, fits
from features.common.files import whole_file
from features.dataset.dataset import Dataset
from features.dataset.validate import validate
from models.batch import scoring_input
from models.calibration.chain import chain
from models.common.types import Examples, Floats, logit, sigmoid
from models.model import FunnelModel
from models.score import predict
from training.common.config import Config
from training.common.progress import Steps
from training.data.prepare import Prepared, prepare
from training.evaluation.final_model import final_model
from training.evaluation.holdout import hold_out
from training.policy.handover import handover
from training.scale.training_data import open_training_data, rules_of

MODEL, RULES = "model", "rules"
SERVED = (*PRODUCT, "benchmarks/pairs/origins.py", "benchmarks/pairs/sources.py")
MIN_SECONDS = 1.0  # FLAML wants a whole one
TIME_RATIO = 1.5  # times as much or as little: FLAML's time counts as the same


@dataclass(frozen=True)
class Forecast:
    """Of landmarks (m): P(target | before) and P(target), (m, targets), NaN where it is not ahead; with the model's interval.

    `seconds` is what the fits took; of FLAML, what it was allowed.
    """

    conditional: Floats
    reached: Floats
    seconds: float
    low: Floats | None = None
    high: Floats | None = None

    def write(self, path: Path) -> Forecast:
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {n: v for n, v in vars(self).items() if v is not None}
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **columns)
        return self

    @classmethod
    def read(cls, path: Path) -> Forecast:
        with np.load(path) as archive:
            low, high = (archive[name] if name in archive.files else None for name in ("low", "high"))
            return cls(archive["conditional"], archive["reached"], float(archive["seconds"]), low, high)


@dataclass(frozen=True)
class Pair:
    """A task at an origin: the data as they were known then, what came after, and a folder for what sources say."""

    origin: Origin
    config: Config
    dataset: Dataset
    prepared: Prepared
    later: Later
    folder: Path


def open_pair(dataset: Dataset, config: Config, origin: Origin, folder: Path) -> Pair:
    """The pair of an origin, from the whole dataset.

    Raises
    ------
    RipelineError
        if what was known then is refused.
    """
    funnel = config.funnel.build()
    known_dataset = validate(as_known(dataset, origin), funnel)[0]
    prepared = prepare(known_dataset, config, funnel, rules_of(config))
    return Pair(origin, config, known_dataset, prepared, later(dataset, config, origin, prepared), folder)


def sources(pair: Pair, names: Sequence[str]) -> dict[str, Forecast]:
    """What the model, the rules and the peers `names` say.

    Raises
    ------
    RipelineError
        if the product refuses to train.
    """
    forecasts = _served(pair)
    examples, view, later_x = _examples(pair)
    digest = _digest(examples, later_x)
    budget = max(forecasts[MODEL].seconds / len(examples), MIN_SECONDS)
    stage = later_x.shape[1] - 2 if len(examples) > 1 else None
    peer_fits = fits(view.sizes, stage, 7, budget)

    def peer_forecast(name: str) -> Forecast:
        path = pair.folder / "peers" / f"{name.replace(' ', '-')}-{digest}.npz"
        if path.is_file():
            saved = Forecast.read(path)
            if name != FLAML or 1 / TIME_RATIO <= saved.seconds / (budget * len(examples)) <= TIME_RATIO:
                return saved
        began = time.perf_counter()
        conditional, reached = chain([peer_fits[name](e) for e in examples], later_x, pair.later.stage)
        seconds = budget * len(examples) if name == FLAML else time.perf_counter() - began
        return Forecast(conditional, reached, seconds).write(path)

    for name in PEERS:
        if name in names:
            forecasts[name] = (
                _blend(peer_forecast(LOGISTIC), peer_forecast(REGULARISED)) if name == BLEND else peer_forecast(name)
            )
    return forecasts


def _served(pair: Pair) -> dict[str, Forecast]:
    """The model that would have been registered and its rules, calibrated, asked as a batch would ask them.

    `seconds` of the model is what its fit at the cut took.
    """
    digest = f"{edition(SERVED)}-{pair.origin.task.edition}"
    paths = {name: pair.folder / f"{name}-{digest}.npz" for name in (MODEL, RULES)}
    if all(path.is_file() for path in paths.values()):
        return {name: Forecast.read(path) for name, path in paths.items()}
    model, seconds = train_at(pair)
    after = pair.later
    leads = scoring_input(model, after.prepared.histories, after.prepared.looks.take(after.rows))
    p = predict(model, leads)
    rules = model.rule_odds.probabilities(p.inputs.points.points, leads.stage, p.probability.shape[1])
    forecasts = {MODEL: Forecast(p.conditional, p.probability, seconds, p.low, p.high), RULES: Forecast(rules, rules, 0.0)}
    return {name: forecast.write(paths[name]) for name, forecast in forecasts.items()}


def train_at(pair: Pair) -> tuple[FunnelModel, float]:
    """The served model of a training at the origin, without report and MLflow, and the seconds of its fit at the cut."""
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w", encoding="utf-8") as sink:
        config = pair.config.changed(source=None, dataset=pair.dataset.write(Path(home) / "known"))
        steps = Steps(Console(file=sink, width=120))
        with steps.running(), open_training_data(config, None, steps) as data:
            holdout = hold_out(data.prepared, data.config, steps)
            policy = handover(data.prepared, data.config, holdout).policy
            model = final_model(data.prepared, data.config, holdout, policy, steps, data.extend_fit)
            return data.completed(model, config), holdout.seconds


def _examples(pair: Pair) -> tuple[list[Examples], RawView, Floats]:
    """Per target what peers learn from, how they see it, and what they are asked about."""
    prepared = pair.prepared
    view = RawView.learn(prepared, pair.origin.task.leaks)
    labels, every_landmark = prepared.labels(prepared.extracted_at), np.ones(len(prepared.looks), bool)
    examples = []
    for target in range(len(prepared.funnel.targets)):
        x = view.matrix(prepared, prepared.usable(target, labels, every_landmark))
        known_examples = prepared.examples(target, labels, every_landmark)
        examples.append(replace(known_examples, x=x, points=None, pooled=None, signs=None))
    return examples, view, view.matrix(pair.later.prepared, pair.later.rows)


def _digest(examples: Sequence[Examples], later_x: Floats) -> str:
    """Of all that peers learn from and are asked about."""
    digest = hashlib.sha256(edition(("benchmarks/peers",)).encode() + later_x.tobytes())
    for e in examples:
        digest.update(np.ascontiguousarray(e.x).tobytes() + e.y.tobytes())
    return digest.hexdigest()[:12]


def _blend(first: Forecast, second: Forecast) -> Forecast:
    """Half of each in log-odds, per transition."""
    conditional = sigmoid(0.5 * logit(first.conditional) + 0.5 * logit(second.conditional))
    reached = np.cumprod(np.where(np.isnan(conditional), 1.0, conditional), axis=1)
    return Forecast(conditional, np.where(np.isnan(conditional), np.nan, reached), first.seconds + second.seconds)
