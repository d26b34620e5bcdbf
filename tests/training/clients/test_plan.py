"""Which clients are trained: two never write over each other, and a pattern that names nobody is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.common.errors import ConfigError
from tests.training.clients.configs import client
from training.clients.plan import matching_files, read
from training.clients.run import run


@pytest.mark.parametrize("second", ["acme", "ACME"])
def test_two_of_one_name_are_refused_before_anything_runs(home: Path, second: str) -> None:
    client(home, "acme", file="one"), client(home, second, file="two")
    with pytest.raises(ConfigError, match=r"one\.yaml and two\.yaml have the same name: '(acme|ACME)'; nothing was run"):
        run(["*.yaml"])
    assert not (home / "artefacts").exists()


def test_two_with_one_folder_are_refused(home: Path) -> None:
    for name in ("a", "b"):
        client(home, name, "engine: {folder: shared}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml and b\.yaml have the same folder of buckets: .*shared"):
        run(["*.yaml"])


def test_nothing_matches() -> None:
    with pytest.raises(ConfigError, match=r"No configuration matches 'nowhere/\*\.yaml'"):
        matching_files(["nowhere/*.yaml"])


def test_the_pool_of_all_is_for_those_that_name_none(inline: Path) -> None:
    files = [client(inline, "a"), client(inline, "b", "pool: agency\n")]
    pools = [[c.config.pool for c in read(files, pool)[0]] for pool in (None, True, False)]
    assert pools == [[None, "agency"], ["all", "agency"], [None, None]]
