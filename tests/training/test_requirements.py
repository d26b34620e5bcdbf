"""What is missing on this machine is a sentence."""

from __future__ import annotations

import sys

import pytest

from training import requirements


def test_another_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 0))
    with pytest.raises(SystemExit, match=r"Python 3\.11 to 3\.13; this is 3\.9"):
        requirements.check()


def test_a_missing_module_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "MODULES", ("no_such_module",))
    with pytest.raises(SystemExit, match=r"'no_such_module' is missing\. Run `make setup`"):
        requirements.check()
