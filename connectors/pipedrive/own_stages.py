"""Lead stages on the customer's own fields: named by a field's code or as the screen calls it, with option ids or labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.crm.changes import DEAL_PREFIX
from connectors.crm.mapping import Stages, plain
from connectors.pipedrive.settings import INBOX, STAGE, STATUS

Definitions = Mapping[str, Sequence[Mapping[str, Any]]]  # kind → the definitions of its fields
Staged = Mapping[str, Mapping[str, str]]  # kind → code → name of its fields that lead stages are made of
PREFIXES = {"person": "", "deal": DEAL_PREFIX}


def _names(definition: Mapping[str, Any]) -> tuple[str, str, str]:
    code, name = str(definition["field_code"]), str(definition["field_name"])
    return code, name, plain(name)


def staged_fields(definitions: Definitions, names: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """kind → code → our name of the fields that the configuration names for it, Pipedrive's own stages apart."""
    staged: dict[str, dict[str, str]] = {}
    for kind, configured in names.items():
        words = {plain(name) for name in configured} - {STAGE, STATUS, INBOX}
        fields = [_names(definition) for definition in definitions[kind]]
        staged[kind] = {code: own_name for code, _, own_name in fields if {plain(code), own_name} & words}
    return staged


def stage_names(definitions: Definitions) -> set[str]:
    """Everything by which a field of lead stages may be named."""
    names = {INBOX, f"{DEAL_PREFIX}{STAGE}", f"{DEAL_PREFIX}{STATUS}"}
    for kind, prefix in PREFIXES.items():
        names |= {prefix + name for definition in definitions[kind] for name in _names(definition)}
    return names


def landed_stages(
    stages: Stages, staged: Staged, label: Callable[[str, str, object], str | None]
) -> dict[str, Mapping[str, str | None]]:
    """Stages by the names and labels under which fields and their values are landed. `label`: of (kind, code, value)."""
    landed: dict[str, Mapping[str, str | None]] = {}
    for name, values in stages.items():
        kind = "deal" if name.startswith(DEAL_PREFIX) else "person"
        word = plain(name.removeprefix(PREFIXES[kind]))
        code = next((c for c, own_name in staged[kind].items() if word in (plain(c), own_name)), None)
        if code is None:
            landed[name] = values
        else:
            labels = {value: label(kind, code, value) or value for value in values}
            landed[PREFIXES[kind] + staged[kind][code]] = {labels[value]: stage for value, stage in values.items()}
    return landed
