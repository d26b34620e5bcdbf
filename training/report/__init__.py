"""The report for marketers: one self-contained HTML page, from the facts of a training, in English or German."""

from features.dataset.data_report import DataReport
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.holdout import Held
from training.policy.handover import Handover
from training.report.facts import Found, gather
from training.report.page import render
from training.report.words import Speaker

__all__ = ["Found", "write_report"]


def write_report(config: Config, report: DataReport, prepared: Prepared, held: Held, handed: Handover, found: Found) -> str:
    """The page as text, in the language that the configuration asks for."""
    language = config.report.language
    return render(gather(config, report, prepared, held, handed, found, language), Speaker(language))
