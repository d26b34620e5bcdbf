"""The page: facts → sections of sentences, charts and tables → one HTML file that needs no network.

Every chart is in the page twice: drawn already (so that it is there at once, on paper and without scripts), and as a
specification that becomes interactive when it is scrolled into view.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import vl_convert
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from features.common.words import type_words
from models.decision.next_steps import Step
from models.reasons import Reason
from training.report import charts, sentences
from training.report.advice import advise
from training.report.charts import Spec
from training.report.facts import ReportFacts
from training.report.words import Speaker

FOLDER = Path(__file__).parent
VEGA_LITE = "6.4"
WIDTH = 680  # pixels of the drawing that is there before the interactive one
LOCALES: dict[str, Literal["en-US", "de-DE"]] = {"en": "en-US", "de": "de-DE"}
MOST_NOTES = 60
MOST_STEPS = 12


@dataclass(frozen=True)
class Chart:
    """A chart with the sentence that says its point. `spec` is Vega-Lite."""

    id: str
    said: str
    spec: Spec
    sliders: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table of text; numbers are spelt already. `caption` says what it is."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Section:
    """One question of a marketer and its answer."""

    id: str
    title: str
    said: Sequence[str] = ()
    todo: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[ReportTable] = ()
    notes: Sequence[str] = field(default=())


def render(f: ReportFacts, s: Speaker) -> str:
    """The whole page as text."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=select_autoescape(["html", "j2"]), trim_blocks=True, lstrip_blocks=True
    )
    parts, slider = sections(f, s), _sliders(f, s)
    specs = {chart.id: chart.spec for section in parts for chart in section.charts}
    drawn = {name: Markup(_svg(spec, s)) for name, spec in specs.items()}  # noqa: S704  drawn by Vega, which escapes text
    return environment.get_template("report.html.j2").render(
        facts=f,
        t=s.words,
        language=s.language,
        sections=parts,
        drawn=drawn,
        head=_head(f, s),
        slider=slider,
        slider_json=Markup(_json(slider)),  # noqa: S704
        style=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),  # noqa: S704  our own file
        script=Markup((FOLDER / "report.js").read_text(encoding="utf-8")),  # noqa: S704
        vega=Markup(_vega()),  # noqa: S704  a library's own code, in which a closing tag is masked
        data=Markup(_json({"specs": specs, "locale": vl_convert.get_format_locale(LOCALES[s.language])})),  # noqa: S704
    )


