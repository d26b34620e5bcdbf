"""Where work is done: on this machine or on a Dask cluster, behind one small protocol
(`features.partitions.executor.Engine`)."""

from training.executors.open import opened

__all__ = ["opened"]
