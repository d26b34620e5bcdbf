"""What every chart and section says, in sentences: the facts, spoken."""

from __future__ import annotations

import pandas as pd

from training.policy.backtest import HISTORICAL, MODEL, Backtest, Tally
from training.report.facts import ReportFacts
from training.report.words import Speaker

MUCH_DRIFT = 0.25
SOME_DRIFT = 0.1
NAMED = 3


def at_capacity(f: ReportFacts) -> dict[str, float]:
    """The row of the capacity curve that is nearest to the capacity."""
    row = f.curves.iloc[int((f.curves["percent"] - f.capacity).abs().argmin())]
    return {name: float(row[name]) for name in ("percent", "model", "rules", "chance")}


def room(f: ReportFacts, s: Speaker) -> str:
    """What sales can take, as part of a sentence."""
    if f.capacity_per_week:
        return s.pick(
            f"at {s.number(f.capacity_per_week)} leads a week ({s.percent(f.capacity / 100)} of those that come)",
            f"bei {s.number(f.capacity_per_week)} Leads je Woche ({s.percent(f.capacity / 100)} der eingehenden)",
        )
    return s.pick(
        f"at the {s.percent(f.capacity / 100)} ranked highest", f"bei den {s.percent(f.capacity / 100)} an der Spitze"
    )


def worth_stage(f: ReportFacts) -> str | None:
    """The lead stage whose worth is told: the last before the hand-over that has one."""
    valued_stages = list(dict.fromkeys(f.worth["lead_stage"]))
    earlier_stages = [stage for stage in f.stages[: f.stages.index(f.policy.stage)] if stage in valued_stages]
    return earlier_stages[-1] if earlier_stages else (valued_stages[0] if valued_stages else None)


def no_customers(f: ReportFacts, s: Speaker) -> str:
    """What to say where there is nobody to be met."""
    return s.pick(
        f"Nobody among the held-out leads became a {s.stage(f.final)} in time, so it cannot be said who would have "
        "met more; "
        "look at the earlier lead stages in MLflow, or wait for more data.",
        f"Keiner der zurückgehaltenen Leads wurde rechtzeitig {s.stage(f.final)}; wer mehr getroffen hätte, lässt "
        "sich daher "
        "nicht sagen. Sehen Sie in MLflow nach den früheren Lead-Stufen, oder warten Sie auf mehr Daten.",
    )


def more_customers(f: ReportFacts, s: Speaker) -> str:
    """The answer to "how many more", with its interval."""
    if not f.held_customers:
        return no_customers(f, s)
    c, stages = f.caught, s.stages(f.final)
    low, mean, high = (s.number(100 * x, 1) for x in (c.low, c.mean, c.high))
    ranked = s.pick(
        f"Ranked by the model instead of the rules, sales meets {room(f, s)} {mean} percentage points more of all "
        "later "
        f"{stages} (90 % interval {low} to {high})",
        f"Nach Modell statt nach Regeln geordnet trifft der Vertrieb {room(f, s)} {mean} Prozentpunkte mehr aller "
        "späteren "
        f"{stages} (90-%-Intervall {low} bis {high})",
    )
    if not f.customers_per_year:
        return ranked + "."
    low, mean, high = (s.number(f.customers_per_year * x) for x in (c.low, c.mean, c.high))
    return ranked + s.pick(
        f". With {s.number(f.customers_per_year)} {stages} a year that is {mean} more a year ({low} to {high}).",
        f". Bei {s.number(f.customers_per_year)} {stages} im Jahr sind das {mean} mehr im Jahr ({low} bis {high}).",
    )


def caught_chart(f: ReportFacts, s: Speaker) -> str:
    """How to read the capacity curve, at the capacity."""
    row = at_capacity(f)
    return s.pick(
        f"The further a curve bends up and to the left, the fewer calls per customer: at {s.number(row['percent'])} % "
        "of the leads the "
        f"model meets {s.percent(row['model'])} of the later {s.stages(f.final)}, the rules "
        f"{s.percent(row['rules'])}, chance {s.percent(row['chance'])}.",
        "Je weiter eine Kurve sich nach links oben wölbt, desto weniger Anrufe je Kunde: bei "
        f"{s.percent(row['percent'] / 100)} der Leads trifft das "
        f"Modell {s.percent(row['model'])} der späteren {s.stages(f.final)}, die Regeln {s.percent(row['rules'])}, "
        f"der Zufall {s.percent(row['chance'])}.",
    )


