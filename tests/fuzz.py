"""Fuzz what reads manifests, images, executions' inputs, the state machine's events, the ledger's objects and texts
from outside.

``PYTHONPATH=lambda_src:tests python -m fuzz --seconds 60 --seed 1``: each input is made from its own number, and
judged by :mod:`hostile`. At the first undocumented outcome, or one that takes too long, the input is printed with its
number (``--only NUMBER`` makes it again) and the exit code is 1.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

import hostile
import outside
import references
from ecs_gitops.manifest.field_types import ListOf, Object
from ecs_gitops.manifest.fields import DEPLOYMENT

# CPU time that one small input may take.
_SECONDS_AT_MOST = 5.0
_REPORT_EVERY = 10.0
_SHOWN = 20_000
# What part of the inputs are image references, which take no time.
_IMAGES = 0.3

# Values that something might stumble over.
NASTY: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**9,
    10**18,
    10**400,
    -(10**400),
    0.1,
    -0.0,
    1e308,
    float("inf"),
    float("-inf"),
    float("nan"),
    "",
    " ",
    "~",
    "null",
    "true",
    "1e999",
    "0x10",
    "a\nb",
    "\0",
    "\x1b[31m",
    "\u202e",
    "\u2028",
    "\ud800",
    "\udfff\ud800",
    "\U0001f600",
    "\ufeff",
    "x" * 300,
    "x" * 5_000,
    "a/b",
    "a:b@c",
    "%s{0}$.x",
    "arn:aws:iam::1:role/x",
    "PENDING",
    "IN_PROGRESS",
    "DEPLOYED",
    "FAILED",
    "ROLLBACK",
    "PRE_DEPLOY",
    "POST_DEPLOY",
    "CHECK",
    "DEPLOY",
    "DONE",
    "task",
    "service",
    "CANARY",
    "LINEAR",
    "rollbackRelease",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"": None},
    {"a": {"a": {"a": []}}},
    {"Error": "E", "Cause": '{"errorMessage": 3}'},
)
# Text that means something to YAML.
SNIPPETS = (
    *(": ", "- ", "? ", "<<: ", "*a", "&a ", "!!", "!x ", "|\n", ">-\n", "{", "}", "[", "]", ",", "#", "%", "@", "`"),
    *("---\n", "...\n", "\t", "\r", "\n", "\0", "'", '"', "\\", "\x85", "\u2028", "\ufeff", "\ud7ff", "\U0010ffff"),
    *("1e999", ".nan", ".inf", "-0", "0o7", "1_000", "~", "null", "=", "services:\n", "defaults: &a {", "  <<: *a\n"),
    *("x-a: &a {", "x-a: [", "desiredCount: ", "cpu: "),
)


class Source(random.Random):
    """Random values of the kinds that are needed here."""

    def nasty(self) -> Any:
        if self.random() < 0.1:
            value: Any = self.choice(("x", 1, None))
            for _ in range(self.choice((5, 19, 20, 21, 22, 100))):
                value = [value] if self.random() < 0.5 else {"a": value}
            return value
        return copy.deepcopy(self.choice(NASTY))

    def structure(self, kind: Any, depth: int = 0) -> Any:
        """Something like what the table of fields describes, and not quite."""
        if self.random() < 0.02 or depth > 6:
            return self.nasty()
        if isinstance(kind, Object):
            made = {f.name: self._field(f, depth) for f in kind.fields if self.random() < (0.9 if f.required else 0.3)}
            if self.random() < 0.05:
                made[str(self.nasty())[:50]] = self.nasty()
            return made
        if isinstance(kind, ListOf):
            return [self.structure(kind.element, depth + 1) for _ in range(self.choice((0, 1, 1, 2, 2, 3)))]
        return self.nasty()

    def _field(self, field: Any, depth: int) -> Any:
        if isinstance(field.type, Object | ListOf):
            return self.structure(field.type, depth + 1)
        if self.random() < 0.03:
            return self.nasty()
        values = getattr(field.type, "values", None)
        if values:
            return self.choice(values)
        if field.name in ("serviceName", "cwRuleName") and self.random() < 0.7:
            return self.choice(("web", "api", "nightly", "a", "b"))
        return field.example

    def mutated(self, data: Any) -> Any:
        """``data``, with one thing changed somewhere in it."""
        holder: Any = [data]
        places = list(_places(holder))
        parent, key = self.choice(places)
        value = parent[key]
        way = self.randrange(8)
        if way < 3:
            parent[key] = self.nasty()
        elif way == 3 and isinstance(parent, dict):
            del parent[key]
        elif way == 3:
            parent.insert(key, copy.deepcopy(value))
        elif way == 4:
            other, name = self.choice(places)
            parent[key] = copy.deepcopy(other[name])
        elif way == 5 and isinstance(value, dict):
            value[self._key(places)] = self.nasty()
        elif way == 5 and isinstance(value, int | float):
            parent[key] = self.choice((-value, value + 1, value * 10**6, str(value), [value]))
        elif way == 6 and isinstance(parent, dict):
            parent[self._key(places)] = parent.pop(key)
        elif isinstance(value, str):
            at = self.randrange(len(value) + 1)
            parent[key] = value[:at] + str(self.choice(SNIPPETS)) + value[at + self.randrange(3) :]
        else:
            parent[key] = self.choice(([value], {"a": value}, str(value)))
        return holder[0] if holder else None

    def _key(self, places: Sequence[tuple[Any, Any]]) -> str:
        known = [key for _, key in places if isinstance(key, str)]
        return self.choice(known) if known and self.random() < 0.8 else str(self.nasty())[:100]

    def changed(self, recorded: hostile.Recorded) -> tuple[Any, dict[str, bytes]]:
        """A real event and the ledger's objects at that moment, with one thing changed in one of them."""
        event, objects = json.loads(recorded.event), dict(recorded.objects)
        if not recorded.read or self.random() < 0.5:
            return self.mutated(event), objects
        # Objects that nobody reads need no change, but for one.
        key = self.choice(recorded.read if self.random() < 0.95 else tuple(objects))
        content = self.damaged(objects.pop(key))
        return event, objects if content is None else {**objects, key: content}

    def damaged(self, content: bytes) -> bytes | None:
        """An object of the ledger after something happened to it; None where it was deleted."""
        way = self.random()
        if way < 0.1:
            return None
        if way < 0.2:
            return content[: self.randrange(len(content) + 1)]
        if way < 0.25:
            return self.text(content.decode())
        if way < 0.3:
            return json.dumps(self.nasty()).encode()
        data = json.loads(content)
        if way < 0.4 and isinstance(data, dict):
            return json.dumps({**data, "schemaVersion": self.choice((0, 2, 4, 99, self.nasty()))}).encode()
        return json.dumps(self.mutated(data)).encode()

    def text(self, text: str) -> bytes:
        """A YAML text with a few places of it changed."""
        for _ in range(self.choice((1, 1, 2, 3, 8))):
            at = self.randrange(len(text) + 1)
            to = min(len(text), at + self.choice((0, 0, 1, 5, 40)))
            lines = text.splitlines(keepends=True) or [""]
            put = self.choice(
                (self.choice(SNIPPETS), "", text[at:to] * 3, self.choice(lines), chr(self.randrange(256)))
            )
            text = text[:at] + put + text[to:]
        data = bytearray(text.encode("utf-8", "replace"))
        if self.random() < 0.1:
            data[self.randrange(len(data) + 1) : 0] = bytes((self.randrange(256),))
        return self.choice((b"", b"", b"", b"\xef\xbb\xbf", b"\xff\xfe")) + bytes(data)


