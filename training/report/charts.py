"""The charts of the report as Vega-Lite specifications: data inside, words in the language of the report, no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from models.decision.recommend import Policy

Spec = dict[str, Any]
Words = Mapping[str, str]

MODEL, RULES, CHANCE = "#0b7261", "#b8500d", "#6b6b6b"
NEUTRAL = "#777777"
COHORTS = ("#c6dbef", "#9ecae1", "#6baed6", "#3182bd", "#08519c")
ALL_COLOUR = "#222222"
LONG = {"labelLimit": 330}  # pixels of a name beside a bar


def caught(curves: pd.DataFrame, capacity: float, t: Words) -> Spec:
    """Share of later customers met against the share of leads taken: the cumulative gains curve."""
    long_table = curves.melt("percent", var_name="by", value_name="share")
    long_table["by"] = long_table["by"].map({"model": t["model"], "rules": t["rules"], "chance": t["chance"]})
    line = {
        "data": _values(long_table),
        "mark": {"type": "line", "point": {"size": 18}},
        "encoding": {
            "x": _number("percent", t["taken"]),
            "y": _number("share", t["met"], ".0%"),
            "color": _series_colour(t, t["chance"]),
            "strokeDash": {"condition": {"test": f"datum.by == '{t['chance']}'", "value": [4, 4]}, "value": [1, 0]},
            "tooltip": [_tip("by", t["by"]), _tip("percent", t["taken"]), _tip("share", t["met"], ".1%")],
        },
    }
    return _chart(280, layer=[line, *_mark_at(capacity, t["your_capacity"])])


def profit(contacts: pd.DataFrame, capacity: float, cost: float, policy: Policy, t: Words) -> Spec:
    """Profit (or customers) a week against contacts a week; the sliders set the signals `capacity` and `cost`.

    The line of the policy is marked on the model's curve.
    """
    money = policy.money
    gain, title = (
        ("datum.revenue - cost * datum.contacts", t["profit_week"]) if money else ("datum.customers", t["customers_week"])
    )
    tips = [
        _tip("by", t["by"]),
        _tip("contacts", t["contacts_week"], ",.1f"),
        _tip("customers", t["customers_week"], ",.2f"),
        _tip("gain", title, ",.0f" if money else ",.2f"),
        _tip("too_early", t["too_early"], ".0%"),
        _tip("too_late", t["too_late"], ".0%"),
        _tip("line", t["line"], ",.4~f"),
    ]
    curve = {
        "transform": [{"calculate": gain, "as": "gain"}],
        "mark": {"type": "line", "point": {"size": 14}},
        "encoding": {
            "x": _number("contacts", t["contacts_week"]),
            "y": _number("gain", title, ",.0f" if money else ",.1f"),
            "color": _series_colour(t),
            "tooltip": tips,
        },
    }
    capacity_rule = {
        "data": {"values": [{}]},
        "transform": [{"calculate": "capacity", "as": "x"}],
        "mark": {"type": "rule", "strokeDash": [6, 3], "color": "#444"},
        "encoding": {"x": _number("x", t["contacts_week"])},
    }
    model_curve = contacts[contacts["by"] == "model"]
    nearest = _with_names(
        model_curve.iloc[[int((model_curve["line"] - policy.line).abs().argmin())]].assign(words=t["policy_line"]), t
    )
    axes: Spec = {"x": _number("contacts", t["contacts_week"]), "y": _number("gain", title, ",.0f" if money else ",.1f")}
    mark: Spec = {"data": _values(nearest), "transform": [{"calculate": gain, "as": "gain"}]}
    dot = {"type": "point", "filled": True, "size": 120, "color": MODEL, "stroke": "white", "opacity": 1}
    words = {"type": "text", "align": "left", "dx": 9, "dy": 4, "color": "#444"}
    layers: list[Spec] = [
        curve,
        capacity_rule,
        {**mark, "mark": dot, "encoding": axes},
        {**mark, "mark": words, "encoding": {**axes, "text": {"field": "words"}}},
    ]
    params = [{"name": "capacity", "value": capacity}, {"name": "cost", "value": cost}]
    return _chart(280, data=_values(_with_names(contacts, t)), params=params, layer=layers)


def errors(contacts: pd.DataFrame, capacity: float, t: Words) -> Spec:
    """Too early and too late against contacts a week, for model and rules."""
    long_table = _with_names(contacts, t).melt(["by", "contacts"], ["too_early", "too_late"], "kind", "share")
    long_table["kind"] = long_table["kind"].map({"too_early": t["too_early"], "too_late": t["too_late"]})
    tips = [_tip("by", t["by"]), _tip("kind", " "), _tip("contacts", t["contacts_week"], ",.1f"), _tip("share", "%", ".0%")]
    line = {
        "data": _values(long_table),
        "mark": {"type": "line"},
        "encoding": {
            "x": _number("contacts", t["contacts_week"]),
            "y": _number("share", None, ".0%"),
            "color": _series_colour(t),
            "strokeDash": {"field": "kind", "type": "nominal", "title": None},
            "tooltip": tips,
        },
    }
    return _chart(240, layer=[line, *_mark_at(capacity, t["your_capacity"])])


def migration(table: pd.DataFrame, t: Words) -> Spec:
    """Score bands × rule bands: how often leads of both bands converted, and how many they were."""
    axes = {
        "x": {"field": "rule_band", "type": "ordinal", "title": t["rule_band"], "axis": {"labelAngle": 0}},
        "y": {"field": "score_band", "type": "ordinal", "title": t["score_band"], "sort": "descending"},
    }
    tips = [
        _tip("score_band", t["score_band"]),
        _tip("rule_band", t["rule_band"]),
        _tip("leads", t["leads_looked"], ","),
        _tip("came", t["converted"], ".1%"),
    ]
    colour = {"field": "came", "type": "quantitative", "title": None, "scale": {"scheme": "greens"}, "legend": None}
    dark = f"datum.came > {0.6 * float(table['came'].max()) if len(table) else 0.5}"
    ink = {"color": {"condition": {"test": dark, "value": "white"}, "value": "black"}}
    rate = {"text": {"field": "came", "format": ".0%"}}
    count = {"text": {"field": "leads", "format": ","}}
    return _chart(
        260,
        data=_values(table),
        layer=[
            {"mark": "rect", "encoding": {**axes, "color": colour, "tooltip": tips}},
            {"mark": {"type": "text", "fontSize": 13, "dy": -7}, "encoding": {**axes, **rate, **ink}},
            {"mark": {"type": "text", "fontSize": 11, "dy": 9}, "encoding": {**axes, **count, **ink}},
        ],
    )


def calibration(table: pd.DataFrame, t: Words) -> Spec:
    """What was said against what came true, with 95 % bands: the reliability diagram."""
    top = float(table[["said", "came", "high"]].max().max())
    x, colour = _number("said", t["said"], ".0%"), _series_colour(t)
    tips = [
        _tip("by", t["by"]),
        _tip("said", t["said"], ".1%"),
        _tip("came", t["came"], ".1%"),
        _tip("rows", t["leads_looked"], ","),
    ]
    diagonal = {
        "data": {"values": [{"a": 0.0}, {"a": round(top, 4)}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": NEUTRAL},
        "encoding": {"x": _number("a", t["said"], ".0%"), "y": _number("a", t["came"], ".0%")},
    }
    interval = {"x": x, "y": _number("low", t["came"], ".0%"), "y2": {"field": "high"}, "color": colour}
    point = {"x": x, "y": _number("came", t["came"], ".0%"), "color": colour, "tooltip": tips}
    return _chart(
        300,
        data=_values(_with_names(table, t)),
        layer=[
            diagonal,
            {"mark": {"type": "rule", "opacity": 0.6}, "encoding": interval},
            {"mark": {"type": "line", "point": {"size": 30}}, "encoding": point},
        ],
    )


def segments(table: pd.DataFrame, t: Words) -> Spec:
    """By how many percentage points more of a segment's customers the model meets than the rules."""
    pairs = zip(table["low"], table["high"], strict=True)
    named = table.assign(
        name=[f"{t[kind]}: {segment}" for kind, segment in zip(table["kind"], table["segment"], strict=True)],
        sure=[t["gains"] if low > 0 else t["loses"] if high < 0 else t["open"] for low, high in pairs],
    )
    scale = {"domain": [t["gains"], t["open"], t["loses"]], "range": [MODEL, NEUTRAL, RULES]}
    return _ranged(named, "gain", t["gain"], "+.0%", scale, [_tip("customers", t["customers"], ",")])


