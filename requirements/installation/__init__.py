"""Setting up the virtual environment. `setup_venv.py` calls it."""