def _places(data: Any) -> Any:
    entries = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(entries):
        yield data, key
        if isinstance(value, dict | list):
            yield from _places(value)


def _event(source: Source) -> tuple[str, Any]:
    recorded = source.choice(hostile.events())
    name, (event, objects) = recorded.handler, source.changed(recorded)
    for _ in range(source.choice((0, 0, 0, 1, 3))):
        if source.random() < 0.5 or not objects:
            event = source.mutated(event)
            continue
        key = source.choice(tuple(objects))
        # What is no JSON any more stays as it is.
        with contextlib.suppress(ValueError):
            content = source.damaged(objects[key])
            del objects[key]
            objects |= {} if content is None else {key: content}
    if source.random() < 0.05:
        name = source.choice(sorted(hostile.HANDLERS))
    return name, (event, objects)


def made(number: int) -> tuple[str, Any]:
    """The input of this number: what it is for (``manifest``, ``image``, ``text``, a handler, …), and itself: for a
    handler, an event and the ledger's objects."""
    source = Source(number)
    if source.random() < _IMAGES:
        return "image", references.made(source)
    way = source.random()
    if way < 0.1:
        return source.choice((("text", outside.made(source)), ("texts", [outside.made(source) for _ in range(6)])))
    way = source.random()
    if way < 0.2:
        return "manifest", source.text(source.choice(hostile.manifests()))
    if way < 0.35:
        data = yaml.safe_load(source.choice(hostile.manifests()))
        for _ in range(source.choice((1, 1, 2, 5))):
            data = source.mutated(data)
        text = json.dumps(data, ensure_ascii=source.random() < 0.5)
        return "manifest", text.encode("utf-8", "surrogatepass")
    if way < 0.5:
        return "input", source.structure(DEPLOYMENT)
    if way < 0.6:
        return "manifest", json.dumps(source.structure(DEPLOYMENT)).encode()
    return _event(source)


