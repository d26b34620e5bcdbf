"""Subjects: what was seen of a lead, in words a person would say, for each group of columns that tells one story.

A group is worded from all of its columns at once: how often, how recently, which value. It is silent ("") where nothing is
known, so that no reason says "missing"; what such a group adds to the log-odds stays in the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from features.attributes.encoders import AttributeEncoder
from features.attributes.titles import SENIORITY_LABELS
from features.common.words import WEEKDAYS, Language, ago, counted, lasting, phrase, spell
from features.engine.feature_set import FeatureSet
from features.feature import Feature, InteractionFilter
from features.spec import Age, Count, CreatedOn, DaysSince, Gap, InStage, Topics, Variety
from features.spec_accounts import ColleaguesActive, ColleaguesSilence, GroupSize

RECENT = 30.0  # days that count as of late

Words = Callable[[Sequence[float]], str]


@dataclass(frozen=True)
class Subject:
    """`columns` of x, and what their values say; `steps` (columns,) are the grains to which values are rounded down before
    they are worded, 0 for as they are, so that a batch words few different ones."""

    columns: tuple[int, ...]
    words: Words
    steps: tuple[float, ...] = ()

    def text(self, x: npt.NDArray[np.floating]) -> str:
        """Of one lead, x (columns,)."""
        values = [float(x[column]) for column in self.columns]
        steps = self.steps or (0.0,) * len(values)
        return self.words([math.floor(v / s) * s if s and v == v else v for v, s in zip(values, steps, strict=True)])  # noqa: PLR0124

    def texts(self, x: npt.NDArray[np.floating]) -> list[str]:
        """Of n leads, x (n, columns); what was seen of many is worded once."""
        values = self._rounded(np.asarray(x[:, self.columns], np.float64))
        keys = np.ascontiguousarray(values + 0.0).view(np.dtype((np.void, values.itemsize * values.shape[1]))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        distinct = [self.words(row) for row in values[first].tolist()]
        return [distinct[i] for i in inverse.tolist()]

    def _rounded(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        for position, step in enumerate(self.steps):
            if step:
                values[:, position] = np.floor(values[:, position] / step) * step
        return values


def subjects(feature_set: FeatureSet, groups: Sequence[str], language: Language) -> list[Subject]:
    """One for each group of columns: those of the attributes first, then of the features, at last the points."""
    columns: dict[str, list[int]] = {}
    for column, group in enumerate(groups):
        columns.setdefault(group, []).append(column)
    encoders: dict[str, list[tuple[int, AttributeEncoder]]] = {}
    position = 0
    for encoder in feature_set.encoders:
        encoders.setdefault(f"{encoder.entity}.{encoder.column}", []).append((position, encoder))
        position += len(encoder.names)
    features: dict[str, list[tuple[int, Feature]]] = {}
    for number, feature in enumerate(feature_set.features):
        features.setdefault(feature.group, []).append((position + number, feature))
    worded = []
    for group, members in columns.items():
        if group in encoders:
            worded.append(_of_attribute(encoders[group], language))
        elif group in features:
            worded.append(_of_features(features[group], language))
        else:
            worded.append(Subject(tuple(members[:1]), _of_one(lambda v: counted(round(v), "(point)", language)), (1.0,)))
    return worded


def _of_one(words: Callable[[float], str]) -> Words:
    """Words of one value; "" where it is missing."""
    return lambda values: "" if math.isnan(values[0]) else words(values[0])


def _number(value: float, language: Language) -> str:
    """A number as it is read aloud: whole where it is, else with as many digits as tell something."""
    if abs(value) >= 100 or value == round(value):
        return spell(value, 0, language)
    point = "," if language == "de" else "."
    return spell(value, 1 if abs(value) >= 10 else 2, language).rstrip("0").removesuffix(point)


def _of_attribute(members: Sequence[tuple[int, AttributeEncoder]], language: Language) -> Subject:
    """What an attribute is, by the first of its encoders that knows."""
    columns: list[int] = []
    readers: list[tuple[int, int, Words]] = []
    is_title = any(encoder.kind in ("seniority", "function") for _, encoder in members)  # each says something of its own
    for position, encoder in members:
        begin = len(columns)
        columns += range(position, position + len(encoder.names))
        readers.append((begin, len(columns), _reader(encoder, language)))

    def words(values: Sequence[float]) -> str:
        texts = [text for begin, end, read in readers if (text := read(values[begin:end]))]
        return ", ".join(texts if is_title else texts[:1])

    steps = [step for _, encoder in members for step in (1.0 if encoder.kind == "date" else 0.0,) * len(encoder.names)]
    return Subject(tuple(columns), words, tuple(steps))


def _reader(encoder: AttributeEncoder, language: Language) -> Words:
    """What the columns of an encoder say; "" where the value is missing."""
    labels, name = encoder.labels(language), encoder.word(language)

    def level(values: Sequence[float]) -> str:
        position = next((position for position, value in enumerate(values) if value > 0.5), len(values) - 1)
        return "" if position == len(values) - 1 else labels[position].replace("_", " ")

    def seniority(value: float) -> str:
        ranks = SENIORITY_LABELS[language]
        return f"{name}: {ranks[min(max(round(value), 0), len(ranks) - 1)]}"

    return {
        "category": level,
        "function": level,
        "number": _of_one(lambda value: f"{name}: {_number(value, language)}"),
        "band": _of_one(lambda value: phrase("around", language, what=name, number=_number(value, language))),
        "flag": _of_one(lambda value: f"{name}: {phrase('yes' if value > 0.5 else 'no', language)}"),
        "free_mail": _of_one(lambda value: phrase("free_mail" if value > 0.5 else "company_mail", language)),
        "date": _of_one(lambda value: f"{name}: {ago(value, language)}"),
        "seniority": _of_one(seniority),
        "level": _of_one(lambda value: phrase("level_up" if value > 0 else "level_down", language, what=name)),
    }[encoder.kind]


def _of_features(members: Sequence[tuple[int, Feature]], language: Language) -> Subject:
    """What the features of a group say together."""
    what = next((f.what for _, f in members if isinstance(f, Count | DaysSince)), None)
    if isinstance(what, InteractionFilter):
        return _of_acts(members, what, language)
    if any(isinstance(f, GroupSize | ColleaguesActive | ColleaguesSilence) for _, f in members):
        return _of_colleagues(members, language)
    position, first = members[0]
    if isinstance(first, InStage):
        return _of_stage(members, language)
    if isinstance(first, Age):
        key, span_words = ("stage_lasting", lasting) if first.in_stage else ("came", ago)
        return Subject((position,), _of_one(lambda v: phrase(key, language, when=span_words(v, language))), (1.0,))
    if isinstance(first, Variety | Topics):  # the widest of the group: ever, and how many rather than how often one
        position = next((p for p, f in members if isinstance(f, Variety | Topics) and f in (Variety(), Topics())), position)
        name, nothing = ("(variety)", counted(0, "any", language)) if isinstance(first, Variety) else ("(topic)", "")
        return Subject((position,), _of_one(lambda v: counted(round(v), name, language) if v else nothing))
    label, unit = first.label(language), first.unit(language)
    words: Callable[[float], str] = lambda v: f"{label}: {_number(v, language)} {unit}".rstrip()  # noqa: E731
    if isinstance(first, CreatedOn):
        days = WEEKDAYS[language]
        words = {
            "weekday": lambda v: phrase("came_on", language, day=days[round(v) % len(days)]),
            "hour": lambda v: phrase("came_at", language, hour=f"{round(v)}:00"),
        }[first.field]
    return Subject((position,), _of_one(words))


def _of_stage(members: Sequence[tuple[int, Feature]], language: Language) -> Subject:
    stages = [f.lead_stage for _, f in members if isinstance(f, InStage)]

    def words(values: Sequence[float]) -> str:
        return next((phrase("in_stage", language, stage=s) for s, v in zip(stages, values, strict=True) if v > 0.5), "")

    return Subject(tuple(position for position, _ in members), words)


@dataclass
class _Columns:
    """Places of a group, each once, and where each of them is found among the values that are worded."""

    places: list[int] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)

    def add(self, position: int | None, step: float = 0.0) -> int | None:
        if position is None:
            return None
        self.places.append(position)
        self.steps.append(step)
        return len(self.places) - 1


def _count(values: Sequence[float], position: int | None) -> int | None:
    return None if position is None or math.isnan(values[position]) else max(round(values[position]), 0)


def _of_acts(members: Sequence[tuple[int, Feature]], what: InteractionFilter, language: Language) -> Subject:
    """Interactions of a kind: how many of late and ever, and when the latest was; of visits their rhythm too."""
    counts = {f.days: position for position, f in members if isinstance(f, Count)}
    columns = _Columns()
    ever, recent = columns.add(counts.get(None)), columns.add(counts.get(RECENT))
    since = next((position for position, f in members if isinstance(f, DaysSince) and not f.first), None)
    latest = columns.add(since, 1.0)
    rhythm = columns.add(next((position for position, f in members if isinstance(f, Gap) and not f.spread), None), 1.0)
    span = phrase("span", language, RECENT)

    def words(values: Sequence[float]) -> str:
        total, of_late = _count(values, ever), _count(values, recent)
        if total is None:
            return "" if of_late is None else f"{counted(of_late, what.name, language)}{span}"
        if total == 0:
            return counted(0, what.name, language)
        when = "" if latest is None or math.isnan(values[latest]) else ago(values[latest], language)
        if of_late and of_late < total:
            text = phrase(
                "of_late", language, what=f"{counted(of_late, what.name, language)}{span}", total=spell(total, 0, language)
            )
        else:
            text = counted(total, what.name, language)
        text = f"{text}, {when if total == 1 else phrase('latest', language, when=when)}" if when else text
        if rhythm is not None and total > 2 and values[rhythm] >= 2:
            text = f"{text}, {phrase('every', language, gap=spell(values[rhythm], 0, language))}"
        return text

    return Subject(tuple(columns.places), words, tuple(columns.steps))


def _of_colleagues(members: Sequence[tuple[int, Feature]], language: Language) -> Subject:
    """Of the other people of the account how many were active of late, and when one was last."""
    columns = _Columns()
    size = columns.add(next((position for position, f in members if isinstance(f, GroupSize)), None))
    active = columns.add(next((p for p, f in members if isinstance(f, ColleaguesActive) and f.days == RECENT), None))
    latest = columns.add(next((position for position, f in members if isinstance(f, ColleaguesSilence)), None), 1.0)
    span = phrase("span", language, RECENT)

    def words(values: Sequence[float]) -> str:
        people, active_count = _count(values, size) or 1, _count(values, active)
        when = "" if latest is None or math.isnan(values[latest]) else ago(values[latest], language)
        if active_count:
            text = f"{counted(active_count, '(active_colleague)', language)}{span}"
            return f"{text}, {phrase('latest', language, when=when)}" if when else text
        if when:
            return phrase("colleague_latest", language, when=when)
        return counted(people - 1, "(colleague)", language)

    return Subject(tuple(columns.places), words, tuple(columns.steps))
