"""The work list that the served page shows: every open lead scored in batch, and each lead as a request would send it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.common.clock import moment, timestamps
from features.common.files import whole_folder
from features.dataset.dataset import Dataset
from features.dataset.landmarks import Landmarks, open_leads
from features.dataset.landmarks import Path as FunnelPath
from features.engine.histories import Histories
from models.batch import score_open
from models.model import FunnelModel
from models.store import load as load_model
from training.common.config import Config
from training.common.progress import Steps, terminal
from training.data.load import load
from training.jobs.score import champion

FORMAT = 1  # as `serving.scoring.work_list` reads it
ROWS, LEADS = "work_list.json", "leads.jsonl"
SHOWN_ATTRIBUTES = ("source", "country")
NOT_SENT = ("lead_id", "created_at", "company_id", "opted_out")


def write(config_path: Path, target: Path, *, folder: Path | None = None, model_folder: Path | None = None) -> Path:
    """Write the folder, whole or not at all; nothing is done where it is of this model and these data already.

    Raises
    ------
    RipelineError
        for a missing model or data that cannot be read.
    """
    config = Config.read(config_path)
    console = terminal()
    with Steps(console).running() as steps:
        with steps.phase("Reading the data"):
            dataset = load(config, folder=folder)[0]
        model = load_model(model_folder) if model_folder else champion(config.name)
        stamp = {"name": model.name, "version": model.version, "digest": dataset.digest}
        if _is_current(target, stamp):
            console.print(f"The work list {target} is up to date.", highlight=False)
            return target
        scores = score_open(model, dataset, dataset.extracted_at, steps.step("Scoring open leads"))
        advance = steps.step("Writing the work list")
        with whole_folder(target) as partial:
            _write(model, dataset, scores, stamp, partial, advance)
    console.print(f"{len(scores):,} open leads in the work list {target}.", highlight=False)
    return target


def _is_current(folder: Path, stamp: dict[str, str]) -> bool:
    try:
        content = json.loads((folder / ROWS).read_text(encoding="utf-8"))
        return bool(content["format"] == FORMAT and content["model"] == stamp)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(
    model: FunnelModel, dataset: Dataset, scores: pd.DataFrame, stamp: dict[str, str], target: Path, advance: Any
) -> None:
    sent = requests(model, dataset, scores["lead_id"].tolist())
    places: dict[str, tuple[int, int]] = {}
    company: dict[str, list[str]] = {}
    offset = 0
    with (target / LEADS).open("wb") as file:
        for number, lead in enumerate(sent):
            line = json.dumps(lead, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            file.write(line)
            places[lead["lead_id"]] = (offset, len(line))
            offset += len(line)
            if lead["company"]:
                company.setdefault(lead["company"]["company_id"], []).append(lead["lead_id"])
            if number % 500 == 0:
                advance(number, len(scores))
    advance(len(scores), len(scores))
    content = {
        "format": FORMAT,
        "as_of": dataset.extracted_at.isoformat(),
        "model": stamp,
        "bytes": offset,
        "rows": _rows(model, dataset, scores),
        "places": places,
        "colleagues": {name: group for group in company.values() if len(group) > 1 for name in group},
    }
    (target / ROWS).write_text(
        json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")), encoding="utf-8"
    )


def _rows(model: FunnelModel, dataset: Dataset, scores: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per lead, the best first: sure hand-overs, then those whose interval straddles the line, for when sales has room
    left, then the others; each by what they are worth, else by P(final)."""
    if not len(scores):
        return []
    final = model.funnel.final
    rank_column = "expected_value" if scores["expected_value"].notna().any() else f"p_{final}"
    straddling = (scores["action"] == "hold") | (scores["status"] == "uncertain")
    tier = np.where(straddling, 1, np.where(scores["action"] == "hand_over", 0, 2))
    order = np.lexsort((-scores[rank_column].to_numpy(np.float64, na_value=-np.inf), tier))
    names = {"chance": f"p_{final}", "low": f"low_{final}", "high": f"high_{final}", "rules_chance": f"rules_{final}"}
    table = scores.iloc[order].reset_index(drop=True)
    lead_table = dataset.leads.set_index("lead_id").reindex(table["lead_id"])
    work_table = pd.DataFrame({
        "rank": np.arange(1, len(table) + 1),
        **{name: table[name] for name in ("lead_id", "lead_stage", "score", "grade")},
        **{name: table[column].round(6) for name, column in names.items()},
        "expected_value": table["expected_value"].round(2),
        "points": table["points"].round(2),
        **{name: table[name] for name in ("action", "recommended_lead_stage", "status", "why", "reasons", "next_steps")},
        **{name: lead_table[name].astype("object").to_numpy() for name in SHOWN_ATTRIBUTES if name in lead_table},
    })  # fmt: skip
    plain = work_table.astype("object").where(work_table.notna(), None)
    return [{str(k): _plain(v) for k, v in row.items()} for row in plain.to_dict("records")]


