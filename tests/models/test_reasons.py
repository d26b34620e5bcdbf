"""Reasons add up exactly to the log-odds of the probability, whatever is left out, and each is named."""

from __future__ import annotations

import numpy as np
import pytest

from models.common.types import logit
from models.reasons import Explainer
from models.score import score
from tests.models.looks import seen
from tests.tiny import tiny_model


@pytest.mark.parametrize("most", [0, 3, 50])
def test_an_explanation_adds_up_and_names_the_strongest_first(most: int) -> None:
    model, looked = tiny_model(), seen(tiny_model(), 20)
    found = score(model, looked)
    chance = found.conditional[np.arange(20), looked.stage]
    explained = Explainer.from_model(model).explain(found.contributions, found.x, looked.stage, chance, most, "en")
    for one, stage, p in zip(explained, looked.stage, chance, strict=True):
        effects = [reason.effect for reason in one.reasons]
        assert one.start + sum(effects) + one.remainder + one.calibration == pytest.approx(float(logit(p)), abs=1e-9)
        assert [abs(effect) for effect in effects] == sorted((abs(effect) for effect in effects), reverse=True)
        assert len(effects) <= most
        assert all(reason.label for reason in one.reasons)
        assert one.target == model.transitions[stage].target
