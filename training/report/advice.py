"""What should we do? The advice at the head of the report."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from features.common.words import type_words
from training.evaluation.worth import NO_GROUP, OTHER_GROUP
from training.report.facts import ReportFacts
from training.report.sentences import NAMED, at_capacity, no_customers, room, worth_stage
from training.report.words import Speaker

ALL_LEADS = 100.0  # % of the leads


def advise(f: ReportFacts, s: Speaker) -> list[str]:
    """The advice a marketer can act on, most important first."""
    lines = [_who_ranks(f, s), _where_the_line_is(f, s)]
    lines += [line for line in (_rule_to_lower(f, s), _budget(f, s), _next_step(f, s), _segment_to_watch(f, s)) if line]
    return lines


def _who_ranks(f: ReportFacts, s: Speaker) -> str:
    row = at_capacity(f)
    if not f.held_customers:
        return no_customers(f, s)
    if f.learned_worse:
        low, mean, high = (s.number(x, 3) for x in (f.learned_worse.low, f.learned_worse.mean, f.learned_worse.high))
        return s.pick(
            "Keep the rules: what was learned besides is worse than they are on held-out leads (log loss higher"
            f" by {mean}, 90 % interval {low} to {high}). What is called the model here is their points as probabilities.",
            "Bleiben Sie bei den Regeln: Was sonst gelernt wurde, ist auf zurückgehaltenen Leads schlechter "
            f"(Log-Loss um {mean} höher, 90-%-Intervall {low} bis {high}). Was hier Modell heißt, sind ihre Punkte als "
            "Wahrscheinlichkeiten.",
        )
    if f.capacity >= ALL_LEADS:
        return s.pick(
            "Sales can take more leads than come: call them all, the highest first. The ranking saves time, not customers.",
            "Der Vertrieb kann mehr Leads nehmen, als kommen: Rufen Sie alle an, die obersten zuerst. Die Ordnung spart Zeit, "
            "keine Kunden.",
        )
    model, rules = s.percent(row["model"]), s.percent(row["rules"])
    capacity_phrase = room(f, s)
    if f.caught.low > 0:
        return s.pick(
            f"Let the model rank what sales gets: {capacity_phrase} it meets {model} of the later {s.stages(f.final)}, "
            f"the rules {rules}.",
            f"Lassen Sie das Modell ordnen, was der Vertrieb bekommt: {capacity_phrase} trifft es {model} der späteren "
            f"{s.stages(f.final)}, die Regeln {rules}.",
        )
    if f.caught.high < 0:
        return s.pick(
            f"Keep the rules for now: {capacity_phrase} they meet {rules} of the later {s.stages(f.final)}, the model {model}.",
            f"Bleiben Sie vorerst bei den Regeln: {capacity_phrase} treffen sie {rules} der späteren {s.stages(f.final)}, das "
            f"Modell {model}.",
        )
    return s.pick(
        f"Either will do for ranking: {capacity_phrase} model ({model}) and rules ({rules}) cannot be told apart on these "
        "leads; the model adds probabilities that can be relied on.",
        f"Zum Ordnen taugen beide: {capacity_phrase} sind Modell ({model}) und Regeln ({rules}) auf diesen Leads nicht zu "
        "unterscheiden; "
        "das Modell nennt dazu verlässliche Wahrscheinlichkeiten.",
    )


def line_in_words(f: ReportFacts, s: Speaker, stage: str) -> str:
    """A line of the policy in its units."""
    line = f.policy.lines[stage]
    if f.policy.money:
        return s.pick("an expected value of ", "einem Erwartungswert von ") + s.money(line, f.policy.currency)
    return s.pick("a chance of ", "einer Chance von ") + s.percent(line, 1)


def _where_the_line_is(f: ReportFacts, s: Speaker) -> str:
    stage = f.policy.stage
    text = s.pick(
        f"Hand a lead over as {s.stage(stage)} from {line_in_words(f, s, stage)}, even at the low end of its interval",
        f"Übergeben Sie einen Lead als {s.stage(stage)} ab {line_in_words(f, s, stage)}, auch am unteren Ende seines "
        "Intervalls",
    )
    for lower_stage in f.policy.lines:
        if f.policy.lines[lower_stage] < f.policy.line:
            text += s.pick(
                f"; nurture it as {s.stage(lower_stage)} from {line_in_words(f, s, lower_stage)}",
                f"; pflegen Sie ihn als {s.stage(lower_stage)} ab {line_in_words(f, s, lower_stage)}",
            )
    if f.cut is None or stage == f.final:  # without dates nobody knows silence, and a customer is not taken back
        return text + "."
    days = s.number(f.policy.quiet_days)
    return text + s.pick(
        f"; take it back from sales after {days} days of silence.", f"; nehmen Sie ihn nach {days} Tagen Stille zurück."
    )


def _rule_to_lower(f: ReportFacts, s: Speaker) -> str | None:
    overrated = [lead for lead in f.disagreements if lead["kind"] == "rules"]
    label_counts = Counter(line["label"] for lead in overrated for line in lead["lines"] if line["points"] > 0)
    if len(overrated) < NAMED or not label_counts:
        return None
    label, count = label_counts.most_common(1)[0]
    converted = sum(bool(lead["became"]) for lead in overrated)
    return s.pick(
        f"Look at the points for “{label}”: {count} of the {len(overrated)} leads that the rules overrate most got them, "
        "and "
        f"{converted} of these {len(overrated)} became {s.stages(f.final)}. Try a change with `make compare`.",
        f"Sehen Sie sich die Punkte für „{label}“ an: {count} der {len(overrated)} am meisten überschätzten Leads haben "
        "sie, und "
        f"{converted} dieser {len(overrated)} wurden {s.stages(f.final)}. Prüfen Sie eine Änderung mit `make compare`.",
    )


def _sources(f: ReportFacts, stage: str, grouping: str) -> pd.DataFrame:
    rows = f.worth[(f.worth["lead_stage"] == stage) & (f.worth["by"] == grouping)]
    return rows[~rows["group"].isin([OTHER_GROUP, NO_GROUP])]


def _budget(f: ReportFacts, s: Speaker) -> str | None:
    stage = worth_stage(f)
    rows = _sources(f, stage, "source") if stage else f.worth.iloc[:0]
    if len(rows) < 2:
        return None
    best, worst = (rows.iloc[i].to_dict() for i in (0, -1))
    if best["low"] <= worst["high"]:
        return None
    unit, name = f.policy.currency, s.stage(stage or "")
    return s.pick(
        f"Shift budget towards “{best['group']}”: an {name} from there was worth {s.money(best['worth'], unit)}, "
        f"from “{worst['group']}” {s.money(worst['worth'], unit)}; the intervals do not overlap.",
        f"Verschieben Sie Budget zu „{best['group']}“: Ein {name} von dort war {s.money(best['worth'], unit)} wert, "
        f"von „{worst['group']}“ {s.money(worst['worth'], unit)}; die Intervalle überlappen nicht.",
    )


def _next_step(f: ReportFacts, s: Speaker) -> str | None:
    if not f.steps.steps:
        return None
    best = max(f.steps.steps, key=lambda step: step.gap_low)
    target = f.stages[f.stages.index(best.lead_stage) + 1]
    step_name, days = type_words(best.type, s.language), s.number(f.horizons[target])
    counts = (s.number(best.leads), s.percent(best.progressed), s.number(best.others), s.percent(best.others_progressed))
    return s.pick(
        f"Nurture with what has gone before progress: {step_name}. Of {counts[0]} {s.stages(best.lead_stage)} that did so "
        "for the "
        f"first time {counts[1]} became {s.stages(target)} within {days} days; of {counts[2]} scored alike that did "
        "not, "
        f"{counts[3]}. An association, not a promise.",
        f"Pflegen Sie mit dem, was dem Weiterkommen vorausging: {step_name}. Von {counts[0]} {s.stages(best.lead_stage)}, "
        "die das "
        f"erstmals taten, wurden {counts[1]} in {days} Tagen {s.stages(target)}; von {counts[2]} gleich bewerteten "
        "ohne das "
        f"{counts[3]}. Ein Zusammenhang, kein Versprechen.",
    )


def _segment_to_watch(f: ReportFacts, s: Speaker) -> str | None:
    losing = f.segments[f.segments["high"] < 0]
    if not len(losing):
        return None
    names = ", ".join(f"{s.words[str(kind)]} {segment}" for kind, segment in losing[["kind", "segment"]].head(NAMED).to_numpy())
    return s.pick(
        f"Keep an eye on {names}: there the rules meet more.", f"Achten Sie auf {names}: Dort treffen die Regeln mehr."
    )