def _json(content: Any) -> str:
    """JSON that can stand inside a script element."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE).replace("</script", "<\\/script")


def _svg(spec: Spec, s: Speaker) -> str:
    """The chart as SVG that scales with the page."""
    logging.getLogger("vl_convert").setLevel(logging.ERROR)
    fixed = {**spec, "width": WIDTH, "config": {**spec["config"], "font": "sans-serif"}}
    return vl_convert.vegalite_to_svg(fixed, vl_version=VEGA_LITE, format_locale=LOCALES[s.language])


def _head(f: ReportFacts, s: Speaker) -> str:
    """What the report rests on, in a sentence."""
    text = s.pick(
        f"{s.number(f.leads)} leads, {s.number(f.interactions)} interactions",
        f"{s.number(f.leads)} Leads, {s.number(f.interactions)} Interaktionen",
    )
    if f.period:
        text += s.pick(f", {f.period[0][:10]} to {f.period[1][:10]}", f", {f.period[0][:10]} bis {f.period[1][:10]}")
    basis = s.pick(
        f"Model and rules are judged on {s.number(f.held_leads)} held-out leads",
        f"Modell und Regeln werden an {s.number(f.held_leads)} zurückgehaltenen Leads beurteilt",
    )
    if f.cut:
        basis += s.pick(f", later than {f.cut} and of other accounts", f", später als {f.cut} und von anderen Firmen")
    return f"{text}. {basis}."


def _sliders(f: ReportFacts, s: Speaker) -> dict[str, Any] | None:
    """What the sliders of capacity and cost need: ranges, and the sentence they fill in."""
    if f.contacts is None or not len(f.contacts):
        return None
    money = f.policy.money
    widest = float(f.contacts["contacts"].max())
    capacity = min(f.capacity_per_week or 0.1 * widest, widest)
    worth = f.policy.deal_value or 0.0
    cost = f.policy.cost_per_contact or 0.0
    return {
        "money": money,
        "capacity": round(capacity, 1),
        "widest": max(1, round(widest)),
        "cost": cost,
        "dearest": max(2 * cost, round(worth / 4), 1),
        "currency": f.policy.currency or "",
        "locale": LOCALES[s.language],
        "curve": f.contacts.round(4).to_dict("records"),
        "sentence": s.pick(
            "At {n} contacts a week the model meets {model} {stages} a week, the rules {rules}",
            "Bei {n} Kontakten je Woche trifft das Modell {model} {stages} je Woche, die Regeln {rules}",
        ),
        "profit": s.pick(
            "; after contacts at {cost} each that is {pm} a week by the model and {pr} by the rules",
            "; nach Kontakten zu je {cost} sind das {pm} je Woche nach dem Modell und {pr} nach den Regeln",
        ),
        "best": s.pick(
            ". More than {best} contacts a week would cost more than they bring",
            ". Mehr als {best} Kontakte je Woche würden mehr kosten, als sie bringen",
        ),
        "stages": s.stages(f.final),
    }


def sections(f: ReportFacts, s: Speaker) -> list[Section]:
    """All sections, in the order a marketer asks; those without data say so or are left out."""
    t = s.words
    page_sections = [
        Section("do", t["do"], todo=advise(f, s)),
        Section("more", t["more"], said=[sentences.more_customers(f, s)], charts=[_caught(f, s)]),
        _handover(f, s),
        Section("bands", t["bands"], **_chart_or_text(sentences.bands(f, s), "migration", f.migration, charts.migration, t)),
        Section(
            "true",
            t["true"],
            **_chart_or_text(sentences.calibration(f, s), "calibration", f.calibration, charts.calibration, t),
        ),
        Section("who", t["who"], **_chart_or_text(sentences.segments(f, s), "segments", f.segments, charts.segments, t)),
        _time_in_stage(f, s),
        _worth(f, s),
        Section("drives", t["drives"], charts=[_drivers(f, s, target) for target in dict.fromkeys(f.drivers["target"])]),
        _disagreements(f, s),
        _next_steps(f, s),
        _data(f, s),
    ]
    return [section for section in page_sections if section is not None]


def _chart_or_text(sentence: str, name: str, table: pd.DataFrame, draw: Any, t: Mapping[str, str]) -> dict[str, Any]:
    """A chart with its sentence, or the sentence alone where there is nothing to draw."""
    return {"charts": [Chart(name, sentence, draw(table, t))]} if len(table) else {"said": [sentence]}


def _caught(f: ReportFacts, s: Speaker) -> Chart:
    t = dict(s.words)
    if not f.capacity_per_week:
        t["your_capacity"] = t["usual_capacity"]
    return Chart("caught", sentences.caught_chart(f, s), charts.caught(f.curves, f.capacity, t))


def _handover(f: ReportFacts, s: Speaker) -> Section:
    t, slider = s.words, _sliders(f, s)
    lines = sentences.handover(f, s)
    figures, tables = [], []
    if slider and f.contacts is not None:
        figures.append(
            Chart("profit", "", charts.profit(f.contacts, slider["capacity"], slider["cost"], f.policy, t), sliders=True)
        )
        sooner = s.pick(
            "The more contacts, the more of them are too early and the fewer customers come too late: the line decides.",
            "Je mehr Kontakte, desto mehr davon sind zu früh und desto weniger Kunden kommen zu spät: Die Linie entscheidet.",
        )
        figures.append(Chart("errors", sooner, charts.errors(f.contacts, slider["capacity"], t)))
    if f.backtest:
        tables.append(_ways_table(f, s))
    return Section("handover", t["handover"], said=lines, charts=figures, tables=tables)


def _ways_table(f: ReportFacts, s: Speaker) -> ReportTable:
    t, unit = s.words, f.policy.currency
    assert f.backtest is not None  # noqa: S101  asked before
    header = [t["way"], t["contacts"], t["per_week"], t["busiest"], s.stages(f.final)]
    header += [t["profit"]] if f.backtest.money else []
    header += [t["too_early"], t["too_late"], t["changes"]]
    rows = []
    for tally in f.backtest.tallies:
        in_fact = tally.changes is None
        row = [sentences.way_name(tally.name, s), s.number(tally.contacts), s.number(tally.per_week.mean(), 1)]
        row += [s.number(tally.per_week.max(), 1), s.number(tally.customers)]
        row += [s.money(tally.profit, unit)] if f.backtest.money else []
        row += (
            ["–", "–", "–"]
            if in_fact
            else [s.number(tally.early_contacts), s.number(tally.late_customers), s.number(tally.changes or 0)]
        )
        rows.append(row)
    return ReportTable(t["handover"], header, rows, sentences.as_it_was_note(f, s))


def _time_in_stage(f: ReportFacts, s: Speaker) -> Section | None:
    figures, tables = [], []
    for i, stage in enumerate(dict.fromkeys(f.time_in_stage["lead_stage"])):
        curves = f.time_in_stage[f.time_in_stage["lead_stage"] == stage]
        figures.append(Chart(f"stays-{i}", sentences.time_in_stage(f, s, stage), charts.time_in_stage(curves, s.words)))
        tables.append(_fates_table(f, s, stage, curves))
    return Section("long", s.words["long"], charts=figures, tables=tables) if figures else None


def _fates_table(f: ReportFacts, s: Speaker, stage: str, curves: pd.DataFrame) -> ReportTable:
    """What became of each cohort by the horizon, or by the last day it can be watched."""
    t, horizon = s.words, f.horizons[f.stages[f.stages.index(stage) + 1]]
    rows = []
    for cohort, curve in curves.groupby("cohort", sort=False):
        final_row = curve[curve["days"] <= horizon].iloc[-1]
        remaining = max(0.0, 1 - final_row["progressed"] - final_row["left"])
        shares = [s.percent(share) for share in (final_row["progressed"], final_row["left"], remaining)]
        rows.append([t.get(str(cohort), str(cohort)), s.number(final_row["leads"]), s.number(final_row["days"]), *shares])
    header = [t["cohort"], t["leads"], t["after_days"], t["progressed"], t["left"], t["still"]]
    return ReportTable(s.stage(stage), header, rows)


def _worth(f: ReportFacts, s: Speaker) -> Section | None:
    stage = sentences.worth_stage(f)
    if stage is None:
        return None
    lines, figures = [sentences.worth(f, s, stage)], []
    for grouping, heading in (
        ("source", s.pick("By source.", "Nach Quelle.")),
        ("first_campaign", s.pick("By the first campaign a lead met.", "Nach der ersten Kampagne, die ein Lead traf.")),
        ("last_campaign", s.pick("By the last campaign before it.", "Nach der letzten Kampagne davor.")),
    ):
        rows = f.worth[(f.worth["lead_stage"] == stage) & (f.worth["by"] == grouping)]
        if len(rows) > 1:
            named = rows.assign(group=[s.words.get(g, g) for g in rows["group"]])
            best = named.iloc[0]
            top = s.pick(
                f" Most from “{best['group']}”: {s.money(best['worth'], f.policy.currency)}.",
                f" Am meisten von „{best['group']}“: {s.money(best['worth'], f.policy.currency)}.",
            )
            figures.append(Chart(f"worth-{grouping}", heading + top, charts.worth(named, f.policy.currency or "", s.words)))
    return Section("value", s.words["value"], said=lines, charts=figures)


def _drivers(f: ReportFacts, s: Speaker, target: str) -> Chart:
    index = f.stages.index(target)
    table = f.drivers[f.drivers["target"] == target]
    return Chart(f"drivers-{index}", sentences.drivers(f, s, target), charts.drivers(table, s.words))


def _disagreements(f: ReportFacts, s: Speaker) -> Section:
    t = s.words
    tables = []
    for kind, title in (("model", t["under"]), ("rules", t["over"])):
        leads = [lead for lead in f.disagreements if lead["kind"] == kind]
        names = ("lead_id", "lead_stage", "rank_model", "rank_rules", "why_model", "why_rules")
        header = [*(t[name] for name in names), s.stage(f.final)]
        rows = [
            [lead["lead_id"], s.stage(lead["lead_stage"]), s.number(lead["rank_model"]), s.number(lead["rank_rules"]),
             _reasons(lead["reasons"], s), _lines(lead, s), t["yes"] if lead["became"] else t["no"]]
            for lead in leads
        ]  # fmt: skip
        if rows:
            tables.append(ReportTable(title, header, rows, sentences.disagreements(f, s, kind)))
    lines = [] if tables else [s.pick("They agree on every lead.", "Sie sind sich bei jedem Lead einig.")]
    return Section("apart", t["apart"], said=lines, tables=tables)


def _reasons(reasons: Sequence[Reason], s: Speaker) -> str:
    return "; ".join(f"{'▲' if reason.effect > 0 else '▼'} {reason.text}" for reason in reasons)


def _lines(lead: Mapping[str, Any], s: Speaker) -> str:
    parts = [f"{s.number(line['points'])} {line['label']}" for line in lead["lines"]]
    return "; ".join(parts) or s.pick("no points", "keine Punkte")


def _next_steps(f: ReportFacts, s: Speaker) -> Section:
    t = s.words
    best = sorted(f.steps.steps, key=lambda step: -step.gap_low)[:MOST_STEPS]
    header = [t["step"], t["lead_stage"], t["scored"], t["took"], t["progressed"], t["others"], t["progressed"]]
    rows = [
        [type_words(step.type, s.language), s.stage(step.lead_stage), _band(step, s), s.number(step.leads),
         s.percent(step.progressed), s.number(step.others), s.percent(step.others_progressed)]
        for step in best
    ]  # fmt: skip
    tables = [ReportTable(t["next"], header, rows)] if rows else []
    return Section("next", t["next"], said=[sentences.next_steps(f, s)], tables=tables)


def _band(step: Step, s: Speaker) -> str:
    """The chances of the leads that a step is about."""
    return f"{s.percent(step.low)} – {s.percent(min(step.high, 1.0))}"


def _data(f: ReportFacts, s: Speaker) -> Section:
    t = s.words
    rows = [[str(name), s.number(value, 2)] for name, value in zip(f.drift["label"], f.drift["psi"], strict=True)]
    tables = [ReportTable(t["psi"], [t["drift_of"], t["psi"]], rows)] if rows else []
    return Section("data", t["data"], said=sentences.data(f, s), tables=tables, notes=f.notes[:MOST_NOTES])
