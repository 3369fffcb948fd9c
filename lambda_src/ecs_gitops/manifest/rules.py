"""What items have to do with each other: the rules of the manifest's table. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ecs_gitops.manifest.kinds import WRONG, Finding, Values


def something_to_deploy(values: Values) -> Iterable[Finding]:
    """At least one item, in whichever list. A list that is wrong as a whole is told elsewhere."""
    if not values.get("tasks") and not values.get("services"):
        yield Finding("", "neither tasks nor services", "at least one item in `tasks` or `services`")


def one_item_per_target(
    name: str, kind: str, target: Sequence[str], implied: Mapping[str, str] | None = None
) -> Callable[[Values], Iterable[Finding]]:
    """A rule for the list ``name``: no two items have the same values of the fields ``target``, defaults included.

    Whichever came last would win, and nobody would see the other. ``implied`` are the values of fields that neither
    the item nor ``defaults`` has. Items whose target is not known for sure are left out.
    """

    def check(values: Values) -> Iterable[Finding]:
        defaults = values.get("defaults")
        seen: dict[tuple[object, ...], str] = {}
        items = values.get(name)
        for index, item in enumerate(items if isinstance(items, tuple) else ()):
            if not isinstance(item, Mapping):
                continue
            given = {**(implied or {}), **(defaults if isinstance(defaults, Mapping) else {}), **item}
            key = tuple(given.get(field) for field in target)
            if WRONG in key or any(given.get(field) is None for field in target if field not in _MAY_BE_ABSENT):
                continue
            path = f"{name}[{index}]"
            first = seen.setdefault(key, path)
            if first != path:
                yield Finding(path, f"the same {kind} as {first}", "each target once", first)

    return check


# The deployer's own are taken then, which the file does not know.
_MAY_BE_ABSENT = frozenset({"account", "region"})
