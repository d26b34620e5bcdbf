"""Make the virtual environment, once: `python3 requirements/setup_venv.py .venv train`. Only the standard library is used.

Runs on any Python 3, so that an unsuitable one gets a sentence. What it calls needs a suitable one.
"""

import os
import signal
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main(venv, name):
    version = sys.version_info[:2]
    if not OLDEST <= version <= NEWEST:
        sys.exit(
            "Ripeline needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Name another: make PYTHON=python3.12 %s"
            % (sys.executable, version[0], version[1], "train")
        )
    for number in (signal.SIGHUP, signal.SIGTERM):  # who is ended takes its installer along, as at Ctrl-C
        signal.signal(number, signal.default_int_handler)
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # PYTHONSAFEPATH leaves it out
    from installation.environment import set_up

    set_up(venv, name)


if __name__ == "__main__":
    main(*sys.argv[1:3])
