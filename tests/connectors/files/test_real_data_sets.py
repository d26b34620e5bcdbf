"""The real data sets load by their YAML alone, with the sizes their description gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.files.load import load_files
from connectors.files.settings import FilesSource
from features.dataset.funnel import Funnel
from features.dataset.validate import validate

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "benchmarks" / "real"  # relative folders start there
DATA = ROOT.parent / "shared" / "data"
NAMES = ("bpic2012", "olist", "x-education", "bank", "saas-offer", "saas-won", "saas-deal", "smart", "learning", "hillstrom")
PREPARED = ("loan", "leadforge")  # by the benchmark, which writes files that the mapping can read
DATED = ("bpic2012", "olist", "learning")
KNOWN: dict[str, dict[str, int]] = {
    "bpic2012": {"lead": 10_469, "mql": 5_879, "sql": 3_980, "customer": 1_601, "left": 8_025},
    "olist": {"mql": 6_366, "customer": 475, "left": 0},
    "x-education": {"lead": 7_392, "customer": 2_877, "left": 4_515},
    "bank": {"lead": 32_950, "customer": 2_100, "left": 30_850},
    "saas-offer": {"lead": 35_177, "sql": 3_081, "left": 32_096},
    "saas-won": {"lead": 35_177, "customer": 1_577, "left": 33_600},
    "saas-deal": {"sql": 4_484, "customer": 2_518, "left": 1_966},
    "smart": {"lead": 31_328, "customer": 1_667, "left": 29_661},
    "learning": {"lead": 27_864, "customer": 2_118, "left": 0},
    "hillstrom": {"lead": 38_161, "customer": 5_593, "left": 32_568},
}
OUTCOMES = {
    "business_segment",
    "y",
    "Converted",
    "Offer",
    "Won",
    "Status",
    "buy",
    "visit",
    "conversion",
    "spend",
    "Discarded/Nurturing Reason",
    "date_purchased",
}  # never attributes; what leaks by its meaning is the audit's business


def config(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((CONFIGS / f"{name}.yaml").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("name", [*NAMES, *PREPARED])
def test_the_yaml_is_a_valid_mapping_and_funnel(name: str) -> None:
    whole = config(name)
    assert {"name", "source", "funnel", "sales", "landmarks"} <= set(whole)
    assert FilesSource.model_validate(whole["source"]).kind == "files"
    assert Funnel(**{k: tuple(v) if isinstance(v, list) else v for k, v in whole["funnel"].items()}).horizons


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data sets are not at ../shared/data")
@pytest.mark.parametrize("name", NAMES)
def test_it_loads_whole_with_the_known_sizes_and_without_outcomes(name: str) -> None:
    whole = config(name)
    funnel = Funnel(**{k: tuple(v) if isinstance(v, list) else v for k, v in whole["funnel"].items()})
    dataset, loaded = load_files(FilesSource.model_validate(whole["source"]), funnel, CONFIGS)
    dataset, report = validate(dataset, funnel)
    assert report.stages == KNOWN[name]
    assert dataset.time == ("dates" if name in DATED else "row_order")
    assert not OUTCOMES & set(dataset.leads.columns)
    assert not [note for note in loaded.merge(report).notes if note.level == "warning"]
