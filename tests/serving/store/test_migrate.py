"""Migrations may run at the same time, and are run once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from serving.store.connect import address, connect
from serving.store.migrate import upgrade, version


def test_many_may_open_it_at_once(store_address: str) -> None:
    """Several server processes start together."""
    engines = [connect(address(store_address)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(upgrade, engines))
    with engines[0].connect() as connection:
        assert version(connection) == "0002"
    for engine in engines:
        engine.dispose()