def handover(f: ReportFacts, s: Speaker) -> list[str]:
    """What the policy would have done on history."""
    if f.backtest is None:
        return [_without_weeks(f, s)]
    return [_backtest_result(f, s, f.backtest), _timing_errors(f, s, f.backtest)]


def _without_weeks(f: ReportFacts, s: Speaker) -> str:
    """Why nothing could be tried on history, and where the line lies then."""
    why = (
        s.pick(
            "The data have no dates of outcomes, so there are no weeks to look back on",
            "Die Daten nennen keine Tage der Ergebnisse, also gibt es keine Wochen zum Zurückblicken",
        )
        if f.cut is None
        else s.pick(
            "There are too few weeks whose outcome is known to test a hand-over policy on history",
            "Es gibt zu wenige Wochen mit bekanntem Ausgang, um eine Übergabe an der Geschichte zu prüfen",
        )
    )
    if f.capacity_per_week:
        return why + s.pick(
            f"; the line lies where no more than {s.percent(f.capacity / 100, 1)} of the held-out leads reach it, as many as "
            f"sales takes of those that come ({s.number(f.capacity_per_week)} a week).",
            f"; die Linie liegt so, dass nicht mehr als {s.percent(f.capacity / 100, 1)} der zurückgehaltenen Leads sie "
            f"erreichen, so viele, wie der Vertrieb von den eingehenden nimmt ({s.number(f.capacity_per_week)} je Woche).",
        )
    line = s.pick(
        "; the line is the cost of a contact, or twice the base rate.",
        "; die Linie ist, was ein Kontakt kostet, oder das Doppelte der Grundrate.",
    )
    if not f.unused_capacity:
        return why + line
    return f"{why}{line} " + s.pick(
        f"Your capacity of {s.number(f.unused_capacity)} leads a week is not used: nobody knows how many come in a week. "
        "`sales: {leads_per_week: …}` in the configuration says it.",
        f"Ihre Kapazität von {s.number(f.unused_capacity)} Leads je Woche bleibt ungenutzt: Niemand weiß, wie viele in einer "
        "Woche kommen. `sales: {leads_per_week: …}` in der Konfiguration sagt es.",
    )


def _backtest_result(f: ReportFacts, s: Speaker, backtest: Backtest) -> str:
    model, rules = backtest.tally(MODEL), backtest.best_rules
    name = way_name(rules.name, s)
    return s.pick(
        f"Tried on {s.weeks(backtest.weeks)} of held-out leads, with lines chosen in the {s.weeks(backtest.selection_weeks)} "
        "before: "
        f"by the model {_tally_text(f, s, model)}; by the {name} {_tally_text(f, s, rules)}.",
        f"Erprobt an {s.weeks(backtest.weeks)} zurückgehaltener Leads, mit Linien aus "
        f"{s.weeks(backtest.selection_weeks)} davor: "
        f"nach dem Modell {_tally_text(f, s, model)}; nach {name} {_tally_text(f, s, rules)}.",
    )


def _timing_errors(f: ReportFacts, s: Speaker, backtest: Backtest) -> str:
    model, rules = backtest.tally(MODEL), backtest.best_rules
    early_counts = [s.number(n) for n in (model.early_contacts, model.contacts, rules.early_contacts, rules.contacts)]
    late_counts = [s.number(n) for n in (model.late_customers, rules.late_customers, backtest.sales_customers)]
    costs = [s.money(amount, f.policy.currency) for amount in (model.early_cost, rules.early_cost)] if backtest.money else []
    lost = (
        [s.money(amount, f.policy.currency) for amount in (model.missed_revenue, rules.missed_revenue)]
        if backtest.money
        else []
    )
    wasted = s.pick(f", at a cost of {' and '.join(costs)}", f", für {' und '.join(costs)}") if costs else ""
    missed = s.pick(f", worth {' and '.join(lost)}", f", {' und '.join(lost)} wert") if lost else ""
    return s.pick(
        f"Too early is a lead handed over that did not reach {s.stage(f.policy.stage)} in time: {early_counts[0]} of "
        f"{early_counts[1]} by the model, {early_counts[2]} of {early_counts[3]} by the rules{wasted}. "
        f"Too late is a {s.stage(f.final)} whom sales found in these weeks before it was handed over: "
        f"{late_counts[0]} by the model and {late_counts[1]} by the rules of {late_counts[2]}{missed}. "
        "What sales did with a lead is part of what became of it, so leads it never called may be worth more than "
        "history shows.",
        f"Zu früh ist ein übergebener Lead, der {s.stage(f.policy.stage)} nicht rechtzeitig erreichte: {early_counts[0]} von "
        f"{early_counts[1]} beim Modell, {early_counts[2]} von {early_counts[3]} bei den Regeln{wasted}. "
        f"Zu spät ist ein {s.stage(f.final)}, den der Vertrieb in diesen Wochen vor der Übergabe selbst fand: "
        f"{late_counts[0]} beim Modell und {late_counts[1]} bei den Regeln von {late_counts[2]}{missed}. "
        "Was der Vertrieb mit einem Lead tat, gehört zu dem, was aus ihm wurde; nie angerufene Leads können also mehr "
        "wert sein, als die Geschichte zeigt.",
    )


