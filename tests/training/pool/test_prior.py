"""The mathematics of the pooled prior: against closed forms, against pseudo-data, and in its limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize

from features.common.clock import DAY
from features.common.errors import ConfigError
from models.common.pooled_prior import Pooled
from models.common.types import Examples, logit, sigmoid
from models.learners.linear import linear_learner, linear_path, penalised, rules_prior
from training.common.config import Search
from training.data.pooled_prior import ColumnPrior, Prior, TransitionPrior
from training.fit.splits import forward_folds
from training.fit.transition_fit import PoolTried, Settings, choose_linear, fit_transition
from training.pool.combine import LEAST_CLIENTS, combine, effect, pooled_mean
from training.pool.contribution import Column, Contribution, of_transition

TRUTH = np.array([0.9, -0.6, 0.5, 0.0])


def examples(n: int, seed: int = 0, *, base: float = -1.0, truth: np.ndarray = TRUTH) -> Examples:
    """Four columns of deviation 1 that tell, and points that tell nothing; an account each."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 5))
    y = random.random(n) < sigmoid(base + x[:, :4] @ truth)
    at = np.arange(n) * DAY // 10
    return Examples(x, y, np.ones(n), at, np.arange(n), at + DAY, points=4)


def pooled(toward: np.ndarray, spread: float = 1.0) -> Pooled:
    """All four columns are known elsewhere, on the scale they have; the points are not."""
    some, plain = np.array([True, True, True, True, False]), np.zeros(5, bool)
    zero, one, spreads = np.zeros(5), np.ones(5), np.append(np.full(4, spread), 1.0)
    return Pooled(some, plain, zero, one, zero, np.append(toward, 0.0), spreads, zero, one, -1.0, 0.3)


def test_the_start_is_the_minimum_of_its_loss() -> None:
    """Against a direct minimisation of likelihood, belief in the base rate and belief in the slope."""
    some, prior = examples(80), pooled(TRUTH)
    said, points = some.x[:, :4] @ TRUTH, some.x[:, 4]

    def loss(v: np.ndarray) -> float:
        margin = v[0] + v[1] * points + said
        losses = np.logaddexp(0, np.where(some.y, -margin, margin)).sum()
        return float(losses + 0.5 * ((v[0] + 1.0) / 0.3) ** 2 + 0.5 * (v[1] / 0.5) ** 2)

    wanted = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x
    np.testing.assert_allclose(rules_prior(points, some.y, np.ones(80), prior, said), wanted, atol=1e-4)


def test_a_gaussian_prior_is_as_good_as_rows_that_say_it() -> None:
    """Ridge around a mean: half a million rows of one column, whose curvature is the precision of the prior, do the same."""
    some = examples(300, truth=np.array([1.0, 0, 0, 0]))
    z, ones = some.x[:, :1], np.ones(300)
    strength, toward = 0.05, 0.7
    mine = toward + penalised(z, some.y, ones, toward * z[:, 0], strength, np.zeros(2))[0]
    # two pseudo-rows at ±h with weights that put their optimum at `toward` and their curvature at 1 / strength
    h = 0.01
    p = sigmoid(np.array([toward * h]))[0]
    weight = 1 / (strength * 2 * h * h * p * (1 - p))

    def loss(v: np.ndarray) -> float:
        margin = v[1] + v[0] * z[:, 0]
        rows = np.logaddexp(0, np.where(some.y, -margin, margin)).sum() + 0.5 * v[1] ** 2 / strength
        pseudo = sum(
            weight * (p * np.logaddexp(0, -s * v[0] * h * s) + (1 - p) * np.logaddexp(0, s * v[0] * h * s)) for s in (1, -1)
        )
        return float(rows + pseudo)

    assert mine == pytest.approx(minimize(loss, np.zeros(2), method="BFGS").x[0], abs=1e-3)


def test_a_strong_regularisation_is_the_pool_and_much_data_forget_it() -> None:
    wrong = np.array([-2.0, 2.0, 0.0, 1.0])
    few = replace(examples(40), pooled=pooled(wrong))
    np.testing.assert_allclose(linear_learner(few, 1e-6).coefficient[:4], wrong, atol=1e-3)
    many = examples(200_000)
    with_, without = (linear_learner(e, 0.2) for e in (replace(many, pooled=pooled(wrong)), many))
    own = without.coefficient[:4] / without.scaler.deviation[:4]
    np.testing.assert_allclose(with_.coefficient[:4], own, atol=0.01)


