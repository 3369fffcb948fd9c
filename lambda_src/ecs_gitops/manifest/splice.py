"""Add items to a manifest that people wrote, and keep every byte of the rest. Pure.

New text goes to places that YAML's own events mark. The result is read again, and compared with what it is to be.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ecs_gitops.manifest import Manifest, load
from ecs_gitops.manifest.writer import Entry, item_flow, item_lines
from ecs_gitops.model.errors import EcsGitopsError, InvalidManifest

_LISTS = ("tasks", "services")


class CannotSplice(EcsGitopsError):
    """The file is written in a way in which nothing can be added without changing the rest; the text says why."""


@dataclass(frozen=True, slots=True)
class _List:
    """One of the lists. ``first`` and ``last`` are the events at its beginning and at the end of its last value, which
    is None for an empty list."""

    first: Any
    last: Any | None

    @property
    def is_flow(self) -> bool:
        return bool(getattr(self.first, "flow_style", False))


@dataclass(frozen=True, slots=True)
class _File:
    """The lists that the file has, the column of its keys, its last value, and whether it is one flow mapping."""

    lists: Mapping[str, _List]
    column: int
    last: Any
    is_flow: bool


def spliced(data: bytes, file: str, added: Mapping[str, Sequence[Entry]]) -> bytes:
    """The file's bytes with the entries ``added`` at the end of its lists, by the lists' names.

    Raises :class:`InvalidManifest` for a file that is no manifest, and :class:`CannotSplice`, also where the new items
    do not fit to the rest."""
    before = load(data, file)
    bom = BOM_UTF8 if data.startswith(BOM_UTF8) else b""
    text = data[len(bom) :].decode()
    newline = "\r\n" if "\r\n" in text else "\n"
    known = _events(text)
    given = {name: entries for name, entries in added.items() if entries}
    inserted = [_into(text, name, known.lists[name], given[name], known) for name in given if name in known.lists]
    # From the end, so that the places before stay what they are.
    inserted.sort(key=lambda each: each[0], reverse=True)
    if absent := {name: entries for name, entries in given.items() if name not in known.lists}:
        # First, as it comes after what is added to the last list.
        inserted.insert(0, _new_lists(text, known, absent))
    for place, new in inserted:
        text = text[:place] + new.replace("\n", newline) + text[place:]
    result = bom + text.encode()
    try:
        is_as_expected = load(result, file) == _expected(before, added)
    except InvalidManifest as error:
        raise CannotSplice(f"with the new items it would be invalid: {error.problems[0].message}") from None
    if not is_as_expected:
        raise CannotSplice("with the new items it would not read as it should: add them by hand")
    return result


def _expected(before: Manifest, added: Mapping[str, Sequence[Entry]]) -> Manifest:
    made = Manifest.of({name: [dict(entry.values) for entry in entries] for name, entries in added.items()})
    return replace(
        before,
        tasks=(*before.tasks, *made.tasks),
        services=(*before.services, *made.services),
    )


# --- where the lists are -------------------------------------------------------------------------------------------


def _events(text: str) -> _File:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lists: dict[str, _List] = {}
    root = last = name = None
    depth, is_key = 0, True
    for event in yaml.parse(text, Loader=loader):
        starts, ends = isinstance(event, yaml.CollectionStartEvent), isinstance(event, yaml.CollectionEndEvent)
        is_value = isinstance(event, yaml.ScalarEvent | yaml.AliasEvent)
        if root is None:
            root = event if isinstance(event, yaml.MappingStartEvent) else None
            continue
        depth -= ends
        if depth < 0:
            break
        if depth == 0 and (starts or is_value) and is_key:
            name, is_key = getattr(event, "value", None), False
        elif depth == 0 and not is_key and (starts or is_value):
            if name in _LISTS:
                lists[name] = _List(event, None)
            is_key = not starts
        elif depth == 0 and ends:
            is_key = True
        if is_value or (ends and _is_flow_end(text, event)):
            last = event
            if name in lists and depth > 0:
                lists[name] = replace(lists[name], last=event)
        depth += starts
    if last is None or root is None or root.start_mark is None:
        raise CannotSplice("the file has no top-level fields")
    return _File(lists, root.start_mark.column, last, bool(root.flow_style))


def _is_flow_end(text: str, event: Any) -> bool:
    """Whether a collection ends with a bracket, whose place is known; the end of one in block style is not."""
    start, end = event.start_mark.index, event.end_mark.index
    return end == start + 1 and text[start:end] in ("]", "}")


# --- what is inserted there ----------------------------------------------------------------------------------------


def _into(text: str, name: str, found: _List, entries: Sequence[Entry], known: _File) -> tuple[int, str]:
    import yaml

    first: Any = found.first
    end = first.end_mark.index
    if isinstance(first, yaml.AliasEvent) or getattr(first, "anchor", None):
        raise CannotSplice(f"`{name}` is an alias or has an anchor: write the list out, or add the new items by hand")
    if isinstance(first, yaml.ScalarEvent):
        if first.value or known.is_flow:
            raise CannotSplice(f"`{name}` has no list: take `{name}` out, or write `{name}:` without a value")
        place = _line_end(text, end)
        return place, _after(text, place, _block(entries, " " * (known.column + 2)))
    if found.is_flow:
        if found.last is None:
            return first.start_mark.index + 1, ", ".join(map(item_flow, entries))
        return found.last.end_mark.index, "".join(f", {item_flow(entry)}" for entry in entries)
    indent = " " * first.start_mark.column
    place = _end_of_value(text, found.last, len(indent))
    return place, _after(text, place, _block(entries, indent))


def _new_lists(text: str, known: _File, absent: Mapping[str, Sequence[Entry]]) -> tuple[int, str]:
    if known.is_flow:
        flow = (f", {name}: [{', '.join(map(item_flow, entries))}]" for name, entries in absent.items())
        return known.last.end_mark.index, "".join(flow)
    place = _end_of_value(text, known.last, known.column)
    indent = " " * known.column
    block = (f"{indent}{name}:\n{_block(entries, indent + '  ')}" for name, entries in absent.items())
    return place, _after(text, place, "".join(block))


def _block(entries: Sequence[Entry], indent: str) -> str:
    return "".join(f"{line}\n" for entry in entries for line in item_lines(entry, indent))


def _end_of_value(text: str, last: Any, column: int) -> int:
    """The beginning of the line after a value, and after the comments that follow it and are indented deeper."""
    if getattr(last, "style", None) in ("|", ">"):
        line = last.start_mark.line + 1
        raise CannotSplice(f"line {line}: a block of text comes right before the place of the new items: move it up")
    place = _line_end(text, last.end_mark.index)
    while place < len(text):
        end = _line_end(text, place)
        line_text = text[place:end]
        content = line_text.lstrip(" ")
        if not content.startswith("#") or len(line_text) - len(content) <= column:
            break
        place = end
    return place


def _line_end(text: str, start: int) -> int:
    """The place after the end of the line that ``start`` is in."""
    end = text.find("\n", start)
    return len(text) if end < 0 else end + 1


def _after(text: str, place: int, new: str) -> str:
    """New lines at ``place``: on a line of their own where the file's last line has no end."""
    return new if place == 0 or text[place - 1] == "\n" else f"\n{new.removesuffix(chr(10))}"