def requests(model: FunnelModel, dataset: Dataset, lead_ids: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Each of the `lead_ids` leads, and everybody who shares a company with one, as a request sends it, as of the extraction.

    Colleagues that are closed or opted out are told as such, so that they count as colleagues and are not scored.
    """
    histories = Histories.from_dataset(dataset, model.feature_set.types, model.feature_set.mail)
    ids = histories.leads["lead_id"].to_numpy(object)
    requested_rows = np.isin(ids.astype(str), np.array(list(lead_ids), str))
    account = histories.account
    rows = np.flatnonzero(np.isin(account, np.unique(account[requested_rows])))
    as_of = moment(dataset.extracted_at)
    path = FunnelPath.from_tables(histories.leads, dataset.lead_stages, model.funnel)
    stages = _stages(model, path, open_leads(path, as_of), len(ids), as_of)
    read_interactions = _interaction_reader(dataset, histories)
    leads = histories.leads.drop(columns=[c for c in NOT_SENT if c in histories.leads and c != "created_at"])
    companies = [_clean(row) for row in histories.companies.to_dict("records")]
    opted_out = histories.leads["opted_out"].fillna(False).to_numpy(bool)
    for row, attributes in zip(rows.tolist(), leads.iloc[rows].to_dict("records"), strict=True):
        created = attributes.pop("created_at")
        if created > dataset.extracted_at:
            continue
        stage, stage_since = stages[row]
        company_index = int(histories.company_row[row])
        company = companies[company_index] if company_index >= 0 else None
        company_id = histories.leads["company_id"].iloc[row]
        if company is None and not pd.isna(company_id):
            company = {"company_id": str(company_id)}
        yield {
            "lead_id": str(ids[row]),
            "lead_stage": stage,
            "created_at": created.isoformat(),
            **({"lead_stage_since": stage_since} if stage_since else {}),
            "attributes": {**_clean(attributes), **({"opted_out": True} if opted_out[row] else {})},
            "company": company,
            "interactions": read_interactions(row),
        }


def _stages(model: FunnelModel, path: FunnelPath, looks: Landmarks, leads: int, as_of: int) -> list[tuple[str, str | None]]:
    """The lead stage of every lead and since when; for those that are not open the final one or an exit."""
    final = path.reached[:, -1] <= as_of
    exit_stage = model.funnel.exits[0] if model.funnel.exits else model.funnel.final
    stages: list[tuple[str, str | None]] = [(model.funnel.final if final[i] else exit_stage, None) for i in range(leads)]
    entry_times = timestamps(looks.entered)
    for lead, stage, entered in zip(looks.lead.tolist(), looks.stage.tolist(), entry_times, strict=True):
        stages[lead] = (model.funnel.stages[stage], entered.isoformat())
    return stages


def _interaction_reader(dataset: Dataset, histories: Histories) -> Any:
    """A function from a lead's row to its interactions, oldest first, as a request sends them."""
    known_interactions = dataset.interactions[dataset.interactions["at"] < dataset.extracted_at]
    lead = pd.Index(histories.leads["lead_id"]).get_indexer(pd.Index(known_interactions["lead_id"].astype("str")))
    order = np.lexsort((known_interactions["at"].to_numpy(), lead))
    start = np.searchsorted(lead[order], np.arange(len(histories) + 1))
    times = known_interactions["at"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").to_numpy(object)[order]
    columns = {
        name: known_interactions[name].astype("object").to_numpy(object)[order]
        for name in ("type", "value", "content", "direction")
    }

    def interactions_of(row: int) -> list[dict[str, Any]]:
        return [
            {"at": times[i], **{name: _plain(column[i]) for name, column in columns.items() if not _missing(column[i])}}
            for i in range(int(start[row]), int(start[row + 1]))
        ]

    return interactions_of


def _missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _plain(value: Any) -> Any:
    """A value as JSON has it; moments as ISO 8601."""
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value


def _clean(row: dict[Any, Any]) -> dict[str, Any]:
    """What is known of a row."""
    return {str(key): _plain(value) for key, value in row.items() if not _missing(value)}
