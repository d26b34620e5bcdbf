"""The table: every source on every question, and how sure the differences are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from benchmarks.peers.measure import MODEL, Line, Question
from training.evaluation.gate import Difference


def matrix(questions: Sequence[Question], whole_run: Mapping[str, float]) -> list[list[str]]:
    """Header, then what each question is, then a row per source: log loss / ROC AUC and the model's verdict against it.

    `whole_run`: seconds of the whole training per task. The last column counts verdicts over the questions of all lead stages.
    """
    about = [q.lines[MODEL].metrics for q in questions]
    rows = [
        ["", *(q.title for q in questions), "better / tied / worse"],
        ["landmarks", *(f"{m['rows']:.0f}" for m in about), ""],
        ["base rate", *(f"{m['base_rate']:.1%}" for m in about), ""],
        ["accounts, weeks", *(f"{q.accounts}, {q.weeks}" for q in questions), ""],
        ["fit, whole run", *(f"{q.lines[MODEL].seconds:.1f} s, {whole_run[q.task]:.0f} s" for q in questions), ""],
    ]
    names = dict.fromkeys(name for q in sorted(questions, key=lambda q: -len(q.lines)) for name in q.lines)
    return rows + [[name, *(_cell(q, name) for q in questions), _count(questions, name)] for name in names]


def _cell(question: Question, name: str) -> str:
    line = question.lines.get(name)
    if line is None:
        return "–"
    auc = line.metrics.get("roc_auc")
    text = f"{line.metrics['log_loss']:.4f} / {'–' if auc is None else f'{auc:.3f}'}"
    text = f"**{text}**" if name == question.best else text
    return f"{text} {line.against.verdict}" if line.against else text


def _count(questions: Sequence[Question], name: str) -> str:
    found = Counter(line.against.verdict for q in questions if q.whole and (line := q.lines.get(name)) and line.against)
    return " / ".join(str(found[verdict]) for verdict in ("better", "tied", "worse")) if found else ""


def in_words(questions: Sequence[Question]) -> list[str]:
    """Per question of all lead stages: who has the lowest log loss, and whom the model does not match."""
    said = []
    for q in (q for q in questions if q.whole):
        ahead = [name for name, line in q.lines.items() if line.against and line.against.verdict == "worse"]
        best = q.lines[q.best]
        first = (
            "the model has the lowest log loss"
            if q.best == MODEL
            else f"{q.best} has the lowest log loss, the model's is {best.against.mean:.4f} higher ({_interval(best.against)})"
            if best.against
            else ""
        )
        last = f"beaten beyond doubt by {', '.join(ahead)}" if ahead else "no peer beats it beyond doubt"
        said.append(f"- {q.title}: {first}; {last}.")
    return said


def numbers(questions: Sequence[Question]) -> list[list[str]]:
    """The picture in numbers: header, then a row per question and peer."""
    rows = [
        ["question", "peer", "model − peer", "over accounts and weeks", "verdict", "over accounts alone", "verdict ",
         "calibration error (by chance)", "fit"]
    ]  # fmt: skip
    for q in questions:
        rows += [_numbers(q, name, line) for name, line in q.lines.items()]
    return rows


def _numbers(question: Question, name: str, line: Line) -> list[str]:
    seconds = "" if line.seconds is None else f"{line.seconds:.1f} s"
    error = f"{line.metrics['calibration_error']:.4f} ({line.metrics['calibration_chance']:.4f})"
    if not line.against or not line.alone:
        return [question.title, name, "", "", "", "", "", error, seconds]
    both, alone = line.against, line.alone
    found = [f"{both.mean:+.4f}", _interval(both), both.verdict, _interval(alone), alone.verdict]
    return [question.title, name, *found, error, seconds]


def _interval(found: Difference) -> str:
    return f"{found.low:+.4f} to {found.high:+.4f}"


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table whose first row is the header."""
    head, *body = rows
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in body)]