def worth(table: pd.DataFrame, currency: str, t: Words) -> Spec:
    """What a lead of each group was worth, with its interval."""
    scale = {"domain": [t["worth"]], "range": [MODEL]}
    tips = [_tip("leads", t["leads"], ","), _tip("customers", t["customers"], ",")]
    return _ranged(
        table.assign(name=table["group"], sure=t["worth"]), "worth", f"{t['worth']}, {currency}", ",.0f", scale, tips
    )


def time_in_stage(table: pd.DataFrame, t: Words) -> Spec:
    """The share that has progressed by each day in a lead stage, one line per cohort."""
    names = list(dict.fromkeys(table["cohort"]))
    colours = [ALL_COLOUR, *COHORTS[len(COHORTS) - len(names) + 1 :]]
    return _chart(
        240,
        data=_values(table),
        mark={"type": "line"},
        encoding={
            "x": _number("days", t["days_in"]),
            "y": _number("progressed", t["progressed"], ".0%"),
            "color": {"field": "cohort", "type": "nominal", "title": None, "scale": {"domain": names, "range": colours}},
            "strokeWidth": {"condition": {"test": f"datum.cohort == '{names[0]}'", "value": 3}, "value": 1.5},
            "tooltip": [
                _tip("cohort", t["cohort"]),
                _tip("days", t["days_in"], ".0f"),
                _tip("progressed", t["progressed"], ".1%"),
                _tip("left", t["left"], ".1%"),
            ],
        },
    )