def _tally_text(f: ReportFacts, s: Speaker, t: Tally) -> str:
    counts = s.pick(
        f"{s.number(t.contacts)} contacts, {s.number(t.customers)} {s.stages(f.final)}",
        f"{s.number(t.contacts)} Kontakte, {s.number(t.customers)} {s.stages(f.final)}",
    )
    if f.backtest is None or not f.backtest.money:
        return counts
    return f"{counts}, {s.money(t.profit, f.policy.currency)} {s.words['profit']}"


def way_name(name: str, s: Speaker) -> str:
    """The name of a way of handing over."""
    return s.words.get(name, name)


def as_it_was_note(f: ReportFacts, s: Speaker) -> str:
    """Why the row of what was done cannot be compared in every column."""
    return s.pick(
        f"“{way_name(HISTORICAL, s)}”: the leads that came to sales in fact. They became {s.stages(f.final)} also because "
        "sales worked them.",
        f"„{way_name(HISTORICAL, s)}“: die Leads, die wirklich zum Vertrieb kamen. Sie wurden auch deshalb "
        f"{s.stages(f.final)}, weil er sie bearbeitete.",
    )


def bands(f: ReportFacts, s: Speaker) -> str:
    """What the fields off the diagonal became."""
    table = f.migration
    if table["rule_band"].nunique() < 2:
        return s.pick(
            "The rules give almost every lead the same points, so they cannot rank. Each field shows the share that "
            "became "
            f"{s.stages(f.final)} and how many there were.",
            "Die Regeln geben fast allen Leads gleich viele Punkte und können daher nicht ordnen. Jedes Feld zeigt "
            "den Anteil, "
            f"der {s.stages(f.final)} wurde, und die Anzahl.",
        )
    higher_rows = table[(table["score_band"] == 5) & (table["rule_band"] <= 2)]
    lower_rows = table[(table["score_band"] <= 2) & (table["rule_band"] == 5)]

    def summary(rows: pd.DataFrame) -> tuple[str, str]:
        count = int(rows["leads"].sum())
        rate = float((rows["leads"] * rows["came"]).sum() / count) if count else 0.0
        return s.number(count), s.percent(rate, 1)

    (n_up, r_up), (n_down, r_down) = summary(higher_rows), summary(lower_rows)
    return s.pick(
        f"In the model's top fifth but the rules' lower two: {n_up} looks, {r_up} became {s.stages(f.final)}. In the "
        "rules' top fifth but the "
        f"model's lower two: {n_down} looks, {r_down} did. Each field shows that share and how many there were.",
        f"Im obersten Fünftel des Modells, aber den unteren zwei der Regeln: {n_up} Blicke, {r_up} wurden "
        f"{s.stages(f.final)}. Im obersten Fünftel der "
        f"Regeln, aber den unteren zwei des Modells: {n_down} Blicke, {r_down}. Jedes Feld zeigt diesen Anteil und "
        "die Anzahl.",
    )


