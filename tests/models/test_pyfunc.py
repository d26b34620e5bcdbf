"""The model as MLflow's own: it predicts from a frame of features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.common.errors import DataError
from models.pyfunc import _load_pyfunc
from tests.trained import Trained


def test_the_pyfunc_predicts_from_a_frame_of_features(trained: Trained) -> None:
    predictor = _load_pyfunc(str(trained.folder.parent))
    names = trained.model.feature_set.names
    frame = pd.DataFrame(np.zeros((2, len(names))), columns=list(names)).assign(lead_stage=["lead", "sql"])
    found = predictor.predict(frame)
    assert list(found.columns) == ["mql", "sql", "customer"]
    assert found.notna().to_numpy().tolist() == [[True, True, True], [False, False, True]]
    with pytest.raises(DataError, match="lacks the column"):
        predictor.predict(frame.drop(columns=names[0]))
