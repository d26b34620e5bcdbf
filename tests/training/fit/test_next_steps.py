"""What has gone before progress: counted right, silent about noise, and heeding what a lead did and said."""

from __future__ import annotations

import numpy as np
import pytest

from features.common.clock import DAY, NO_MOMENT
from features.common.errors import ConfigError
from features.turning_away import TurningAway
from tests.trained import Trained
from training.common.config import Config, Nurturing
from training.fit.next_steps import Stretch, _offered, _steps, next_steps

HORIZON = 30 * DAY


def world(leads: int, effect: float, seed: int) -> tuple[Stretch, np.ndarray]:
    """Leads with one stretch each; a third takes the step, which adds `effect` to a chance of 30 % to progress."""
    random = np.random.default_rng(seed)
    begin = np.full(leads, 100 * DAY, np.int64)
    took = random.random(leads) < 0.33
    first = np.where(took, begin + DAY, NO_MOMENT)
    converts = random.random(leads) < 0.3 + effect * took
    progressed = np.where(converts, begin + 10 * DAY, NO_MOMENT)
    return Stretch(np.arange(leads), begin, begin + 20 * DAY, random.random(leads), progressed), first


def test_an_effect_is_found_with_its_counts() -> None:
    stretch, first = world(3_000, 0.25, 1)
    found = _steps("webinar", "mql", stretch, first, HORIZON, 500 * DAY)
    assert len(found) == 3, "one for each third of chances"
    assert sum(s.leads for s in found) == int((first < NO_MOMENT).sum())
    for step in found:
        assert step.progressed == pytest.approx(0.55, abs=0.07)
        assert step.others_progressed == pytest.approx(0.30, abs=0.07)
        assert 0 < step.gap_low < step.progressed - step.others_progressed


def test_noise_is_rarely_taken_for_a_step() -> None:
    """5 % of the low ends of 90 % intervals lie above a difference that is none."""
    found = [len(_steps("webinar", "mql", *world(600, 0.0, seed), HORIZON, 500 * DAY)) for seed in range(100)]
    assert sum(found) / 300 < 0.09


def test_few_leads_in_a_band_are_told_with_all_bands() -> None:
    stretch, first = world(200, 0.4, 3)
    found = _steps("webinar", "mql", stretch, first, HORIZON, 500 * DAY)
    assert {s.leads for s in found} == {int((first < NO_MOMENT).sum())}, "22 a band are too few"


def test_who_cannot_be_followed_to_the_horizon_does_not_count() -> None:
    stretch, first = world(3_000, 0.25, 1)
    assert _steps("webinar", "mql", stretch, first, HORIZON, 110 * DAY) == []


def test_a_training_knows_usual_directions_and_offers_only_content(trained: Trained) -> None:
    known = trained.model.next_steps
    assert known.type_defaults["email_sent"][0] == "out"
    assert known.type_defaults["page_view"][0] == "in"
    assert "unsubscribed" in known.opt_outs
    assert not {"email_opened", "page_view", "call_made"} & {s.type for s in known.steps}
    assert all(s.leads >= 30 and s.gap_low > 0 for s in known.steps)


def test_leaving_a_newsletter_is_no_step_to_offer() -> None:
    types = ("newsletter_subscribed", "Newsletter-Abmeldung", "page_view")
    config = Config(name="a", source={"kind": "simulator"})
    assert _offered(config, types, TurningAway.among(types)) == ["newsletter_subscribed"]


def test_an_unknown_step_is_answered_with_the_nearest(trained: Trained) -> None:
    config = Config.read(trained.config).model_copy(update={"nurturing": Nurturing(steps=["webinar_atended"])})
    with pytest.raises(ConfigError, match="did you mean 'webinar_attended'"):
        next_steps(trained.prepared, config, trained.model)
