"""From a configuration to a validated dataset."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from connectors.crm.settings import CrmSource
from connectors.files.settings import FilesSource
from connectors.simulator.settings import SimulatorSettings, SimulatorSource
from features.common.clock import moment
from features.common.errors import ConfigError, DataError
from features.dataset import erasures
from features.dataset.data_report import DataReport
from features.dataset.dataset import META, Dataset
from features.dataset.erasures import remove_lead
from features.dataset.moments import check_extraction
from features.dataset.persons import screen_dataset
from features.dataset.validate import validate
from features.partitions.frames import whole_dataset
from features.partitions.manifest import is_partitioned
from features.partitions.storage import Storage
from training.common.config import Config
from training.data.sources import crm_folder, read_combined

Progress = Callable[[str, int, int], None]


def load(config: Config, *, folder: Path | None = None, progress: Progress | None = None) -> tuple[Dataset, DataReport]:
    """Read or make the dataset that the configuration names, and validate it. `folder` replaces that of a files source.

    Raises
    ------
    DataError, ConfigError
        if something is wrong that cannot be put right here; see `features.dataset.validate`.
    """
    funnel = config.funnel.build()
    dataset, source_report = read_source(config, folder=folder, progress=progress)
    for lead_id in erased_leads(dataset, source_report):
        dataset = remove_lead(dataset, lead_id)[0]
    dataset, report = validate(dataset, funnel)
    return dataset, source_report.merge(report)


def read_source(
    config: Config, *, folder: Path | None = None, progress: Progress | None = None, interactions: Path | None = None
) -> tuple[Dataset, DataReport]:
    """The dataset as it was read or made, and what reading it has found. With `interactions` those of files are not in it but
    in this Parquet file, whatever their number."""
    if config.sources:
        if folder is not None:
            raise ConfigError("FOLDER= replaces the folder of one source; the configuration has several.", "Leave it out.")
        dataset, report = read_combined(config, lambda part: read_source(part, progress=progress))
        return dataset, report.merge(clock_report(dataset))
    if config.dataset is not None:
        storage = Storage.from_path(config.path(config.dataset))
        if is_partitioned(storage):
            dataset, report = whole_dataset(storage), DataReport()
        else:
            dataset, report = screen_dataset(Dataset.read(config.path(config.dataset)))
        return dataset, report.merge(clock_report(dataset))
    if isinstance(config.source, FilesSource):
        source = config.source if folder is None else config.source.model_copy(update={"folder": str(folder.resolve())})
        from connectors.files.load import load_files

        return load_files(source, config.funnel.build(), config.path(Path()), interactions)
    if isinstance(config.source, CrmSource):
        dataset = Dataset.read(imported_folder(config))
        return dataset, clock_report(dataset)
    assert isinstance(config.source, SimulatorSource)  # noqa: S101  there is no fourth kind
    from connectors.simulator.simulate import simulate

    settings = SimulatorSettings(leads=config.source.leads, days=config.source.days, seed=config.source.seed)
    return screen_dataset(simulate(settings, progress).dataset)  # as any source: its notes are free text


def clock_report(dataset: Dataset) -> DataReport:
    """What is to be said of a dataset whose extraction lies after the clock."""
    report = DataReport()
    if dataset.time == "dates":
        check_extraction(moment(dataset.extracted_at), moment(pd.Timestamp.now(tz="UTC")), report)
    return report


def erased_leads(dataset: Dataset, report: DataReport) -> set[str]:
    """Those whom `make erase` removed and a source brought back; the report is told how many they are."""
    lead_ids = erasures.erased_ids(dataset.leads["lead_id"].astype("str").tolist())
    report.note("leads", "leads that were erased", len(lead_ids), done="left out with all they did")
    return lead_ids


def imported_folder(config: Config) -> Path:
    """The dataset that the last import of the configured CRM wrote.

    Raises
    ------
    DataError
        if there was none.
    """
    assert isinstance(config.source, CrmSource)  # noqa: S101
    from connectors.crm.sync import DATASET

    folder = crm_folder(config) / DATASET
    if not (folder / META).is_file():
        raise DataError(f"There is no imported dataset {folder} yet.", f"Run `make import CRM={config.source.kind}` first.")
    return folder
