"""The page of documentation: what was done, what it comes to, and the table of all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.pairs.judge import Record
from benchmarks.pairs.sources import MODEL
from benchmarks.pairs.table import Question, against, peers_of, questions, totals

ABOUT = """\
A pair is a task at an origin. The data are cut to what was known on that day: later leads, interactions and outcomes do not
exist, and whoever converted afterwards is open. A training runs on them as it would have run then, and the model it would
have registered is asked through the code that serves.
It is judged by the landmarks up to the next origin, whose outcome the full data tell. Of a lead known
before, only landmarks after the origin are judged. Files whose outcomes have no day are cut in the order of rows (or of the
days leads came): there every outcome before the origin is known. Worlds of leadforge are judged on other accounts than
those learned from.

Every source sees the same landmarks and learns from all whose outcome was known at the origin.

- **rules**: the points of `benchmarks/real/rules`, as the registered model calibrates them.
- Peers see the attributes as they came (`benchmarks/pairs/raw.py`): categories with all their levels, numbers, days since
  dates that lie before the landmark;
  beside them the model's features of the history, the lead stage and the points. They do without the model's encoders,
  so what those lose shows. Over several lead stages they are fitted per transition and chained as the model is.
- **logistic**: an indicator per level, numbers scaled, scikit-learn's defaults.
- **LightGBM regularised**: learning rate .03, 15 leaves, 40 rows a leaf, L2 10, its own treatment of categories; the newest
  fifth says when to stop, then it is fitted to all rows with so many trees. **blend**: half of each of these two in log-odds.
- **LightGBM defaults**: a hundred trees. **CatBoost**: its defaults and its own statistics of categories, stopped as above.
  **histogram boosting**: scikit-learn's, stopped early. **EBM**: InterpretML's explainable boosting machine, 4 bags, 10 pairs.
- **FLAML**: its defaults, told that rows are in order of time, for as many seconds as the model's fit at its cut took. It
  stops by the clock, so another run gives another result.
- **Odoo**: its predictive lead scoring, written anew from its rules, on the categories (and the lead stage); **calibrated**
  with the model's choice of calibrators. **naive Bayes**: scikit-learn's, numbers cut into five bins.

`better`, `worse`: the 90 % interval of the paired difference of log loss lies on one side of 0. Intervals are from a crossed
bootstrap: accounts and weeks are drawn with replacement apart from each other (Owen 2007, doi:10.1214/07-AOAS122; Owen and
Eckles 2012, doi:10.1214/12-AOAS547); data without dates have 20 blocks of neighbours instead of weeks. It errs on the side of
caution, and no interval is corrected for the number of comparisons: one pair in twenty is worse by chance alone.
Regret: by how much of it the model's log loss lies above that of the best other source, chosen afterwards.
Coverage: leads scored alike are grouped; the rate of a group must lie in the 90 % interval widened by what chance does, where
accounts hang together; being wrong as a whole is no excuse (`training/evaluation/coverage.py`).

hillstrom is a randomised mailing to customers, made for uplift. Here it is asked whom a shop would see again, the arm being an
attribute. Its rows are in no order of time, so its pairs say what the model does where nothing drifts. Purchases are too few
there to tell sources apart."""

IDEAS = """\
## Judging an idea

`python -m benchmarks.pairs.learn --prepare` keeps the examples of every transition of every pair, as known at the origin, and
the later landmarks. `python -m benchmarks.pairs.learn present mine:idea` then fits nothing but the learning, in one process:
`idea` is a function that takes a case (`benchmarks/pairs/cases.py`) and gives what has a `probability`. It prints how often the
idea is better, tied or worse than `present` beyond doubt, by how much on average, and what is left without any one task."""


def page(records: Sequence[Record], about_run: str, picture: str) -> str:
    """The page; there must be a question."""
    judged = questions(records)
    lines = [
        "# Quality over tasks and origins",
        "",
        about_run,
        "",
        *in_words(judged),
        "",
        f"![Log loss of the model against each peer's, pair by pair]({picture})",
        "",
        *markdown(wins(judged)),
        "",
        "## How it is judged",
        "",
        ABOUT,
        "",
        IDEAS,
        "",
        "## All pairs",
        "",
        "Log loss; bold: the lowest; `+` and `−`: the model is better or worse than that source beyond doubt.",
        "",
        *markdown(all_pairs(judged)),
        "",
        *[f"- {r['task']}/{r['origin']}: no training. {' '.join(r['refused'].split())}" for r in records if "refused" in r],
    ]
    return "\n".join(lines).rstrip() + "\n"


def in_words(judged: Sequence[Question]) -> list[str]:
    """What the pairs come to, a sentence each."""
    t = totals(judged)
    worst = max(judged, key=lambda q: q.regret)
    pairs = len({(q.task, q.origin) for q in judged})
    first = (
        f"- {t['pairs']:.0f} questions of {pairs} pairs. Against the best other source of each, chosen afterwards, the model "
        f"is lowest or tied on {t['lowest_or_tied']:.0%} (lowest on {t['lowest']:.0%}). Mean regret {t['mean_regret']:+.2%} "
        f"(counting 0 where it is below: {t['mean_regret_above_0']:.2%}), worst {t['worst_regret']:+.2%} "
        f"({worst.title}, {worst.best_peer})."
    )
    second = (
        f"- Calibration error at most .01 above its chance level on {t['calibrated']:.0f} of the {t['calm']:.0f} where the "
        f"base rate moved by less than a fifth; slope from .85 to 1.15 on {t['slopes_right']:.0%} (median "
        f"{t['slope_median']:.2f}); 90 % intervals hold in {t['covered']:.0%} of {t['groups']:.0f} groups."
    )
    return [first, second]


def wins(judged: Sequence[Question]) -> list[list[str]]:
    """Header and a row per peer."""
    head = ["the model against", "questions", "better", "tied", "worse", "lower on", "mean difference"]
    return [head, *([r[0], *(str(v) for v in r[1:5]), f"{r[5]:.0%}", f"{r[6]:+.1%}"] for r in against(judged))]


def all_pairs(judged: Sequence[Question]) -> list[list[str]]:
    """Header and a row per question."""
    names = peers_of(judged)
    head = ["pair", "rows", "base rate before → after", "calibration error (chance)", "slope", "coverage", MODEL, *names]
    return [head, *(_row(q, names) for q in judged)]


def _row(q: Question, names: Sequence[str]) -> list[str]:
    before, m, c = q.record["base_rate_before"], q.metrics, q.record["coverage"]
    rates = f"{'–' if before is None else f'{before:.1%}'} → {q.record['base_rate']:.1%}"
    held = "–" if not c["groups"] else f"{c['inside'] * c['groups']:.0f} of {c['groups']}"
    error = f"{m['calibration_error']:.4f} ({m['calibration_chance']:.4f})"
    cells = [_cell(q, name) for name in (MODEL, *names)]
    return [q.title, f"{q.record['rows']:,}", rates, error, f"{m['calibration_slope']:.2f}", held, *cells]


def _cell(q: Question, name: str) -> str:
    if name not in q.loss:
        return "–"
    text = f"**{q.loss[name]:.4f}**" if name == q.lowest else f"{q.loss[name]:.4f}"
    sign: Mapping[str, str] = {"better": " +", "worse": " −"}
    return text if name == MODEL else text + sign.get(q.verdict(name), "")


def markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table whose first row is the header."""
    head, *body = rows
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in body)]