def test_a_narrow_spread_holds_closer_to_the_pool() -> None:
    some, wrong = examples(400), np.array([0.0, 0.0, 0.0, 1.0])
    wide, narrow = (
        linear_learner(replace(some, pooled=pooled(wrong, spread)), 0.03).coefficient[:4] - wrong for spread in (2.0, 0.5)
    )
    assert np.abs(narrow).sum() < np.abs(wide).sum()


def test_what_is_shared_is_scaled_as_elsewhere_and_the_rest_as_here() -> None:
    some = replace(examples(50), pooled=pooled(TRUTH))
    scaler = linear_learner(some, 0.01).scaler
    assert scaler.deviation[:4].tolist() == [1.0] * 4
    assert scaler.deviation[4] != 1.0


def test_a_column_that_is_constant_here_still_tells_what_it_tells_elsewhere() -> None:
    """With few leads nobody has asked for a demo yet; the next one who does is a good lead all the same."""
    some = examples(50)
    x = some.x.copy()
    x[:, 0] = 0.0
    fitted = linear_learner(replace(some, x=x, pooled=pooled(TRUTH)), 0.001)
    hot, cold = np.zeros((1, 5)), np.zeros((1, 5))
    hot[0, 0] = 2.0
    assert fitted.margin(hot)[0] - fitted.margin(cold)[0] == pytest.approx(1.8, abs=0.05)


def test_margin_and_contributions_agree_with_what_was_fitted() -> None:
    some = replace(examples(200), pooled=pooled(TRUTH))
    fitted = linear_learner(some, 0.03)
    np.testing.assert_allclose(fitted.contributions(some.x).sum(axis=1), fitted.margin(some.x), atol=1e-6)
    assert sigmoid(fitted.margin(some.x)).mean() == pytest.approx(some.y.mean(), abs=0.05)


def test_without_a_pool_nothing_changes() -> None:
    """The same bits, whether nobody spoke of a pool or it says nothing of these columns."""
    some = examples(400)
    silent = Prior("agency").for_columns("mql", [f"c{i}" for i in range(5)])
    assert silent is None
    for a, b in zip(linear_path(some), linear_path(replace(some, pooled=silent)), strict=True):
        assert a.coefficient.tobytes() == b.coefficient.tobytes()
        assert a.intercept == b.intercept


def test_a_prior_that_does_not_help_is_not_used() -> None:
    """A pool of the opposite tastes, and one of the same."""
    some = examples(500)
    against = fit_transition("mql", replace(some, pooled=pooled(-2 * TRUTH)), Search(trials=1), 7)
    plain = fit_transition("mql", some, Search(trials=1), 7)
    assert against.transition.log["pool"]["used"] is False
    np.testing.assert_array_equal(against.transition.margin(some.x), plain.transition.margin(some.x))
    alike = fit_transition("mql", replace(some, pooled=pooled(TRUTH)), Search(trials=1), 7)
    assert alike.transition.log["pool"]["used"] is True
    assert alike.settings.pool == PoolTried(*(choose_linear(e, forward_folds(e)).loss for e in (some, _with(some))))


def _with(some: Examples) -> Examples:
    return replace(some, pooled=pooled(TRUTH))


def test_settings_say_whether_the_prior_is_learned_from() -> None:
    some = _with(examples(20))
    assert Settings(0.1, {}, pool=PoolTried(0.5, 0.4)).training_examples(some).pooled is some.pooled
    assert Settings(0.1, {}, pool=PoolTried(0.5, 0.5)).training_examples(some).pooled is None
    assert Settings(0.1, {}).training_examples(some).pooled is None


# --- combining ------------------------------------------------------------------------------------------------------------


def column(coefficient: float, variance: float = 0.0, told: float = 1.0, deviation: float = 1.0) -> Column:
    return Column(False, 0.0, deviation, 0.0, coefficient, variance, told)


def test_the_mean_weighs_by_what_data_say() -> None:
    mean, _ = effect([column(1.0), column(1.0), column(0.0, told=0.0)], 1.0)
    assert mean == pytest.approx(1.0, abs=1e-5), "who has no data of it says nothing"


def test_what_businesses_differ_by_beyond_chance() -> None:
    """Closed form for equal weights: the sample variance less what chance makes of it, and the doubt about the mean."""
    mean, off = effect([column(c, variance=0.01) for c in (0.0, 0.3, 0.6)], 1.0)
    assert mean == pytest.approx(0.3)
    apart = 0.06 - 0.01 * 2 / 3
    assert off == pytest.approx(np.sqrt(apart + (0.01 + apart) / 3))
    assert effect([column(c, variance=1.0) for c in (0.0, 0.3, 0.6)], 1.0)[1] == pytest.approx(np.sqrt(1 / 3)), "all chance"


