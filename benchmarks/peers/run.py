"""All peers of a training: fitted as of its cut on the landmarks the model had, and asked about the ones it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from benchmarks.peers.bayes import fit_bayes
from benchmarks.peers.calibrated import Calibrated, Fit, learn_calibrator
from benchmarks.peers.categories import categories, numbers
from benchmarks.peers.libraries import fit_boosting, fit_flaml
from benchmarks.peers.odoo import fit_odoo
from features.dataset.labels import Labels
from models.calibration.chain import Conditional, chain
from models.common.types import Examples, Floats, Matrix
from training.data.prepare import Prepared
from training.evaluation.holdout import Holdout

Rows = npt.NDArray[np.intp]
View = Callable[[Rows], Matrix]


@dataclass(frozen=True)
class Peer:
    """One way to score leads: what it sees of landmarks, and how it learns from them.

    `chained`: it learns each transition, which are then multiplied as the model's are; else each lead stage straight away.
    `calibrated`: it is shown with our calibrator too.
    """

    name: str
    view: View
    fit: Fit
    chained: bool = True
    calibrated: bool = False


@dataclass(frozen=True)
class Said:
    """What a source says of the held-out landmarks (m, targets), and the seconds its fits took, where that was measured."""

    probability: Floats
    seconds: float | None


def peers(prepared: Prepared, held: Holdout, seed: int) -> list[Peer]:
    """All of them. FLAML has, for each transition, an equal part of the time that the model's fit took."""
    targets = len(prepared.funnel.targets)
    plain = partial(_plain, prepared)
    staged = partial(_staged, prepared)
    mixed = partial(_mixed, prepared)
    sizes = categories(prepared, np.zeros(0, np.intp)).sizes
    budget = held.seconds / targets
    odoo, odoo_staged = (partial(_odoo, stage=stage) for stage in (False, True))
    found = [Peer("odoo", plain, odoo, calibrated=True), Peer("odoo+stage", staged, odoo_staged, calibrated=True)]
    if targets > 1:
        found.append(Peer("odoo one table", plain, odoo, chained=False, calibrated=True))
        found.append(Peer("odoo+stage one table", staged, odoo_staged, chained=False, calibrated=True))
    return [
        *found,
        Peer("naive Bayes", mixed, lambda e: fit_bayes(e.x, e.y, sizes), calibrated=True),
        Peer("histogram boosting", prepared.x, lambda e: fit_boosting(e, seed)),
        Peer("FLAML", prepared.x, lambda e: fit_flaml(e, seed, budget, in_time=False)),
        Peer("FLAML in time", prepared.x, lambda e: fit_flaml(e, seed, budget, in_time=True)),
    ]


def say(prepared: Prepared, held: Holdout, peer: Peer) -> Iterator[tuple[str, Said]]:
    """What a peer says, and what it says with our calibrator if it is `calibrated`."""
    known = prepared.labels(held.cut)
    began = time.perf_counter()
    examples = [_examples(prepared, peer, t, known, held) for t in range(len(prepared.funnel.targets))]
    fitted = [peer.fit(e) for e in examples]
    seconds = time.perf_counter() - began
    yield peer.name, Said(_reached(prepared, held, peer, fitted), seconds)
    if peer.calibrated:
        both: list[Conditional] = [Calibrated(f, learn_calibrator(peer.fit, e)) for f, e in zip(fitted, examples, strict=True)]
        yield f"{peer.name}, calibrated", Said(_reached(prepared, held, peer, both), time.perf_counter() - began)


def _reached(prepared: Prepared, held: Holdout, peer: Peer, fitted: list[Conditional]) -> Floats:
    """P(target within its horizon) (m, targets) of the held-out landmarks; NaN where it is not ahead."""
    x, stage = peer.view(held.rows), prepared.looks.stage[held.rows]
    conditional, product = chain(fitted, x, stage)
    return product if peer.chained else conditional


def _examples(prepared: Prepared, peer: Peer, target: int, known: Labels, held: Holdout) -> Examples:
    """Of a chained peer those of the transition, the model's own; of another all that asked for the target.

    Odoo's own table counts each lead once, with its values when it was closed: there all landmarks but a lead's last weigh 0.
    """
    if peer.chained:
        use = prepared.usable(target, known, held.train_rows)
        return replace(prepared.examples(target, known, held.train_rows), x=peer.view(use))
    looks = prepared.looks
    use = np.flatnonzero(held.train_rows & known.matured[:, target])
    last = np.append(looks.lead[use][1:] != looks.lead[use][:-1], True)
    return Examples(
        x=peer.view(use),
        y=known.reached[use, target],
        weight=last.astype(np.float64),
        as_of=looks.as_of[use],
        account=prepared.account[use],
        known_at=prepared.deadline[use, target],
    )


def _odoo(examples: Examples, *, stage: bool) -> Conditional:
    return fit_odoo(examples.x, examples.y, examples.weight, stage=stage)


def _plain(prepared: Prepared, rows: Rows) -> Matrix:
    return categories(prepared, rows).codes


def _staged(prepared: Prepared, rows: Rows) -> Matrix:
    """The categories and the lead stage at the landmark."""
    return np.column_stack((categories(prepared, rows).codes, prepared.looks.stage[rows]))


def _mixed(prepared: Prepared, rows: Rows) -> Matrix:
    return np.column_stack((categories(prepared, rows).codes, numbers(prepared, rows)))
