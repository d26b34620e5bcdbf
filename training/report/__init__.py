"""The report for marketers: one self-contained HTML page, from the facts of a training, in English or German."""

from features.dataset.data_report import DataReport
from training.common.config import Config
from training.data.prepare import Prepared
from training.evaluation.holdout import Holdout
from training.policy.handover import Handover
from training.report.facts import Findings, gather
from training.report.page import render
from training.report.words import Speaker

__all__ = ["Findings", "write_report"]


def write_report(
    config: Config, report: DataReport, prepared: Prepared, holdout: Holdout, handover: Handover, findings: Findings
) -> str:
    """The page as text, in the language that the configuration asks for."""
    language = config.report.language
    return render(gather(config, report, prepared, holdout, handover, findings, language), Speaker(language))
