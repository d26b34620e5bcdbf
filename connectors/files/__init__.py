"""Any CSV, CSV.gz or Parquet files, mapped to a dataset by YAML (`docs/data.md` shows how)."""
