"""Plays the story of a seed, and says what is not so; ``python -m unit.memory_play SEED`` shows it for people."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

import pytest

from unit.memory_dense import story
from unit.memory_facts import Facts
from unit.memory_item import Item
from unit.memory_model import Model
from unit.memory_world import World


def lies(seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is not so in the story of ``seed``."""
    told = story(seed)
    world = World(told, monkeypatch)
    return Model(world.account, told, world.play()).lies()


def shown(seed: int) -> Iterator[str]:
    """The story of a seed, line by line."""
    told = story(seed)
    with pytest.MonkeyPatch.context() as patched:
        world = World(told, patched)
        history = world.play()
    yield f"stale {told.stale}, skew {told.skew:.0f}, {told.images}"
    yield from (f"{name}: {settings}" for name, settings in told.settings.items())
    for facts in history:
        yield from _of_push(facts)
    yield from Model(world.account, told, history).lies()


def _of_push(facts: Facts) -> Iterator[str]:
    yield from (f"   {done}" for done in facts.between)
    push = facts.push
    yield f"push {facts.number} at {facts.began:.0f}: abort {push.abort} {push.ends}, {push.during}"
    for name, asked in facts.asked.items():
        item = Item(facts, name, asked, facts.items.get(name, {}))
        yield f"   asked: {dict(asked)}"
        yield f"   before: {item.before}"
        yield from (f"      {done}" for done in item.hands)
        yield from (f"      {each}" for each in facts.deployed if each.service == name and each.at >= facts.began)
        yield from (f"      {each}" for each in facts.checked if each.revision.startswith(f"{name}:"))
        yield f"   after: {item.after}"
        yield f"   reported: {item.status} {item.reason}"
        yield f"   remembered: {(facts.memory_after or {}).get(f'service shop/{name}')}"


def main(seeds: list[str]) -> None:
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(BrokenPipeError):
        for seed in seeds:
            sys.stdout.write("\n".join(shown(int(seed))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
