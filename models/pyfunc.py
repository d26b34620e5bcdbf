"""The loader that MLflow calls for a registered model: feature rows in, probabilities out. Imports nothing of MLflow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.common.errors import DataError
from models.calibration.chain import chain
from models.model import POINTS, FunnelModel, design
from models.store import load


@dataclass(frozen=True)
class Predictor:
    """What `mlflow.pyfunc.load_model` wraps."""

    model: FunnelModel

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Columns lead_stage, one per feature and, if known, points → one column per target: P(reached within its horizon), NaN
        where it is not ahead. Without points a lead counts as one of average points.

        Raises
        ------
        DataError
            if a column is missing.
        """
        names = list(self.model.feature_set.names)
        missing = [n for n in ["lead_stage", *names] if n not in model_input.columns]
        if missing:
            raise DataError(
                f"The frame lacks the column {missing[0]!r} and {len(missing) - 1} more.", "See `features.engine.build.frame`."
            )
        stage = np.array([self.model.funnel.position(s) for s in model_input["lead_stage"]], np.int32)
        points = model_input[POINTS.name] if POINTS.name in model_input.columns else np.full(len(model_input), np.nan)
        x = design(model_input[names].to_numpy(np.float32).T, np.asarray(points, np.float64))
        probability = chain(self.model.transitions, x, stage)[1]
        return pd.DataFrame(probability, index=model_input.index, columns=list(self.model.funnel.targets))


def _load_pyfunc(path: str) -> Predictor:
    folder = Path(path)
    manifest = next(iter(sorted(folder.rglob("manifest.json"))), folder / "manifest.json")
    return Predictor(load(manifest.parent))
