"""Where packages come from: uv is told what pip is told."""

from __future__ import annotations

import pytest
from installation import mirror

from tests.requirements.project import Project, set_up


def for_uv(project: Project) -> tuple[dict[str, str], list[str]]:
    return mirror.for_uv(project.venv, project.folder)


def test_uv_is_told_what_pip_is_told_and_not_as_an_argument(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@mirror.test/simple")
    project.uv()
    set_up(project)
    variables = (project.fake / "variables").read_text().splitlines()
    assert {f"{name}=https://me:secret@mirror.test/simple" for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL")} <= set(variables)
    assert "secret" not in (project.fake / "calls").read_text()
    assert not any("secret" in line for line in lines)


def test_files_of_pip_are_read_as_pip_does(project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = project.folder / "company.pem"
    certificates.touch()
    files = {
        project.folder / "xdg" / "pip" / "pip.conf": "[global]\nindex-url = https://machine.test/simple\ntimeout = 90\n",
        project.folder / "home" / ".config" / "pip" / "pip.conf": (
            f"[global]\nindex-url = https://mine.test/simple\nproxy = http://proxy.test:8080\ncert = {certificates}\n"
            "extra-index-url =\n    https://one.test/simple\n    https://two.test/simple\nfind-links = /wheels\n    /more\n"
            "[install]\nTRUSTED_HOST = mine.test\nno-index = true\n"
        ),
    }
    for file, text in files.items():
        file.parent.mkdir(parents=True)
        file.write_text(text)
    assert for_uv(project) == ({}, [])  # /dev/null is the only one of them
    monkeypatch.delenv("PIP_CONFIG_FILE")
    variables, options = for_uv(project)
    assert variables == {
        "ALL_PROXY": "http://proxy.test:8080",
        "SSL_CERT_FILE": str(certificates),
        "UV_DEFAULT_INDEX": "https://mine.test/simple",
        "UV_EXTRA_INDEX_URL": "https://one.test/simple https://two.test/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_HTTP_TIMEOUT": "90",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INDEX_URL": "https://mine.test/simple",
        "UV_INSECURE_HOST": "mine.test",
    }
    assert options == ["--no-index"]
    monkeypatch.setenv("PIP_INDEX_URL", "https://now.test/simple")
    assert for_uv(project)[0]["UV_INDEX_URL"] == "https://now.test/simple"


@pytest.mark.parametrize("by_file", [False, True])
def test_what_uv_is_told_itself_goes_before_pip(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch, by_file: bool
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.test/simple")
    monkeypatch.setenv("PIP_TIMEOUT", "90")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "7")
    if by_file:
        (project.folder / "uv.toml").write_text('[[index]]\nurl = "https://uv.test/simple"\n')
    else:
        monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.test/simple")
    assert for_uv(project) == ({}, [])


def test_a_file_of_pip_that_is_broken_is_for_pip_to_complain_of(
    project: Project, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = project.folder / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(file))
    for content in (b"index-url = https://mirror.test\n", b"\xff\xfe\x00"):
        file.write_bytes(content)
        assert "UV_INDEX_URL" not in for_uv(project)[0]
