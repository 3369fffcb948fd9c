"""Items are added to a file that people wrote, and every byte that was there stays as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from ecs_gitops import manifest
from ecs_gitops.manifest.splice import CannotSplice, spliced
from ecs_gitops.manifest.writer import Entry
from ecs_gitops.model.errors import InvalidManifest

WEB = Entry({"service": "new", "clusterName": "shop", "serviceName": "new", "image": "new:1"}, ("a note",))
JOB = Entry({"cwRuleName": "new-rule", "containers": [{"name": "a", "image": "a:1"}]})
FLOW = '{service: new, clusterName: shop, serviceName: new, image: "new:1"}'
OLD = "{service: a, clusterName: c, serviceName: a, image: a}"
TASKS = "tasks: [{service: a, cwRuleName: a, image: a}]"
BLOCK = """\
  - service: new
    clusterName: shop
    serviceName: new
    image: "new:1"
    # a note
"""
# A text in which line ends count comes last.
TEXT_AT_THE_END = """\
services:
- service: a
  clusterName: c
  serviceName: a
  image: a
  hooks:
    preDeploy:
      command:
      - sh
      - |
        one

"""
HAND = """\
# Ours. Do not touch.
release:   4.0     # the number
services:
    -   service: web        # the shop
        clusterName: shop
        serviceName: web
        image:  'web:1'

    # api comes after web
    -   {service: api, clusterName: shop, serviceName: api, image: "api:1"} # in one line
        # more of api
# the end
"""


def added(text: str, services: bool = True, tasks: bool = False) -> str:
    parts = {"tasks": [JOB] if tasks else [], "services": [WEB] if services else []}
    return spliced(text.encode(), "deployment.yaml", parts).decode()


def removed(before: str, after: str) -> str:
    """What was added, where ``after`` is ``before`` with something in one or more places; a failure otherwise."""
    rest, found = iter(after), []
    for character in before:
        for other in rest:
            if other == character:
                break
            found.append(other)
        else:
            pytest.fail(f"{character!r} of the file is gone")
    return "".join([*found, *rest])


def test_a_new_service_comes_after_the_last_one_in_the_files_own_indentation():
    new = """\
    - service: new
      clusterName: shop
      serviceName: new
      image: "new:1"
      # a note
