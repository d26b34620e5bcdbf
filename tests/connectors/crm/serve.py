"""`python -m tests.connectors.crm.serve KIND LEADS`: a stand-in in a process of its own, for benchmarks; prints its address."""

from __future__ import annotations

import sys
import time

from tests.connectors.crm.crms import CRMS
from tests.connectors.crm.server import serving
from tests.connectors.crm.world import world


def main(kind: str, leads: int) -> None:
    fake = CRMS[kind].filled(world(leads))
    fake.keep = False
    if kind == "salesforce":
        from tests.connectors.crm.writing import deploy

        deploy(fake)
    with serving(fake) as url:
        print(url, flush=True)
        while True:
            time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
