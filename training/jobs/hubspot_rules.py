"""`make rules-from-hubspot`, `make rules-to-hubspot`: a lead score of HubSpot as rules, and rules as a draft of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape

from connectors.hubspot.connector import HubSpot
from connectors.hubspot.lead_scoring import Translation, Untranslatable, read_scores, translate
from connectors.hubspot.score_draft import create, draft
from connectors.hubspot.settings import HubSpotSource
from features.common.errors import ConfigError, nearest
from features.common.files import whole_file
from models.rules.rules import Rules
from training.common.progress import terminal
from training.jobs.crm import open_configured

HEAD = """\
# HubSpot's score {name!r}, as far as rules can say it; written by `make rules-from-hubspot`.
# Look at `thresholds`, check with `make rules-check`, judge with `make compare RULES={file}`.
"""


def run(out: Path, config: Path | None = None, score: str | None = None, console: Console | None = None) -> Translation:
    """Read the score of contacts of this name (the published one, where there is one), write it as rules, and print what they
    do not say.

    Raises
    ------
    RipelineError
        if there is no such score, or none of its rules can be translated; nothing is written then.
    """
    if out.exists():
        raise ConfigError(f"{out} exists already.", "Name a new file, so that no rules are lost.")
    console = console or terminal()
    opened = open_configured("hubspot", config)
    assert isinstance(opened.connector, HubSpot)  # noqa: S101
    assert isinstance(opened.source, HubSpotSource)  # noqa: S101
    opened.connector.greet()
    translation = translate(choose(read_scores(opened.connector.api), score), opened.source)
    if not translation.rules:
        listed = "; ".join(translation.omitted)
        raise ConfigError(
            f"No rule of HubSpot's score {translation.name!r} can be translated: {listed}.", "Write rules by hand."
        )
    Rules.from_dict(translation.book, str(out))
    with whole_file(out) as partial:
        partial.write_text(text(translation, out), encoding="utf-8")
    console.print(f"{translation.rules} rules of HubSpot's score {translation.name!r} are in {out}.", highlight=False)
    if translation.omitted:
        console.print("Not in it:", style="yellow")
    for line in translation.omitted:
        console.print(f"  {escape(line)}", highlight=False)
    return translation


def send(
    rules: Path, name: str, config: Path | None = None, *, really: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """Rules as the draft of a new score, which a person publishes in HubSpot or throws away; without `really` only say what
    would be in it. Scores that are there are never touched.

    Raises
    ------
    RipelineError
        if none of the rules can be said in HubSpot, or a score of that name is there.
    """
    console = console or terminal()
    book = Rules.read(rules).book
    opened = open_configured("hubspot", config)
    assert isinstance(opened.connector, HubSpot)  # noqa: S101
    assert isinstance(opened.source, HubSpotSource)  # noqa: S101
    opened.connector.greet()
    api = opened.connector.api
    if name in [score["name"] for score in read_scores(api)]:
        raise ConfigError(f"HubSpot has a score {name!r} already.", "Name another: NAME=….")
    definitions = {kind: {p["name"]: p for p in api.properties(kind)} for kind in ("contacts", "companies")}
    try:
        body, omitted = draft(book, name, opened.source, definitions)
    except Untranslatable as reason:
        raise ConfigError(
            f"None of the rules of {rules} can be said in HubSpot: {reason}.", "Make the score there by hand."
        ) from reason
    count = sum(len(group["ruleConfigurations"]) for group in body["groupConfigs"])
    console.print(f"{count} of {len(book.behaviour) + len(book.fit)} rules are in the draft {name!r}.", highlight=False)
    for line in omitted:
        console.print(f"  not in it: {escape(line)}", style="yellow", highlight=False)
    if really:
        create(api, body)
        console.print("It is a draft: it scores nobody until you publish it (Marketing → Lead scoring).", highlight=False)
    else:
        console.print("Nothing was sent. To make the draft: SEND=yes", highlight=False)
    return body


def choose(scores: Sequence[Mapping[str, Any]], name: str | None) -> Mapping[str, Any]:
    """The score of this name; without one the only one that is published, or the only one.

    Raises
    ------
    ConfigError
        if there is none, or several could be meant.
    """
    names = [str(score["name"]) for score in scores]
    if name is not None:
        if name not in names:
            raise ConfigError(
                f"HubSpot has no score of contacts {name!r}: {nearest(name, names)}", "Name one of them: SCORE=…."
            )
        return scores[names.index(name)]
    published = [score for score in scores if str(score.get("scoreStatus")).casefold() == "published"]
    candidates = published or scores
    if not candidates:
        raise ConfigError("HubSpot has no score of contacts.", "Make one there, or learn points: make scorecard OUT=….")
    if len(candidates) > 1:
        listed = ", ".join(repr(str(score["name"])) for score in candidates)
        raise ConfigError(f"HubSpot has {len(candidates)} scores of contacts: {listed}.", "Name one of them: SCORE=….")
    return candidates[0]


def text(translation: Translation, out: Path) -> str:
    """The rules file, with what no rule says above it."""
    comments = "".join(f"#   not here: {line}\n" for line in translation.omitted)
    body = yaml.safe_dump(translation.book, sort_keys=False, allow_unicode=True, width=120)
    return HEAD.format(name=translation.name, file=out.name) + comments + body
