"""Read YAML into a tree with positions. Tags, alias bombs, deep nesting and large files are refused.

PyYAML only composes the nodes and constructs no values, so that scalars keep the text of the file: `4.0` stays `4.0`.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any

from ecs_gitops.manifest.node import MAX_BYTES, MAX_DEPTH, MAX_NODES, Node
from ecs_gitops.model import sanitize
from ecs_gitops.model.problem import Problem

if TYPE_CHECKING:
    import yaml

# Values and keys of the file, before aliases are expanded: a mapping has a key for each value.
_MAX_EVENTS = 2 * MAX_NODES
# Characters of their texts, with aliases expanded. Only aliases can make more than the largest file has.
MAX_CHARACTERS = 2 * MAX_BYTES
_MAX_ALIASES = 1_000
# Directives, such as `%YAML 1.1`. PyYAML compares each with all before it.
_MAX_DIRECTIVES = 100
_DIRECTIVE = r"(?:^|[\r\n\x85\u2028\u2029])%"
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
# The style of a scalar without quotes, as the Python and the C loader give it.
_PLAIN = (None, "")
# Characters that YAML 1.1 (5.1) forbids, and a byte order mark after the beginning of the file. The C and the Python
# loader report different places for them, so we search before we parse.
_NOT_IN_YAML = r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_PLAIN_TAGS = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:null")
# Characters of the file that a message quotes.
_SHOWN = 200


class Unreadable(Exception):
    """The text is not YAML, or uses what a manifest may not use. Carries one :class:`Problem`."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def read(data: bytes) -> Node:
    """The tree of one YAML document. Raises :class:`Unreadable`."""
    if len(data) > MAX_BYTES:
        raise _at(
            1,
            1,
            f"the file has more than {MAX_BYTES:,} bytes",
            f"at most {MAX_BYTES:,}; several instances for more",
        )
    data = data.removeprefix(BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode())
        raise _at(line, column, "not UTF-8", "a file saved as UTF-8") from None
    if forbidden := re.search(_NOT_IN_YAML, text):
        line, column = _place(text[: forbidden.start()])
        raise _at(line, column, f"{forbidden[0]!r} is a character that YAML does not allow", "printable characters")
    if len(directives := re.findall(_DIRECTIVE, text)) > _MAX_DIRECTIVES:
        raise _at(1, 1, f"{len(directives):,} lines begin with %", f"at most {_MAX_DIRECTIVES}")
    return _tree(_compose(text))


def _place(before: str) -> tuple[int, int]:
    """Line and column of the character after ``before``."""
    lines = re.split(r"\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1


def _compose(text: str) -> yaml.Node | None:
    """PyYAML's nodes. Depth, aliases and size are checked on its events first: no recursion, no memory."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        depth = aliases = count = 0
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.AliasEvent):
                aliases += 1
            count += isinstance(event, yaml.NodeEvent)
            if count > _MAX_EVENTS:
                raise _mark(event.start_mark, "too many values and keys", f"at most {_MAX_EVENTS:,} in a file")
            if depth > MAX_DEPTH:
                raise _mark(event.start_mark, "nested too deeply", f"at most {MAX_DEPTH} levels")
            if aliases > _MAX_ALIASES:
                raise _mark(event.start_mark, "too many aliases", f"at most {_MAX_ALIASES}")
            tag = getattr(event, "tag", None)
            if tag not in (None, "!") and not (isinstance(tag, str) and tag in _PLAIN_TAGS):
                raise _mark(
                    event.start_mark, f"the tag {_cut(repr(tag))} is not allowed", "plain values without `!` tags"
                )
        return yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = _cut(sanitize.escaped(" ".join(filter(None, (error.context, error.problem)))))
        raise _mark(mark, f"not valid YAML: {reason}", _hint(text, mark)) from None
    except (yaml.YAMLError, ArithmeticError, ValueError) as error:
        raise _at(1, 1, f"not valid YAML: {type(error).__name__}", "") from None


def _hint(text: str, mark: Any) -> str:
    """What is accepted instead, for the most common mistake: tabs."""
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    return "spaces, not tabs, at the beginning of a line" if "\t" in line[: len(line) - len(line.lstrip())] else ""


class _Budget:
    """Limits the expansion of aliases: an alias bomb is a small file with a huge tree."""

    def __init__(self) -> None:
        self.nodes, self.characters = MAX_NODES, MAX_CHARACTERS

    def spend(self, node: yaml.Node) -> None:
        self.nodes -= 1
        self.characters -= len(node.value) if isinstance(node.value, str) else 0
        if self.nodes < 0 or self.characters < 0:
            at_most = f"at most {MAX_NODES:,} values and {MAX_CHARACTERS:,} characters"
            raise _mark(node.start_mark, "too many values, those of aliases included", at_most)


def _tree(root: yaml.Node | None) -> Node:
    return Node(None, 1, 1) if root is None else _node(root, _Budget(), 0)


def _node(node: Any, budget: _Budget, depth: int) -> Node:
    import yaml

    budget.spend(node)
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if depth > MAX_DEPTH:
        raise _at(line, column, "nested too deeply", f"at most {MAX_DEPTH} levels")
    if isinstance(node, yaml.ScalarNode):
        is_null = node.style in _PLAIN and node.value in _NULLS
        return Node(None if is_null else node.value, line, column)
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(child, budget, depth + 1) for child in node.value], line, column)
    return _mapping(node, budget, depth, line, column)


def _mapping(node: Any, budget: _Budget, depth: int, line: int, column: int) -> Node:
    import yaml

    content: dict[str, Node] = {}
    places: dict[str, tuple[int, int]] = {}
    merged: dict[str, Node] = {}
    duplicates = []
    for key, value in node.value:
        place = (key.start_mark.line + 1, key.start_mark.column + 1)
        if not isinstance(key, yaml.ScalarNode):
            raise _at(*place, "a key that is not a plain word", "the name of a field")
        child = _node(value, budget, depth + 1)
        if key.value == "<<" and key.style in _PLAIN:
            for name, part in _merge(child, *place).items():
                merged.setdefault(name, part)
        elif key.value in content:
            duplicates.append((key.value, *place))
        else:
            content[key.value], places[key.value] = child, place
    for name, child in merged.items():
        content.setdefault(name, child)
        places.setdefault(name, (child.line, child.column))
    return Node(content, line, column, places, tuple(duplicates))


def _merge(node: Node, line: int, column: int) -> dict[str, Node]:
    """The fields that a merge key (``<<``) adds, from a mapping or a list of mappings; the first of a list wins."""
    parts = node.content if isinstance(node.content, list) else [node]
    fields: dict[str, Node] = {}
    for part in parts:
        if not isinstance(part.content, dict):
            raise _at(line, column, "`<<` merges something that is not a mapping", "an alias of a mapping")
        for name, child in part.content.items():
            fields.setdefault(name, child)
    return fields


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _mark(mark: Any, message: str, accepted: str) -> Unreadable:
    return _at(mark.line + 1, mark.column + 1, message, accepted) if mark else _at(1, 1, message, accepted)


def _at(line: int, column: int, message: str, accepted: str) -> Unreadable:
    return Unreadable(Problem(line, column, "", message, accepted))