def calibration(f: ReportFacts, s: Speaker) -> str:
    """By how much probabilities are off."""
    if f.final not in f.results["model"]:
        return s.pick(
            "Too few held-out leads to say how far probabilities are off.",
            "Zu wenige zurückgehaltene Leads, um zu sagen, wie weit Wahrscheinlichkeiten danebenliegen.",
        )
    model, rules = f.results["model"][f.final], f.results["rules"][f.final]
    top = f.calibration[f.calibration["by"] == "model"].iloc[-1]
    return s.pick(
        f"Of leads to which the model gives about {s.percent(top['said'])}, {s.percent(top['came'])} became "
        f"{s.stages(f.final)}. On average it is off by "
        f"{s.number(100 * model['calibration_error'], 1)} percentage points, the rules turned into probabilities by "
        f"{s.number(100 * rules['calibration_error'], 1)}; chance alone would make it "
        f"{s.number(100 * model['calibration_chance'], 1)}. On the dashed line, what is said comes true.",
        f"Von Leads, denen das Modell etwa {s.percent(top['said'])} gibt, wurden {s.percent(top['came'])} "
        f"{s.stages(f.final)}. Im Mittel liegt es um "
        f"{s.number(100 * model['calibration_error'], 1)} Prozentpunkte daneben, die in Wahrscheinlichkeiten "
        "übersetzten Regeln um "
        f"{s.number(100 * rules['calibration_error'], 1)}; der Zufall allein brächte "
        f"{s.number(100 * model['calibration_chance'], 1)}. Auf der gestrichelten Linie trifft ein, was gesagt wird.",
    )


def segments(f: ReportFacts, s: Speaker) -> str:
    """In how many segments the model meets more, and in which most."""
    if not len(f.segments):
        return s.pick(
            f"No segment has enough later {s.stages(f.final)} to tell.",
            f"Kein Segment hat genug spätere {s.stages(f.final)} für eine Aussage.",
        )
    better, worse = f.segments[f.segments["low"] > 0], f.segments[f.segments["high"] < 0]
    best_segment = f.segments.iloc[int(f.segments["gain"].argmax())]
    return s.pick(
        f"The model meets more {s.stages(f.final)} than the rules beyond doubt in {len(better)} of {len(f.segments)} "
        f"segments, fewer in {len(worse)}; most in {s.words[best_segment['kind']]} {best_segment['segment']} "
        f"({s.percent(best_segment['gain'], 0, sign=True)} of its {s.stages(f.final)}).",
        f"In {len(better)} von {len(f.segments)} Segmenten trifft das Modell zweifelsfrei mehr {s.stages(f.final)} "
        f"als die Regeln, in {len(worse)} weniger; am meisten in {s.words[best_segment['kind']]} {best_segment['segment']} "
        f"({s.percent(best_segment['gain'], 0, sign=True)} seiner {s.stages(f.final)}).",
    )


def time_in_stage(f: ReportFacts, s: Speaker, stage: str) -> str:
    """What became of the leads of a lead stage, and how soon."""
    table = f.time_in_stage[(f.time_in_stage["lead_stage"] == stage) & (f.time_in_stage["cohort"] == "all")]
    horizon = f.horizons[f.stages[f.stages.index(stage) + 1]]
    row = table.iloc[(table["days"] - horizon).abs().argmin()]
    remaining = max(0.0, 1 - row["progressed"] - row["left"])
    half = max(1.0, float(table[table["progressed"] >= row["progressed"] / 2]["days"].min()))
    return s.pick(
        f"Of {s.number(row['leads'])} leads that entered {s.stage(stage)}, {s.percent(row['progressed'])} had "
        f"progressed after {s.number(horizon)} days, "
        f"{s.percent(row['left'])} had left and {s.percent(remaining)} were still there; half of those who progressed did "
        f"so within {s.number(half)} {'day' if half < 1.5 else 'days'}.",
        f"Von {s.number(row['leads'])} Leads, die {s.stage(stage)} wurden, waren nach {s.number(horizon)} Tagen "
        f"{s.percent(row['progressed'])} weitergekommen, "
        f"{s.percent(row['left'])} ausgeschieden und {s.percent(remaining)} noch da; die Hälfte der Weitergekommenen "
        f"brauchte höchstens {s.number(half)} {'Tag' if half < 1.5 else 'Tage'}.",
    )


