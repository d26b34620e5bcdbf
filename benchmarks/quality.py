"""Train the real data sets and compare the model with rules, baselines and peers on the same held-out rows.

`make bench-quality [DATA=folder]` writes docs/benchmarks/quality.md and quality.png. MLflow runs go to a scratch store.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.peers.crossed import BLOCKS
from benchmarks.peers.measure import Question, measure
from benchmarks.peers.picture import plot_forest
from benchmarks.peers.report import in_words, markdown, matrix, numbers
from training.common.config import Config

ROOT = Path(__file__).resolve().parent.parent
TASKS = ("olist", "x-education", "bank", "bpic2012")
OUT = ROOT / "docs" / "benchmarks" / "quality.md"
LIBRARIES = ("scikit-learn", "lightgbm", "flaml", "xgboost")

ABOUT = f"""\
Log loss / ROC AUC on the newest matured landmarks (a fifth of those for the final lead stage), later in time and of other
accounts. All sources see the same rows and were fitted as it could be known at the cut, on the same landmarks of the same
accounts. Bold: lowest log loss. `better`, `tied`, `worse`: the model against that source, `better` and `worse` where the 90
% interval of the paired difference lies on one side of 0.

- **rules**: the points in `benchmarks/real/rules`, calibrated on the same history.
- **logistic**, **lightgbm-default**: scikit-learn's and LightGBM's defaults on the model's features, per transition,
  chained over the funnel as the model is. So are the peers below unless said otherwise.
- **odoo**: Odoo's predictive lead scoring, its counting and arithmetic written anew from its rules
  (`benchmarks/peers/odoo.py`). It knows categories only: here the attributes with few levels (categories, job function,
  seniority, yes or no; rare or new values are one value); no numbers, dates or interactions. **odoo+stage** has its
  lead-stage variable too, as of the landmark; where a funnel has one lead stage to leave, it says nothing and the two are
  equal. bpic2012 has no such attribute, so there Odoo knows the lead stage at most. **one table** is Odoo's own way over a
  longer funnel: one count table per target instead of a chain, each lead counted once, with the lead stage of its last
  landmark. There is one sales team, so nothing is pooled, and no attribute with several values (tags).
- **naive Bayes**: scikit-learn's `CategoricalNB` on all features: categories as they are, numbers cut into five bins of
  equal size, missing being a bin.
- **calibrated**: with the model's own choice of calibrators, learned on what the peer says of later rows of other accounts;
  the lowest loss decides.
- **histogram boosting**: scikit-learn's `HistGradientBoostingClassifier`, defaults with early stopping.
- **FLAML**: its defaults for as many seconds as the model's own fit took (`fit`), in equal parts per transition; **in
  time**: told to judge its learners on later rows rather than on rows at random. It stops by the clock, so another run or
  machine gives another result.

Intervals are from a crossed bootstrap: accounts and weeks are drawn with replacement apart from each other, and a landmark
counts as often as its account times as often as its week was drawn (Owen 2007, doi:10.1214/07-AOAS122; Owen and Eckles
2012, doi:10.1214/12-AOAS547). That is cautious: its variance is up to three times too large where neither matters, so
`tied` says little and `better` much. Over accounts alone (below) it is the usual bootstrap, which takes weeks for
exchangeable. With few weeks either is rough. Data without dates have {BLOCKS} blocks of neighbours in the order of time
instead of weeks. No interval is corrected for the number of comparisons."""


def run(data: Path, tasks: list[str]) -> tuple[list[Question], dict[str, float]]:
    """Questions of every task whose folder is there, and the seconds of each task's whole training."""
    from training.train import train

    questions: list[Question] = []
    seconds: dict[str, float] = {}
    for task in tasks:
        folder = data / task
        if not folder.is_dir():
            print(f"{task}: skipped, there is no folder {folder}. benchmarks/real/{task}.yaml says where the data can be had.")
            continue
        config = Config.read(ROOT / "benchmarks" / "real" / f"{task}.yaml")
        print(f"\n{task}")
        began = time.perf_counter()
        outcome = train(config, folder=folder)
        seconds[task] = time.perf_counter() - began
        questions += measure(task, outcome, config.seed)
    return questions, seconds


def page(questions: list[Question], table: list[list[str]], picture: str) -> str:
    """The page of documentation."""
    made = f"{time.strftime('%Y-%m-%d')} ({platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        "# Quality on real data",
        "",
        f"Written by `make bench-quality` on {made}, {', '.join(f'{name} {_version(name)}' for name in LIBRARIES)}).",
        "",
        ABOUT,
        "",
        f"![Log loss of the model minus that of each peer]({picture})",
        "",
        *in_words(questions),
        "",
        *markdown(table),
        "",
        "<details><summary>The picture in numbers</summary>",
        "",
        *markdown(numbers(questions)),
        "",
        "</details>",
        "",
    ]
    return "\n".join(lines)


def _version(name: str) -> str:
    """The version of a library; XGBoost has two names."""
    try:
        return version(name)
    except ModuleNotFoundError:
        return version(f"{name}-cpu")


def show(questions: list[Question]) -> None:
    """Print log loss, ROC AUC and the verdict, a block per question."""
    shown = Table(
        "question", "source", "log loss", "ROC AUC", "the model is", title="Held-out, later in time and of other accounts"
    )
    for q in questions:
        for place, (name, line) in enumerate(q.lines.items()):
            auc = line.metrics.get("roc_auc")
            cells = [f"{line.metrics['log_loss']:.4f}", "–" if auc is None else f"{auc:.3f}"]
            verdict = line.against.verdict if line.against else ""
            shown.add_row("" if place else q.title, name, *cells, verdict, end_section=place == len(q.lines) - 1)
    Console(width=150).print(shown)


def main() -> None:
    """Run, print and write the table and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with one folder per task")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS))
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args()
    data, out = given.data.resolve(), given.out.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
        os.chdir(scratch)
        questions, seconds = run(data, given.tasks)
        os.chdir(ROOT)
    if not questions:
        raise SystemExit(f"No task could be run: {data} holds none of {', '.join(given.tasks)}.")
    table = matrix(questions, seconds)
    show(questions)
    out.parent.mkdir(parents=True, exist_ok=True)
    picture = out.with_suffix(".png")
    plot_forest([q for q in questions if q.whole], picture)
    out.write_text(page(questions, table, picture.name), encoding="utf-8")
    print(f"Written to {out} and {picture}.")


if __name__ == "__main__":
    main()
