"""What a lock file holds for this machine. Markers are looked at to count packages, not to choose them: installers do that."""

import ast
import hashlib
import operator
import os
import platform
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
VERSION = "{}.{}".format(*sys.version_info)
LINE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)[^\S\n]*(?:;([^\\\n]*))?", re.MULTILINE)
OPERATORS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def file(kind):
    """The lock file of `train`, `dev`, `bench` or `installer`."""
    return HERE / f"{kind}.lock"


def digest(kind):
    """What a lock and the running Python come to, in a line."""
    return f"{VERSION} {hashlib.sha256(file(kind).read_bytes()).hexdigest()}"


def packages(kind):
    """Name → version of what belongs on this machine."""
    lines = LINE.findall(file(kind).read_text(encoding="utf-8"))
    return {normal(name): version for name, version, marker in lines if applies(marker, here())}


def normal(name):
    """All spellings of a package's name are one.

    >>> normal("Ruamel.YAML_clib")
    'ruamel-yaml-clib'
    """
    return re.sub("[-_.]+", "-", name).lower()


def here():
    """What markers ask about."""
    return {
        "implementation_name": sys.implementation.name,
        "os_name": os.name,
        "platform_machine": platform.machine(),
        "platform_python_implementation": platform.python_implementation(),
        "platform_system": platform.system(),
        "python_full_version": platform.python_version(),
        "python_version": VERSION,
        "sys_platform": sys.platform,
    }


def applies(marker, facts):
    """Is the marker true? One that is not understood counts as true.

    >>> applies("python_full_version < '3.12' and (sys_platform != 'win32' or os_name == 'nt')", here() | {"os_name": "nt"})
    True
    >>> applies("python_full_version < '3.9'", here())
    False
    """
    try:
        return not marker.strip() or _holds(ast.parse(marker.strip(), mode="eval").body, facts)
    except (AttributeError, KeyError, SyntaxError, TypeError):
        return True


def _holds(node, facts):
    if isinstance(node, ast.BoolOp):
        return (all if isinstance(node.op, ast.And) else any)([_holds(value, facts) for value in node.values])
    sides = (node.left, node.comparators[0])
    texts = [facts[side.id] if isinstance(side, ast.Name) else side.value for side in sides]
    if any(isinstance(side, ast.Name) and side.id.startswith("python_") for side in sides):
        texts = [[int(number) for number in re.findall("[0-9]+", text)] for text in texts]
    return OPERATORS[type(node.ops[0])](*texts)
