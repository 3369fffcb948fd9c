"""Hostile manifests: only documented errors, each reported in a few readable lines."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz
import hostile
import worst_cases
from ecs_gitops import manifest
from ecs_gitops.model.errors import InvalidManifest

WEB = {"service": "w", "clusterName": "c", "image": "i"}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "1e999"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["services", "defaults", "dependsOn", "hooks", "\ud800"]), inner, max_size=3)
    ),
    max_leaves=12,
)


def problem_lines(data):
    """The problems of a file, or of an execution's input."""
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(data, "f") if isinstance(data, bytes) else manifest.from_json(data)
    return [f"{problem.path}: {problem.message}; {problem.accepted}" for problem in caught.value.problems]


# --- anything at all -------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_manifest_or_an_invalid_one(data):
    hostile.judge_manifest(data)


@settings(deadline=None, max_examples=60)
@given(data=values)
def test_any_json_is_a_manifest_or_an_invalid_one(data):
    hostile.judge_input(data)
    hostile.judge_input({"services": data})
    hostile.judge_input({"input": data})


@settings(deadline=None, max_examples=250)
@given(number=st.integers(0, 10**6))
def test_what_the_fuzzer_makes_has_a_documented_outcome(number):
    fuzz.judged(*fuzz.made(number))


@pytest.mark.parametrize("text", hostile.manifests())
def test_what_the_fuzzer_begins_with_is_good(text):
    assert hostile.judge_manifest(text.encode()) in ("good", "InvalidManifest")
    assert hostile.judge_manifest(hostile.EVERYTHING.encode()) == "good"


# --- characters, numbers, depth --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"release: \xff", "f:1:10"),
        (b"\xef\xbb\xbfrelease: \xff", "f:1:10"),
        (b"\xef\xbb\xbfa: 1\n\xff", "f:2:1"),
        (b"\xef\xbb\xbf\xff", "f:1:1"),
        ("services: []".encode("utf-16"), "f:1:1"),
    ],
    ids=["no mark", "a mark", "a line later", "nothing else", "UTF-16"],
)
def test_what_is_not_utf8_is_reported_at_its_place_also_behind_a_byte_order_mark(data, place):
    with pytest.raises(InvalidManifest, match=f"^{place}: not UTF-8"):
        manifest.load(data, "f")


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\u200b\ufeff", "\ud800"])
def test_characters_that_yaml_does_not_allow_are_reported_and_not_printed(character):
    [line] = problem_lines(f"release: 'a{character}'".encode("utf-8", "surrogatepass"))
    assert line.isprintable()


@pytest.mark.parametrize(
    "number",
    [math.inf, -math.inf, math.nan, 10**5_000, -(10**5_000)],
    ids=["infinity", "-infinity", "not a number", "5,000 digits", "-5,000 digits"],
)
def test_numbers_that_json_does_not_have_are_reported(number):
    [line] = problem_lines({"services": [{**WEB, "serviceName": "w", "timeoutMinutes": number}]})
    assert "number" in line


@pytest.mark.parametrize("text", ["1e999", ".inf", "-.nan", "0x10", "1" * 5_000, "-1", "1_0"])
def test_numbers_of_yaml_are_texts_that_are_no_minutes(text):
    lines = problem_lines(
        f"services: [{json.dumps({**WEB, 'serviceName': 'w'})[:-1]}, timeoutMinutes: {text}}}]".encode()
    )
    assert lines[0].startswith("services[0].timeoutMinutes: ")
    assert len(lines[0]) < 250


@pytest.mark.parametrize("depth", [21, 500])
def test_depth_is_bounded_in_either_language(depth):
    inner: object = "x"
    for _ in range(depth):
        inner = [inner]
    assert "nested" in problem_lines({"services": inner})[0]
    assert "nested" in problem_lines(json.dumps({"services": inner}).encode())[0]


def test_a_key_that_is_a_mapping_or_huge_has_a_short_message():
    assert "not a plain word" in problem_lines(b"? {a: b}\n: 1\n")[0]
    lines = problem_lines(b"? " + b"k" * 9_000 + b"\n: 1\n")
    assert all(len(line) < 400 for line in lines)


def test_a_huge_tag_has_a_short_message():
    assert len(problem_lines(b"!" + b"t" * 9_000 + b" x")[0]) < 400


# --- what is bounded -------------------------------------------------------------------------------------------------


