"""What the end of a training says where there is too little to say."""

from __future__ import annotations

from training.evaluation.gate import Difference
from training.evaluation.summary import in_words

EVEN = Difference(0.0, -0.1, 0.1)


def test_too_few_held_out_leads_are_told() -> None:
    (line,) = in_words({"model": {}, "rules": {}}, "customer", EVEN)
    assert line == "Fewer than 30 held-out leads could become 'customer': too few to say how good the model is at it."


def test_model_and_rules_are_set_beside_each_other() -> None:
    metrics = {"calibration_error": 0.01, "calibration_chance": 0.02, "lift_at_10": 2.0}
    lines = in_words({"model": {"customer": metrics}, "rules": {"customer": metrics}}, "customer", EVEN)
    assert "20 % of all later customers with the model, 20 % with the rules" in lines[0]
    assert lines[-1] == "On the next lead stage model and rules cannot be told apart on these leads."
