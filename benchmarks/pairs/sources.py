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
LEAST_SECONDS = 1.0  # FLAML wants a whole one
AS_LONG = 1.5  # times as much or as little: FLAML's time counts as the same


@dataclass(frozen=True)
class Said:
    """Of landmarks (m): P(target | before) and P(target), (m, targets), NaN where it is not ahead; with the model's interval.

    `seconds` is what the fits took; of FLAML, what it was allowed.
    """

    conditional: Floats
    reached: Floats
    seconds: float
    low: Floats | None = None
    high: Floats | None = None

    def write(self, path: Path) -> Said:
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {n: v for n, v in vars(self).items() if v is not None}
        with whole_file(path) as partial, partial.open("wb") as file:
            np.savez(file, **columns)
        return self

    @classmethod
    def read(cls, path: Path) -> Said:
        with np.load(path) as kept:
            low, high = (kept[name] if name in kept.files else None for name in ("low", "high"))
            return cls(kept["conditional"], kept["reached"], float(kept["seconds"]), low, high)


@dataclass(frozen=True)
class Pair:
    """A task at an origin: the data as they were known then, what came after, and a folder for what sources say."""

    origin: Origin
    config: Config
    dataset: Dataset
    known: Prepared
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
    known = validate(as_known(dataset, origin), funnel)[0]
    prepared = prepare(known, config, funnel, rules_of(config))
    return Pair(origin, config, known, prepared, later(dataset, config, origin, prepared), folder)


def sources(pair: Pair, names: Sequence[str]) -> dict[str, Said]:
    """What the model, the rules and the peers `names` say.

    Raises
    ------
    RipelineError
        if the product refuses to train.
    """
    found = _served(pair)
    examples, view, asked = _examples(pair)
    digest = _digest(examples, asked)
    budget = max(found[MODEL].seconds / len(examples), LEAST_SECONDS)
    stage = asked.shape[1] - 2 if len(examples) > 1 else None
    ways = fits(view.sizes, stage, 7, budget)

    def say(name: str) -> Said:
        path = pair.folder / "peers" / f"{name.replace(' ', '-')}-{digest}.npz"
        if path.is_file():
            kept = Said.read(path)
            if name != FLAML or 1 / AS_LONG <= kept.seconds / (budget * len(examples)) <= AS_LONG:
                return kept
        began = time.perf_counter()
        conditional, reached = chain([ways[name](e) for e in examples], asked, pair.later.stage)
        taken = budget * len(examples) if name == FLAML else time.perf_counter() - began
        return Said(conditional, reached, taken).write(path)

    for name in PEERS:
        if name in names:
            found[name] = _blend(say(LOGISTIC), say(REGULARISED)) if name == BLEND else say(name)
    return found


def _served(pair: Pair) -> dict[str, Said]:
    """The model that would have been registered and its rules, calibrated, asked as a batch would ask them.

    `seconds` of the model is what its fit at the cut took.
    """
    code = f"{edition(SERVED)}-{pair.origin.task.edition}"
    paths = {name: pair.folder / f"{name}-{code}.npz" for name in (MODEL, RULES)}
    if all(path.is_file() for path in paths.values()):
        return {name: Said.read(path) for name, path in paths.items()}
    model, seconds = train_at(pair)
    after = pair.later
    leads = scoring_input(model, after.prepared.histories, after.prepared.looks.take(after.rows))
    p = predict(model, leads)
    rules = model.rule_odds.probabilities(p.inputs.points.points, leads.stage, p.probability.shape[1])
    found = {MODEL: Said(p.conditional, p.probability, seconds, p.low, p.high), RULES: Said(rules, rules, 0.0)}
    return {name: said.write(paths[name]) for name, said in found.items()}


def train_at(pair: Pair) -> tuple[FunnelModel, float]:
    """The served model of a training at the origin, without report and MLflow, and the seconds of its fit at the cut."""
    with tempfile.TemporaryDirectory() as home, open(os.devnull, "w", encoding="utf-8") as nowhere:
        config = pair.config.changed(source=None, dataset=pair.dataset.write(Path(home) / "known"))
        steps = Steps(Console(file=nowhere, width=120))
        with steps.running(), open_training_data(config, None, steps) as data:
            held = hold_out(data.prepared, data.config, steps)
            policy = handover(data.prepared, data.config, held).policy
            model = final_model(data.prepared, data.config, held, policy, steps, data.extend_fit)
            return data.completed(model, config), held.seconds


def _examples(pair: Pair) -> tuple[list[Examples], RawView, Floats]:
    """Per target what peers learn from, how they see it, and what they are asked about."""
    known = pair.known
    view = RawView.learn(known, pair.origin.task.leaks)
    labels, every = known.labels(known.extracted_at), np.ones(len(known.looks), bool)
    found = []
    for target in range(len(known.funnel.targets)):
        seen = view.matrix(known, known.usable(target, labels, every))
        found.append(replace(known.examples(target, labels, every), x=seen, points=None, pooled=None))
    return found, view, view.matrix(pair.later.prepared, pair.later.rows)


def _digest(examples: Sequence[Examples], asked: Floats) -> str:
    """Of all that peers learn from and are asked about."""
    digest = hashlib.sha256(edition(("benchmarks/peers",)).encode() + asked.tobytes())
    for e in examples:
        digest.update(np.ascontiguousarray(e.x).tobytes() + e.y.tobytes())
    return digest.hexdigest()[:12]


def _blend(one: Said, other: Said) -> Said:
    """Half of each in log-odds, per transition."""
    conditional = sigmoid(0.5 * logit(one.conditional) + 0.5 * logit(other.conditional))
    reached = np.cumprod(np.where(np.isnan(conditional), 1.0, conditional), axis=1)
    return Said(conditional, np.where(np.isnan(conditional), np.nan, reached), one.seconds + other.seconds)
