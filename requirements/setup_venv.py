"""Make the virtual environment, once: `python3 requirements/setup_venv.py .venv train`. Only the standard library is used.

Runs on any Python 3, so that an unsuitable one gets a sentence.
"""

import hashlib
import os
import subprocess
import sys

OLDEST, NEWEST = (3, 11), (3, 13)


def main(venv, name):
    found = sys.version_info[:2]
    if not OLDEST <= found <= NEWEST:
        sys.exit(
            "Ripeline needs Python 3.11, 3.12 or 3.13; %s is %d.%d. Name another: make PYTHON=python3.12 %s"
            % (sys.executable, found[0], found[1], "train")
        )
    here = os.path.dirname(os.path.abspath(__file__))
    lock = os.path.join(here, name + ".lock")
    with open(lock, "rb") as file:
        wanted = "%d.%d %s" % (found[0], found[1], hashlib.sha256(file.read()).hexdigest())
    stamp = os.path.join(venv, name + ".ok")
    if os.path.exists(stamp):
        with open(stamp) as file:
            if file.read() == wanted:
                return
    python = os.path.join(venv, "bin", "python")
    print("Setting up %s for Python %d.%d (%s); this is done once." % (venv, found[0], found[1], name), flush=True)
    version_file = os.path.join(venv, "pyvenv.cfg")
    same = os.path.exists(version_file) and "version = %d.%d." % found in open(version_file).read()
    if not same:
        made = subprocess.call([sys.executable, "-m", "venv", "--clear", venv])
        if made:
            sys.exit("The virtual environment could not be made. On Debian: apt-get install python3-venv")
    quiet = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", lock]
    if subprocess.call(quiet):
        sys.exit("The requirements could not be installed; see above. Check the network, then run make again.")
    with open(stamp, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    main(*sys.argv[1:3])
