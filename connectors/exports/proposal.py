"""What csv-check proposes: a whole configuration as YAML, in which every guess has its reason beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from connectors.exports.recognise import ExportMatch

_ORDER = ("kind", "folder", "leads", "companies", "interactions", "lead_stages", "deals")
YamlPath = tuple[str | int, ...]


@dataclass
class Proposal:
    """`source`, `funnel`: as they go into the YAML; `comments`: path in it → why. `matches`: files and what they are;
    `unknown`: files that are nothing known; `unused`: file → why nothing is taken from it; `columns`: file → header → what it
    holds, of files that are no export of a CRM. `gaps`: what cannot be known; `doubts`: what to look at; `questions`: what
    only the user knows; `missing`: why no configuration can be proposed, blank where one can."""

    source: dict[str, Any]
    matches: list[ExportMatch]
    unknown: list[str]
    gaps: list[str]
    doubts: list[str]
    funnel: dict[str, Any] = field(
        default_factory=lambda: {"stages": ["lead", "mql", "sql", "customer"], "exits": ["disqualified", "lost"]}
    )
    comments: dict[YamlPath, str] = field(default_factory=dict)
    unused: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    missing: str = ""

    def yaml(self, name: str) -> str:
        """A whole configuration, to be read over and trained with."""
        head = [f"{f.file.name}: {f.export.title}; {f.why}" for f in self.matches]
        head += [f"{file}: not recognised" for file in self.unknown] + [
            f"{file}: not used: {why}" for file, why in self.unused.items()
        ]
        head += [f"not known from these files: {text}" for text in self.gaps]
        head += [f"look at this: {text}" for text in self.doubts] + [f"QUESTION: {text}" for text in self.questions]
        body = {
            "name": name,
            "source": {key: self.source[key] for key in sorted(self.source, key=_ORDER.index)},
            "funnel": self.funnel,
            "sales": {"capacity_per_week": 40, "cost_per_contact": 25},
        }
        comments = {("sales",): "yours will be others", **self.comments}
        lines = [f"# {_one_line(text)}" for text in head] + list(_lines(body, comments, (), 0))
        return "\n".join(lines) + "\n"


def _lines(node: Mapping[str, Any], comments: Mapping[YamlPath, str], yaml_path: YamlPath, depth: int) -> list[str]:
    """A mapping as YAML in blocks; lists of mappings too, all else on one line, each with its comment."""
    lines = []
    for key, value in node.items():
        here, indent = (*yaml_path, key), "  " * depth
        comment = f"  # {_one_line(comments[here])}" if here in comments else ""
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{_scalar(key)}:{comment}", *_lines(value, comments, here, depth + 1)]
        elif isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(v, Mapping) for v in value):
            lines.append(f"{indent}{_scalar(key)}:{comment}")
            for number, item in enumerate(value):
                first, *further = _lines(item, comments, (*here, number), depth + 2)
                lines += [f"{indent}  - {first.lstrip()}", *further]
        else:
            lines.append(f"{indent}{_scalar(key)}: {_scalar(value)}{comment}")
    return lines


def _scalar(value: Any) -> str:
    """A value on one line, quoted where YAML would read it as something else."""
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, str) and not (value.isprintable() and value == value.strip()):
        return yaml.safe_dump(value, default_style='"', width=float("inf")).removesuffix("\n")
    if isinstance(value, dict):
        return "{}"  # all others are written in blocks
    listed = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=float("inf"))
    return listed.removesuffix("\n")[1:-1]  # as in a list, where more signs need quotes


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