def test_coefficients_are_of_one_deviation() -> None:
    assert effect([column(0.5, deviation=0.5), column(2.0, deviation=2.0)], 1.0)[0] == pytest.approx(1.0)


def test_base_rates_of_businesses() -> None:
    mean, off = pooled_mean(np.array([-1.0, -2.0, -3.0]), np.full(3, 0.1))
    assert (mean, off) == (pytest.approx(-2.0), pytest.approx(np.sqrt(0.9 * 4 / 3 + 0.1 / 3)))


def test_a_known_truth_is_found_again() -> None:
    """Eight businesses around one truth, each drawn in by its own ridge: the mean is closer to it than they are on average."""
    random = np.random.default_rng(3)
    own = TRUTH + 0.2 * random.normal(size=(8, 4))
    names = [f"c{i}" for i in range(5)]
    gave = [of_transition(examples(1_500, seed, truth=t), names, np.zeros(5, bool)) for seed, t in enumerate(own)]
    said = combine("agency", [Contribution({"mql": given}) for given in gave if given]).targets["mql"]
    found = np.array([said.columns[f"c{i}"].toward for i in range(4)])
    apart = [np.abs(np.array([g.columns[f"c{i}"].coefficient for i in range(4)]) - TRUTH).mean() for g in gave if g]
    assert np.abs(found - TRUTH).mean() < np.mean(apart)
    assert "c4" not in said.columns, "points are everybody's own"
    assert said.base == pytest.approx(
        float(logit(np.mean([examples(1_500, s, truth=t).y.mean() for s, t in enumerate(own)]))), abs=0.1
    )


# --- the file -------------------------------------------------------------------------------------------------------------


def test_the_file_comes_back_as_it_was(tmp_path: Path) -> None:
    prior = Prior("agency", {"mql": TransitionPrior(3, -1.5, 0.4, {"a": ColumnPrior(True, 1.0, 2.0, 0.0, 0.3, 1.2, 3)})})
    assert Prior.read(prior.write(tmp_path / "p.json")) == prior
    assert Prior.read(tmp_path / "p.json").digest == prior.digest


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 9}', '{"schema": 1, "pool": "a", "targets": {"mql": {"no": 1}}}'])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"The pooled prior .*p\.json is damaged"):
        Prior.read(tmp_path / "p.json")


def test_columns_find_their_places() -> None:
    known = ColumnPrior(True, 1.0, 2.0, 0.1, 0.3, 1.2, 3)
    prior = Prior(
        "agency", {"mql": TransitionPrior(3, -1.5, 0.4, {"b": known, "missing: b": replace(known, toward=-0.2), "z": known})}
    )
    found = prior.for_columns("mql", ["a", "b"])
    assert found is not None
    assert found.shared.tolist() == [False, True]
    assert found.toward.tolist() == [0.0, 0.3]
    assert found.missing_toward.tolist() == [0.0, -0.2]
    assert found.spread.tolist() == [1.0, 1.2]
    assert prior.for_columns("sql", ["b"]) is None
    assert prior.for_columns("mql", ["a"]) is None


def test_fewer_businesses_than_it_takes_say_nothing() -> None:
    given = of_transition(examples(600), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    few = [Contribution({"mql": given})] * (LEAST_CLIENTS - 1)
    assert combine("agency", few).targets == {}
    rare = replace(given, columns={**given.columns, "lead.source=only here": given.columns["c0"]})
    prior = combine("agency", [*few, Contribution({"mql": rare})])
    assert "only here" not in prior.text
    assert set(prior.targets["mql"].columns) == {"c0", "c1", "c2", "c3"}


def test_few_leads_or_outcomes_contribute_nothing() -> None:
    names, plain = [f"c{i}" for i in range(5)], np.zeros(5, bool)
    assert of_transition(examples(99), names, plain) is None
    assert of_transition(examples(600, base=-6.0), names, plain) is None


def test_a_column_that_few_accounts_fill_is_not_said() -> None:
    some = examples(600)
    x = np.abs(some.x)
    x[:, 0] = 0
    x[:19, 0] = 1
    x[:, 1] = 0
    x[:20, 1] = 1
    given = of_transition(replace(some, x=x), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    assert "c0" not in given.columns
    assert "c1" in given.columns


def test_what_was_given_comes_back_as_it_was() -> None:
    given = of_transition(examples(600), [f"c{i}" for i in range(5)], np.zeros(5, bool))
    assert given is not None
    contribution = Contribution({"mql": given})
    assert Contribution.from_dict(contribution.to_dict()) == contribution
