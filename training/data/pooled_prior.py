"""The pooled prior as an artefact: a JSON file that one can read, and its way into the columns of a business."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from features.common.errors import ConfigError
from features.common.files import whole_file
from models.common.pooled_prior import Pooled
from training.common.config import Config

SCHEMA = 1
MISSING = "missing: "  # before the name of a column: its indicator of a missing value


@dataclass(frozen=True)
class ColumnPrior:
    """A column as other businesses know it: its scale, the coefficient per deviation (`toward`), how far it may be off against
    other columns (`spread`), and how many businesses say so."""

    log: bool
    mean: float
    deviation: float
    missing: float
    toward: float
    spread: float
    clients: int


@dataclass(frozen=True)
class TransitionPrior:
    """What is known of one transition: by how many businesses, their base rate in log-odds and its doubt, and their columns."""

    clients: int
    base: float
    base_deviation: float
    columns: Mapping[str, ColumnPrior]


@dataclass(frozen=True)
class Prior:
    """What a pool tells one business: aggregates of the others, by target. Names neither leads nor businesses."""

    pool: str
    targets: Mapping[str, TransitionPrior] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The file: JSON, sorted."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def write(self, path: Path) -> Path:
        """Write the file, whole or not at all."""
        with whole_file(path) as partial:
            partial.write_text(self.text, encoding="utf-8")
        return path

    @classmethod
    def read(cls, path: Path) -> Prior:
        """The way back from `write`.

        Raises
        ------
        ConfigError
            if the file is missing, no JSON, or of another shape.
        """
        try:
            saved: Any = json.loads(path.read_text(encoding="utf-8"))
            if saved["schema"] != SCHEMA:
                raise ValueError(f"schema {saved['schema']}, known is {SCHEMA}")  # noqa: TRY301
            targets = {
                target: TransitionPrior(
                    **{**transition, "columns": {name: ColumnPrior(**column) for name, column in transition["columns"].items()}}
                )
                for target, transition in saved["targets"].items()
            }
            return cls(saved["pool"], targets)
        except OSError as error:
            raise ConfigError(f"The pooled prior {path} cannot be read: {error.strerror}.", _ANEW) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"The pooled prior {path} is damaged: {error}.", _ANEW) from error

    def for_columns(self, target: str, names: Sequence[str]) -> Pooled | None:
        """What is known of the columns `names` for a target; None where nothing is."""
        transition_prior = self.targets.get(target)
        column_priors = [transition_prior.columns.get(name) if transition_prior else None for name in names]
        if transition_prior is None or not any(column_priors):
            return None
        missing_priors = [
            transition_prior.columns.get(MISSING + name) if column else None
            for name, column in zip(names, column_priors, strict=True)
        ]

        def numbers(priors: Sequence[ColumnPrior | None], key: str, otherwise: float) -> Any:
            return np.array([getattr(column, key) if column else otherwise for column in priors])

        return Pooled(
            shared=np.array([column is not None for column in column_priors]),
            log_scale=numbers(column_priors, "log", 0.0).astype(bool),
            mean=numbers(column_priors, "mean", 0.0),
            deviation=numbers(column_priors, "deviation", 1.0),
            missing=numbers(column_priors, "missing", 0.0),
            toward=numbers(column_priors, "toward", 0.0),
            spread=numbers(column_priors, "spread", 1.0),
            missing_toward=numbers(missing_priors, "toward", 0.0),
            missing_spread=numbers(missing_priors, "spread", 1.0),
            base=transition_prior.base,
            base_deviation=transition_prior.base_deviation,
        )


_ANEW = "Run `make train-all` with all configurations of the pool again, or take `pool:` out."


def prior_file(config: Config) -> Path:
    """Where the prior that the pool of a configuration tells it lies."""
    return config.path(Path("artefacts") / "pools" / str(config.pool) / f"{config.name}.json")


def prior_of(config: Config) -> Prior | None:
    """What the pool of a configuration tells it; None where it names none, or nobody has learned one yet.

    Raises
    ------
    ConfigError
        if the file is damaged.
    """
    if config.pool is None or not prior_file(config).is_file():
        return None
    return Prior.read(prior_file(config))