def judged(kind: str, data: Any) -> str:
    """The result for an input. Raises :class:`hostile.Undocumented`, also when it took too long."""
    began = time.process_time()
    if kind == "manifest":
        reported = hostile.judge_manifest(data)
    elif kind == "text":
        reported = outside.judge_text(data)
    elif kind == "texts":
        reported = outside.judge_notice(data)
    elif kind == "image":
        reported = hostile.judge_image(data)
    elif kind == "input":
        reported = hostile.judge_input(data)
    else:
        reported = hostile.judge_event(kind, *data)
    seconds = time.process_time() - began
    if seconds > _SECONDS_AT_MOST:
        raise hostile.Undocumented(f"it took {seconds:.1f} s")
    return f"{kind}: {reported}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of the one input to judge")
    options = parser.parse_args(arguments)
    until, report = time.monotonic() + options.seconds, time.monotonic() + _REPORT_EVERY
    number = options.seed * 10**9 if options.only is None else options.only
    counts: Counter[str] = Counter()
    while time.monotonic() < until:
        kind, data = made(number)
        try:
            counts[judged(kind, data)] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, the input is what is needed
            sys.stderr.write(f"number {number}, {kind}: {type(error).__name__}: {error}\n{_shown(data)}\n")
            return 1
        if options.only is not None:
            break
        number += 1
        if time.monotonic() >= report:
            report += _REPORT_EVERY
            sys.stdout.write(f"{sum(counts.values()):,} inputs, nothing undocumented\n")
            sys.stdout.flush()
    for reported, count in sorted(counts.items()):
        sys.stdout.write(f"{count:>9,}  {reported}\n")
    return 0


def _shown(data: Any) -> str:
    if isinstance(data, tuple):
        event, objects = data
        return "\n".join((json.dumps(event), *_shown_objects(objects)))[:_SHOWN]
    return (repr(data) if isinstance(data, bytes) else json.dumps(data))[:_SHOWN]


def _shown_objects(objects: Mapping[str, bytes]) -> list[str]:
    # What was changed comes last in the ledger, and first here.
    return [f"{key}: {content!r}" for key, content in reversed(objects.items())]


if __name__ == "__main__":
    sys.exit(main())
