"""Make the virtual environment, once: `python3 requirements/setup_venv.py .venv train`. Only the standard library is used.

Runs on any Python 3, so that an unsuitable one gets a sentence.
"""

import hashlib
import os
import subprocess
import sys

WIDER = {"train": ["dev", "bench"], "dev": ["bench"]}  # what else holds all of it
OLDEST, NEWEST = (3, 11), (3, 13)


def main(venv, name):
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        sys.exit(
            "Ripeline needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Name another: make PYTHON=python3.12 %s"
            % (sys.executable, found[0], found[1], "train")
        )
    here = os.path.dirname(os.path.abspath(__file__))
    for done in [name, *WIDER.get(name, [])]:
        if read(os.path.join(venv, done + ".ok")) == wanted(here, done, found):
            return
    lock = os.path.join(here, name + ".lock")
    stamp = os.path.join(venv, name + ".ok")
    python = os.path.join(venv, "bin", "python")
    print("Setting up %s for Python %d.%d (%s); this is done once." % (venv, found[0], found[1], name), flush=True)
    if "version = %d.%d." % found not in read(os.path.join(venv, "pyvenv.cfg")):
        made = subprocess.call([sys.executable, "-m", "venv", "--clear", venv])
        if made:
            sys.exit("The virtual environment could not be made. On Debian: apt-get install python3-venv")
    quiet = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    if subprocess.call(quiet):
        sys.exit("The requirements could not be installed; see above. Check the network, then run make again.")
    with open(stamp, "w") as file:
        file.write(wanted(here, name, found))


def wanted(here, name, found):
    with open(os.path.join(here, name + ".lock"), "rb") as file:
        return "%d.%d %s" % (found[0], found[1], hashlib.sha256(file.read()).hexdigest())


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path) as file:
        return file.read()


if __name__ == "__main__":
    main(*sys.argv[1:3])