def test_pairs_of_dependencies_are_bounded_however_they_are_written():
    # GIVEN services of one name that depend on each other, and names in defaults
    same = {"service": "w", "image": "i", "serviceName": "a", "dependsOn": ["a"]}
    [line] = problem_lines({"defaults": same, "services": [{"clusterName": f"c{n}"} for n in range(400)]})
    assert line.startswith("services: `dependsOn` makes 160,000 pairs")
    assert "at most 100,000" in line
    names = [f"s{n}" for n in range(400)]
    [line] = problem_lines(
        {"defaults": {**WEB, "dependsOn": names}, "services": [{"serviceName": name} for name in names]}
    )
    assert "160,000 pairs" in line


def test_as_many_pairs_as_a_release_needs_are_good():
    # GIVEN 500 services that wait for the first hundred, those excepted
    names = [f"s{n}" for n in range(600)]
    services = [{"serviceName": n, **({"dependsOn": names[:100]} if i >= 100 else {})} for i, n in enumerate(names)]
    read = manifest.from_json({"defaults": WEB, "services": services})
    assert len(read.services[-1].depends_on) == 100


def test_what_defaults_come_to_in_all_items_is_bounded():
    containers = [{"name": f"n{n}", "image": "i"} for n in range(1_000)]
    [line] = problem_lines(
        {"defaults": {"containers": containers}, "tasks": [{"cwRuleName": f"r{n}"} for n in range(1_000)]}
    )
    assert line.startswith("defaults: copied into each item, the defaults have 20,890,000 characters")
    assert "at most 5,000,000" in line


def test_texts_that_aliases_repeat_are_bounded():
    [line] = problem_lines(b"release: &a '" + b"x" * 100_000 + b"'\nservices: [" + b"*a," * 200 + b"]")
    assert "too many values, those of aliases included" in line


def test_a_list_has_at_most_ten_thousand_items():
    for name in ("services", "tasks"):
        [line] = problem_lines({name: [{}] * 10_001})
        assert line == f"{name}: the list has 10,001 elements; at most 10,000"


def test_values_and_keys_are_counted_before_the_tree_is_made():
    [line] = problem_lines(b"x-a: [" + b"1," * 400_000 + b"]")
    assert line == ": too many values and keys; at most 400,000 in a file"
    [line] = problem_lines({"services": [1] * 200_000})
    assert line == ": it has more than 200,000 values; the content of deployment.json"
    [line] = problem_lines(b"x-a: [" + b"1," * 200_000 + b"]")
    assert line.startswith(": too many values, those of aliases included; at most 200,000 values")


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_directives_are_counted_because_each_is_compared_with_all_before_it(end):
    [line] = problem_lines("".join(f"%TAG !a{n}! x{end}" for n in range(101)).encode())
    assert line == ": 101 lines begin with %; at most 100"
    few = (
        "".join(f"%TAG !a{n}! x{end}" for n in range(99))
        + f"--- {json.dumps({'services': [{**WEB, 'serviceName': 'w'}]})}"
    )
    assert manifest.load(few.encode(), "f").services


def test_the_check_of_a_file_of_problems_stops_early():
    with pytest.raises(InvalidManifest) as caught:
        manifest.load(b"services: [" + b"{}," * 9_000 + b"]", "f")
    assert len(caught.value.problems) == 10_000
    assert len(str(caught.value)) < 20_000


def test_the_nearest_name_is_searched_as_long_as_it_is_cheap():
    # GIVEN long names that are all alike
    services = [{"serviceName": f"{'ab' * 60}{n}", "dependsOn": [f"{'ba' * 60}{n}"]} for n in range(150)]
    lines = problem_lines({"defaults": WEB, "services": services})
    # THEN all the wrong ones are reported, the first with a hint
    assert len(lines) == 150
    assert 0 < sum("did you mean" in line for line in lines) < 20


def test_a_merge_key_adds_what_the_mapping_does_not_have_the_first_one_winning():
    text = b"""\
defaults: &a {clusterName: a, service: a}
services:
  - {<<: [{clusterName: b, image: b}, *a], serviceName: w, <<: {image: c, service: c}}
"""
    read = manifest.load(text, "f").services[0]
    assert (read.cluster_name, read.service, read.image) == ("b", "a", "b")


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_the_worst_files_are_judged_in_bounded_time(worst):
    # GIVEN what each of them costs, but for the largest ones, which are for `make fuzz`
    costs = worst("manifests")
    assert list(costs) == worst_cases.names("manifests")
    # THEN each has its outcome, in bounded time and memory
    assert worst_cases.wrong("manifests", costs) == {}
