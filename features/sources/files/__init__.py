"""Any CSV, CSV.gz or Parquet files, mapped to a dataset by YAML (`docs/data.md` shows how)."""

from features.sources.files.load import load_files
from features.sources.files.settings import FilesSource

__all__ = ["FilesSource", "load_files"]
