"""What the databases themselves can do with the durability that the store asks of them: commits of one row and of groups."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg

from serving.store.connect import set_pragmas
from tests import postgres

SECONDS, GROUP = 2.0, 50
TABLE = (
    "CREATE TABLE IF NOT EXISTS limit_rows (event_id text PRIMARY KEY, lead_id text, type text, at bigint, received_at bigint)"
)


def sqlite(folder: Path) -> str:
    """Commits of one row, and rows in groups, of one writer a second."""
    connection = sqlite3.connect(folder / "limit.db", isolation_level=None)
    set_pragmas(connection, None)
    connection.execute(TABLE)
    numbers = count()
    rates = []
    for rows in (1, GROUP):
        written, until = 0, time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            connection.execute("BEGIN IMMEDIATE")
            group = [(f"e-{next(numbers)}", "L-1", "page_view", 1, 1) for _ in range(rows)]
            connection.executemany("INSERT INTO limit_rows VALUES (?, ?, ?, ?, ?)", group)
            connection.execute("COMMIT")
            written += rows
        rates.append(written / SECONDS)
    connection.close()
    return f"one by one {rates[0]:,.0f}/s; in groups of {GROUP} {rates[1]:,.0f}/s"


def postgresql(address: str) -> str:
    """Commits of one row a second, by pgbench from 1, 8 and 64 clients."""
    programs = postgres.binaries()
    if programs is None or not (programs / "pgbench").exists():
        return "no pgbench here"
    address = address.replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(TABLE)
    rates = []
    with tempfile.TemporaryDirectory() as scratch:
        script = Path(scratch) / "insert.sql"
        script.write_text("INSERT INTO limit_rows VALUES (gen_random_uuid()::text, 'L-1', 'page_view', 1, 1);\n")
        for clients in (1, 8, 64):
            command = [programs / "pgbench", "-n", "-M", "prepared", "-f", script, "-c", str(clients), "-j", "1"]
            answer = subprocess.run(
                [*command, "-T", f"{SECONDS:g}", address], capture_output=True, text=True, check=True
            ).stdout
            rates.append(float(answer.split("tps = ")[1].split()[0]))
    return f"one by one from 1 client {rates[0]:,.0f}/s, from 8 {rates[1]:,.0f}/s, from 64 {rates[2]:,.0f}/s"