"""
    head, end, tail = HAND.partition("# the end\n")
    assert added(HAND) == head + new + end + tail


def test_a_list_that_is_not_there_is_made():
    assert added(HAND, services=False, tasks=True).startswith(HAND.removesuffix("# the end\n"))
    assert added(HAND, tasks=True).count("tasks:\n  - cwRuleName: new-rule\n") == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"services: [{OLD},  # one\n]\n", f"services: [{OLD}, {FLOW},  # one\n]\n"),
        (f"{{{TASKS}, services: [ ]}}", f"{{{TASKS}, services: [{FLOW} ]}}"),
        (f"{{{TASKS}}}\n", f"{{{TASKS}, services: [{FLOW}]}}\n"),
        (f"{TASKS}\nservices: # none yet\nx-a: b\n", f"{TASKS}\nservices: # none yet\n{BLOCK}x-a: b\n"),
        (f"services:\n  - {OLD}", f"services:\n  - {OLD}\n{BLOCK}".removesuffix("\n")),
    ],
)
def test_flow_style_empty_lists_and_a_last_line_without_end_are_kept(before, after):
    assert added(before) == after


@pytest.mark.parametrize(
    "before",
    [
        f"x-all: &all\n- {OLD}\nservices: *all\n",
        f"services: &all\n- {OLD}\nx-all: *all\n",
        f"services: null\n{TASKS}\n",
        TEXT_AT_THE_END,
        f"<<: {{services: [{OLD}]}}\n",
    ],
)
def test_where_nothing_can_be_added_the_file_is_refused_with_the_reason(before):
    manifest.load(before.encode(), "deployment.yaml")
    with pytest.raises(CannotSplice):
        added(before)


def test_a_file_that_is_no_manifest_is_refused():
    with pytest.raises(InvalidManifest):
        added("services: 1\n")


def test_a_new_item_that_is_there_already_is_refused():
    with pytest.raises(CannotSplice, match="it would be invalid: the same service as"):
        added(added(HAND))


PAGE = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
ODD = [
    f"x-all: &all {OLD}\nservices:\n- *all\n",
    "x-all: &all {clusterName: c, image: a}\nservices:\n- <<: *all\n  service: a\n  serviceName: a # end",
    "services:\n- service: a\n  clusterName: c\n  serviceName: a\n  image: 'a'\nx-text: |\n  services:\n  - a\n\n",
    "services:\n-\n  service: a\n  clusterName: c\n  serviceName: a\n  image: a\n\n  # \t\n",
    'services:\n- service: a\n  clusterName: "c"\n  serviceName: a\n  image: "a\\\n    :1"\n',
    f"---\nservices: [\n  {OLD}\n  , ]\n...\n",
    f"? services\n: - {OLD}\n",
    f'"services": [{OLD}]',
    f"services:\n- {OLD}\nx-empty:\n",
    f"{{services: [{OLD}], x-empty: }}\n",
]


def is_good(text: str) -> bool:
    """Whether an example is none of a mistake."""
    try:
        manifest.load(text.encode(), "")
    except InvalidManifest:
        return False
    return True


@pytest.mark.parametrize("before", [*filter(is_good, EXAMPLES), *ODD])
def test_every_example_and_odd_file_is_kept_or_refused(before):
    known = manifest.load(before.encode(), "")
    for services, tasks in ((True, False), (False, True), (True, True)):
        try:
            after = added(before, services, tasks)
        except CannotSplice:
            assert "|" in before or "pinDigest: true" in before
            continue
        removed(before, after)
        loaded = manifest.load(after.encode(), "")
        assert len(loaded.services) == len(known.services) + services
        assert len(loaded.tasks) == len(known.tasks) + tasks


# --- files as people write them ------------------------------------------------------------------------------------

words = st.sampled_from(["web", "api", "'q'", '"d"', "x1", "1.10"])
spaces = st.sampled_from([" ", "   "])
ends = st.sampled_from(["", "  # why", " # ä → 😀", "   "])
loose = st.sampled_from(["", "", "\n", "# a comment\n", "      # deeper\n", "\n\n#x\n"])


@st.composite
def items(draw: st.DrawFn, number: int, dash: int, kind: str) -> str:
    gap, pad = draw(spaces), " " * dash
    inner = pad + " " * (1 + len(gap))
    name = f"{kind}-{number}"
    where = ["clusterName: shop", f"serviceName: {name}"] if kind == "services" else [f"cwRuleName: {name}"]
    fields = [f"service:{draw(spaces)}{draw(words)}", *where, f"image: '{name}:1'"]
    if draw(st.booleans()):
        return f"{pad}-{gap}{{{', '.join(fields)}}}{draw(ends)}\n{draw(loose)}"
    fields = draw(st.permutations(fields))
    if kind == "services" and draw(st.booleans()):
        fields = [*fields, f"hooks: {{preDeploy: {{command: [a, {draw(words)}]}}}}"]
    lines = [f"{field}{draw(ends)}" for field in fields]
    return f"{pad}-{gap}" + f"\n{inner}".join(lines) + f"\n{draw(loose)}"


@st.composite
def hand_written(draw: st.DrawFn) -> str:
    parts = [draw(loose)]
    if draw(st.booleans()):
        parts.append(f"release: 4.0{draw(ends)}\n")
    kinds = draw(st.lists(st.sampled_from(["tasks", "services"]), min_size=1, max_size=2, unique=True))
    for kind in kinds:
        parts.append(f"{kind}:{draw(ends)}\n{draw(loose)}")
        dash = draw(st.sampled_from([0, 2, 4]))
        parts += [draw(items(n, dash, kind)) for n in range(draw(st.integers(1, 4)))]
    if draw(st.booleans()):
        parts.append(f"x-notes: [a, b]{draw(ends)}\n")
    if draw(st.booleans()):
        parts.append(draw(st.sampled_from(["...\n", "# end", "\n\n"])))
    return "".join(parts)


@settings(max_examples=400)
@given(hand_written(), st.booleans(), st.booleans(), st.sampled_from([(True, False), (False, True), (True, True)]))
@example(HAND, True, True, (True, True))
def test_every_byte_of_a_file_stays_and_the_new_items_are_read(text, crlf, bom, which):
    # GIVEN any file that people wrote, with the line ends and the byte order mark of any editor
    data = (text.replace("\n", "\r\n") if crlf else text).encode("utf-8-sig" if bom else "utf-8")
    try:
        before = manifest.load(data, "deployment.yaml")
    except InvalidManifest:
        assume(False)
    added_services, added_tasks = which
    parts = {"services": [WEB] if added_services else [], "tasks": [JOB] if added_tasks else []}
    # WHEN items are added
    result = spliced(data, "deployment.yaml", parts)
    # THEN the file without them is what it was, byte by byte, and it has the old items and the new ones
    new = removed(data.decode(), result.decode())
    assert ("\r\n" in new) == crlf or "\n" not in new
    after = manifest.load(result, "deployment.yaml")
    assert after.services[: len(before.services)] == before.services
    assert after.tasks[: len(before.tasks)] == before.tasks
    assert [each.service_name for each in after.services[len(before.services) :]] == ["new"] * added_services
    assert [each.cw_rule_name for each in after.tasks[len(before.tasks) :]] == ["new-rule"] * added_tasks
    assert (after.release, after.defaults) == (before.release, before.defaults)