def drivers(table: pd.DataFrame, t: Words) -> Spec:
    """How much each thing moves the log-odds on average, coloured by its direction."""
    directions = [t["raises"] if d > 0.2 else t["lowers"] if d < -0.2 else t["mixed"] for d in table["direction"]]
    scale = {"domain": [t["raises"], t["lowers"], t["mixed"]], "range": [MODEL, RULES, NEUTRAL]}
    return _chart(
        22 * len(table),
        data=_values(table.assign(way=directions)),
        mark={"type": "bar", "height": 14},
        encoding={
            "y": {"field": "label", "type": "nominal", "title": None, "sort": None, "axis": LONG},
            "x": _number("strength", t["strength"]),
            "color": {"field": "way", "type": "nominal", "title": None, "scale": scale},
            "tooltip": [_tip("label", " "), _tip("strength", t["strength"], ".3f"), _tip("way", " ")],
        },
    )


def _ranged(table: pd.DataFrame, value: str, title: str, form: str, scale: Mapping[str, Any], tips: Sequence[Spec]) -> Spec:
    """Points with their intervals, one row per name, in the order of the table."""
    y = {"field": "name", "type": "nominal", "title": None, "sort": None, "axis": LONG}
    colour: Spec = {"field": "sure", "type": "nominal", "title": None, "scale": scale}
    if len(scale["domain"]) == 1:
        colour["legend"] = None
    tooltip = [_tip("name", " "), _tip(value, title, form), _tip("low", "5 %", form), _tip("high", "95 %", form), *tips]
    interval = {"y": y, "x": _number("low", title, form), "x2": {"field": "high"}, "color": colour}
    point = {"y": y, "x": _number(value, title, form), "color": colour, "tooltip": tooltip}
    zero = {"x": _number("zero", title, form)}
    return _chart(
        24 * len(table),
        data=_values(table[["name", value, "low", "high", "sure", *(tip["field"] for tip in tips)]]),
        layer=[
            {"data": {"values": [{"zero": 0}]}, "mark": {"type": "rule", "color": "#999999"}, "encoding": zero},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": interval},
            {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": point},
        ],
    )


def _chart(height: int, **parts: Any) -> Spec:
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "config": {
            "font": "system-ui, sans-serif",
            "axis": {"labelFontSize": 12, "titleFontSize": 12, "gridColor": "#e6e6e6"},
            "legend": {"labelFontSize": 12, "orient": "top"},
            "view": {"stroke": None},
        },
        **parts,
    }


def _values(table: pd.DataFrame) -> Spec:
    return {"values": table.round(4).to_dict("records")}


def _with_names(table: pd.DataFrame, t: Words) -> pd.DataFrame:
    return table.assign(by=table["by"].map({"model": t["model"], "rules": t["rules"]}))


def _series_colour(t: Words, *extra_names: str) -> Spec:
    names = [t["model"], t["rules"], *extra_names]
    return {
        "field": "by",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names, "range": [MODEL, RULES, CHANCE][: len(names)]},
    }


def _number(field: str, title: str | None, form: str | None = None) -> Spec:
    encoding: Spec = {"field": field, "type": "quantitative", "title": title}
    return {**encoding, "axis": {"format": form}} if form else encoding


def _tip(field: str, title: str, form: str | None = None) -> Spec:
    return {"field": field, "title": title, **({"format": form} if form else {})}


def _mark_at(x: float, words: str) -> list[Spec]:
    """A vertical line with words at its top."""
    data = {"values": [{"x": round(x, 2), "words": words}]}
    x_axis: Spec = {"field": "x", "type": "quantitative"}
    text = {"type": "text", "align": "left", "dx": 5, "baseline": "top", "color": "#444"}
    return [
        {"data": data, "mark": {"type": "rule", "strokeDash": [6, 3], "color": "#444"}, "encoding": {"x": x_axis}},
        {"data": data, "mark": text, "encoding": {"x": x_axis, "y": {"value": 4}, "text": {"field": "words"}}},
    ]
