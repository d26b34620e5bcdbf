"""A pair from end to end on a small simulated CRM: cases are kept and read back, ways are compared, sources are asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.pairs import run as pairs_run
from benchmarks.pairs.cases import Case, cases, read_case, write_cases
from benchmarks.pairs.judge import judge
from benchmarks.pairs.learn import evaluate, summary, way
from benchmarks.pairs.origins import prepare_whole, rolling_origins
from benchmarks.pairs.sources import MODEL, Forecast, Pair, open_pair, sources
from benchmarks.pairs.tasks import Task
from connectors.simulator.settings import SimulatorSettings
from connectors.simulator.simulate import simulate
from features.dataset.validate import validate
from models.calibration.chain import Conditional
from training.common.config import Config
from training.fit.baselines import Rate

SMALL = """
name: small
source: {kind: simulator, leads: 900, days: 540, seed: 3}
funnel: {stages: [lead, mql, sql, customer], exits: [disqualified, lost], horizons: {mql: 30, sql: 45, customer: 90}}
landmarks: {ages: [0, 30]}
search: {trials: 1}
"""
TASK = Task("small", "olist", None)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("pair")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    config = Config.read(folder / "small.yaml")
    simulation = simulate(SimulatorSettings(leads=900, days=540, seed=3))
    dataset = validate(simulation.dataset, simulation.funnel)[0]
    origins = rolling_origins(TASK, prepare_whole(dataset, config))
    assert [o.number for o in origins] == [1, 2, 3]
    assert origins[0].until == origins[1].moment
    return open_pair(dataset, config, origins[1], folder)


def test_what_is_judged_lies_between_two_origins_and_was_not_known(pair: Pair) -> None:
    assert (pair.later.as_of > pair.origin.moment).all()
    assert (pair.later.as_of <= pair.origin.until).all()
    assert pair.prepared.looks.as_of.max() <= pair.origin.moment
    assert pair.later.labels.matured.any(axis=1).all()


def test_features_of_a_landmark_are_the_same_before_and_after_the_origin(pair: Pair) -> None:
    """What came later does not reach back: of landmarks that both know, every column is equal."""
    whole = pair.later.prepared

    def keys(prepared: object) -> list[tuple[str, int]]:
        ids = prepared.histories.leads["lead_id"].astype("str").to_numpy()  # type: ignore[attr-defined]
        looks = prepared.looks  # type: ignore[attr-defined]
        return list(zip(ids[looks.lead], looks.as_of.tolist(), strict=True))

    place = {key: row for row, key in enumerate(keys(whole))}
    here = keys(pair.prepared)
    rows = np.array([place[key] for key in here])
    np.testing.assert_array_equal(pair.prepared.x(np.arange(len(here))), whole.x(rows))


def test_a_case_is_read_as_it_was_written(pair: Pair) -> None:
    paths = write_cases(pair)
    assert len(paths) == 3
    case = read_case(paths[1])
    labels, every = pair.prepared.labels(pair.prepared.extracted_at), np.ones(len(pair.prepared.looks), bool)
    examples = pair.prepared.examples(1, labels, every)
    np.testing.assert_array_equal(case.train.x, examples.x)
    assert (case.train.points, case.title, case.dated) == (examples.points, "small/2 sql", True)
    assert 0 < case.early.sum() < len(case.train)
    assert (case.unripe.as_of > case.known_at - 45 * 86_400_000_000).all()
    assert len(case.judged.y) == len(pair.later.usable(1))


def test_ways_are_compared_with_the_first_and_with_peers(pair: Pair) -> None:
    case = read_case(write_cases(pair)[0])

    def rate(case: Case) -> Conditional:
        return Rate(float(case.train.y.mean()))

    truth = np.full((len(pair.later.rows), 3), 0.5)
    Forecast(truth, truth, 0.0).write(pair.folder / "peers" / "half-0.npz")
    found = evaluate({"rate": rate, "half": lambda _: Rate(0.5)}, [case])
    assert set(found[0]["loss"]) == {"rate", "half"}
    assert found[0]["verdict"]["half"] == "worse"
    assert summary(found, ["rate", "half"]).row_count == 2
    assert way("anew").__name__ == "anew"
    assert way("benchmarks.pairs.ways:present").__name__ == "present"


def test_model_rules_and_peers_answer_every_question(pair: Pair) -> None:
    """What is kept is asked no second time."""
    names = ("logistic", "LightGBM regularised", "blend", "Odoo")
    said = sources(pair, names)
    assert set(said) == {MODEL, "rules", *names}
    found = judge(pair, said)
    assert [q["target"] for q in found] == ["mql", "sql", "customer"]
    for question in found:
        assert all(np.isfinite(s["metrics"]["log_loss"]) for s in question["sources"].values())
        assert question["sources"]["rules"]["metrics"]["log_loss"] > 0
    again = sources(replace(pair, dataset=None), names)  # type: ignore[arg-type]  nothing is trained
    np.testing.assert_array_equal(again[MODEL].reached, said[MODEL].reached)


def test_data_that_are_not_there_are_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    selection = pairs_run.Selection(tmp_path, tmp_path, ("olist",), (), ())
    assert pairs_run.run(selection, jobs=1) == []
    assert list(cases(selection)) == []
    assert "skipped" in capsys.readouterr().out
