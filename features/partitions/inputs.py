"""What is partitioned: tables with a row a lead, read whole, and interactions as files that are streamed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.parquet as pq

from features.common.files import sha256
from features.dataset.data_report import DataReport
from features.dataset.dataset import Dataset, read_meta, to_arrow
from features.dataset.erasures import remove_lead
from features.dataset.tables import INTERACTIONS, empty
from features.partitions.reading import Groups, InteractionSource


@dataclass(frozen=True)
class Raw:
    """A dataset before it is validated: `lean` has every table but interactions, which are `rows`.

    `digest` changes with the content.
    """

    lean: Dataset
    rows: InteractionSource
    digest: str
    report: DataReport = field(default_factory=DataReport)

    @classmethod
    def of_folder(cls, folder: Path) -> Raw:
        """The tables of a dataset folder; its checksums are checked."""
        meta = read_meta(folder)
        path = folder / f"{INTERACTIONS.name}.parquet"
        rows = InteractionSource((Groups.from_file(path),)) if path.is_file() else InteractionSource()
        marks = [meta["without_history"]] if meta.get("without_history") else []
        digest = hashlib.sha256(json.dumps([meta["checksums"], meta["extracted_at"], *marks]).encode()).hexdigest()
        return cls(Dataset.read(folder, skip=(INTERACTIONS.name,)), rows, digest)

    @classmethod
    def of_dataset(cls, dataset: Dataset, file: Path, report: DataReport | None = None) -> Raw:
        """A dataset whose interactions are in a Parquet file, or, where it has any itself, are written to it."""
        if len(dataset.interactions):
            pq.write_table(to_arrow(dataset.interactions), file, compression="lz4")
        lean = replace(dataset, interactions=empty(INTERACTIONS.name))
        rows = InteractionSource((Groups.from_file(file),)) if file.is_file() else InteractionSource()
        digest = hashlib.sha256(json.dumps([lean.digest, sha256(file) if rows else ""]).encode()).hexdigest()
        return cls(lean, rows, digest, report or DataReport())

    def moved(self, location: str) -> Raw:
        """The same, its one file of interactions lying at this path or URL."""
        (file,) = self.rows.files
        return replace(self, rows=replace(self.rows, files=(replace(file, path=location),)))

    def without(self, lead_ids: Collection[str]) -> Raw:
        """Without these leads and all they did."""
        if not lead_ids:
            return self
        left_out = tuple(sorted(lead_ids))
        lean = self.lean
        for lead_id in left_out:
            lean = remove_lead(lean, lead_id)[0]
        digest = hashlib.sha256(json.dumps([self.digest, left_out]).encode()).hexdigest()
        return replace(self, lean=lean, rows=replace(self.rows, left_out=left_out), digest=digest)
