"""A flat file whose world turns round after what could be learned from it: the rules stay right, what is learned does not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from models.common.types import sigmoid
from training.common.config import Config
from training.data.load import load
from training.data.prepare import Prepared, prepare
from training.scale.training_data import rules_of

ROWS = 2_000
TURN = 0.78  # of the rows come before it
CONFIG = """
name: turned
source:
  kind: files
  folder: .
  leads: {file: l.csv, columns: {lead_id: id}, order: rows, outcome: {column: won, yes: 1, no: 0}}
funnel: {stages: [lead, customer], exits: [lost], horizons: {customer: 30}}
rules: rules.yaml
search: {trials: 1, minutes: 10}
sales: {capacity_per_week: 20, leads_per_week: 400}
"""
RULES = """
version: 1
thresholds: {customer: 20}
fit:
  - {attribute: lead.demo, equals: "yes", points: 20}
"""


@dataclass(frozen=True)
class Turned:
    """The file, read and prepared. `mood` drove outcomes up and then, after the turn, down; `demo`, on which the rules give
    points, always up."""

    config: Config
    prepared: Prepared


def turned_world(folder: Path) -> Turned:
    """Write the file with its configuration into `folder`, and read it."""
    random = np.random.default_rng(8)
    demo, mood = random.random(ROWS) < 0.3, random.normal(size=ROWS)
    sign = np.where(np.arange(ROWS) < TURN * ROWS, 1.5, -1.5)
    won = random.random(ROWS) < sigmoid(-1.8 + 1.6 * demo + sign * mood)
    frame = pd.DataFrame({"id": np.arange(ROWS), "demo": np.where(demo, "yes", "no"), "mood": mood.round(3), "won": won * 1})
    frame.to_csv(folder / "l.csv", index=False)
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    (folder / "turned.yaml").write_text(CONFIG, encoding="utf-8")
    config = Config.read(folder / "turned.yaml")
    return Turned(config, prepare(load(config)[0], config, config.funnel.build(), rules_of(config)))