def worth(f: ReportFacts, s: Speaker, stage: str) -> str:
    """What a lead of this lead stage was worth."""
    rows = f.worth[(f.worth["lead_stage"] == stage) & (f.worth["by"] == "all")]
    row, unit = rows.iloc[0], f.policy.currency
    return s.pick(
        f"One {s.stage(stage)} was worth {s.money(row['worth'], unit)} on average (90 % interval "
        f"{s.money(row['low'], unit)} to {s.money(row['high'], unit)}): "
        f"{s.number(row['customers'])} of {s.number(row['leads'])} became {s.stages(f.final)} in time.",
        f"Ein {s.stage(stage)} war im Mittel {s.money(row['worth'], unit)} wert (90-%-Intervall "
        f"{s.money(row['low'], unit)} bis {s.money(row['high'], unit)}): "
        f"{s.number(row['customers'])} von {s.number(row['leads'])} wurden rechtzeitig {s.stages(f.final)}.",
    )


def drivers(f: ReportFacts, s: Speaker, target: str) -> str:
    """What moves the score towards a lead stage most."""
    labels = f.drivers[f.drivers["target"] == target]["label"].head(NAMED).tolist()
    return s.pick(
        f"Towards {s.stage(target)} the score moves most with: {'; '.join(labels)}. These go together with "
        "converting; they need not cause it.",
        f"Auf dem Weg zu {s.stage(target)} bewegen den Score am meisten: {'; '.join(labels)}. Das geht mit dem "
        "Weiterkommen einher, muss es aber nicht bewirken.",
    )


def disagreements(f: ReportFacts, s: Speaker, kind: str) -> str:
    """What became of the leads that the rules rank too low (kind model) or too high (kind rules)."""
    rows = [lead for lead in f.disagreements if lead["kind"] == kind]
    became = sum(bool(lead["became"]) for lead in rows)
    if kind == "model":
        return s.pick(
            f"Of the {len(rows)} leads that the rules underrate most, {became} became {s.stages(f.final)}.",
            f"Von den {len(rows)} Leads, die die Regeln am meisten unterschätzen, wurden {became} {s.stages(f.final)}.",
        )
    return s.pick(
        f"Of the {len(rows)} leads that the rules overrate most, {became} became {s.stages(f.final)}.",
        f"Von den {len(rows)} Leads, die die Regeln am meisten überschätzen, wurden {became} {s.stages(f.final)}.",
    )


def next_steps(f: ReportFacts, s: Speaker) -> str:
    """What the table of next steps means."""
    if not f.steps.steps:
        return s.pick(
            "No content step could be tied to progress beyond doubt, or the data hold none that marketing can offer; "
            "name some under `nurturing: steps:`.",
            "Kein Inhaltsschritt ließ sich zweifelsfrei mit dem Weiterkommen verbinden, oder die Daten haben keinen, "
            "den das Marketing anbieten kann; nennen Sie welche unter `nurturing: steps:`.",
        )
    return s.pick(
        "Leads that took a step for the first time, against leads scored alike that had not: an association with its "
        "counts, never a promise.",
        "Leads, die einen Schritt erstmals taten, gegen gleich bewertete ohne ihn: ein Zusammenhang mit seinen "
        "Zahlen, nie ein Versprechen.",
    )


def data(f: ReportFacts, s: Speaker) -> list[str]:
    """Data leakage and drift."""
    blocked = ", ".join(f.blocked_columns) or s.pick("none", "keine")
    drifted_rows = f.drift[f.drift["psi"] >= SOME_DRIFT]
    strong_drift = f.drift[f.drift["psi"] >= MUCH_DRIFT]
    lines = [
        s.pick(
            f"Columns that know the outcome and were left out: {blocked}.",
            f"Spalten, die den Ausgang kennen und weggelassen wurden: {blocked}.",
        )
    ]
    if len(drifted_rows):
        names = "; ".join(drifted_rows["label"].head(NAMED))
        lines.append(s.pick(
            f"Of the strongest features {len(drifted_rows)} have shifted since the data that were learned from (much: "
            f"{len(strong_drift)}): {names}.",
            f"Von den stärksten Merkmalen haben sich {len(drifted_rows)} seit den Lerndaten verschoben (stark: "
            f"{len(strong_drift)}): {names}.",
        ))  # fmt: skip
    else:
        lines.append(
            s.pick("None of the strongest features has shifted.", "Keines der stärksten Merkmale hat sich verschoben.")
        )
    return lines
