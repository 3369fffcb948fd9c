"""Names that are made fit for AWS, from any name that an execution may have."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.ecs.revision_tags import EXECUTION, is_ours, tags_for
from ecs_gitops.model.names import session_name, started_by
from unit.conftest import RELEASE

SESSION = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
STARTED_BY = re.compile(r"[A-Za-z0-9/_-]{1,128}")
TAG = re.compile(r"[\w +\-=.:/@]{1,256}")
HOSTILE = (
    "r",
    "release(4.0)!",
    "freigabe-März",
    "リリース",
    "a b",
    "tab\t\n",
    "[x]",
    "🚀" * 80,
    "x" * 65,
    "x" * 80,
    "",
)


def marked(name: str) -> str:
    arn = f"arn:aws:states:us-west-2:111111111111:execution:ecs-gitops:{name}"
    return tags_for(replace(RELEASE, execution_arn=arn, execution_name=name), "web:1", {}, {})[EXECUTION]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_of_an_execution_gives_names_that_aws_takes(name: str) -> None:
    assert SESSION.fullmatch(session_name(name))
    assert STARTED_BY.fullmatch(started_by(name))
    assert TAG.fullmatch(marked(name))


@pytest.mark.parametrize("name", ["run-1", "x" * 64, "a_b+c=d,e.f@g-h"])
def test_a_name_that_fits_stays_as_it_is(name: str) -> None:
    assert session_name(name) == name


def test_a_name_with_a_plain_alphabet_is_told_by_tasks_and_tags_as_it_is() -> None:
    assert started_by("5e1f-run_1") == "ecs-gitops/5e1f-run_1"
    assert marked("run-1") == "ecs-gitops:run-1"


@given(st.text(max_size=90), st.text(max_size=90))
def test_different_executions_stay_different(one: str, other: str) -> None:
    if one == other:
        return
    for make in (session_name, started_by):
        assert make(one) != make(other)


@pytest.mark.parametrize(("one", "other"), [("r(1", "r)1"), ("x" * 70 + "1", "x" * 70 + "2"), ("ü", "é"), ("🚀", "🛑")])
def test_executions_whose_names_look_alike_once_they_fit_are_told_apart(one: str, other: str) -> None:
    assert session_name(one) != session_name(other)
    assert started_by(one) != started_by(other)
    assert marked(one) != marked(other)
    # A revision of the one is not taken for the other's.
    assert not is_ours({EXECUTION: marked(one)}, replace(RELEASE, execution_arn="", execution_name=other))
