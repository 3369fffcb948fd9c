"""The memory of targets as one run of a function reads and writes it: nothing that another run wrote is lost."""

from __future__ import annotations

import pytest

from ecs_gitops.ledger.targets import Memories, Targets
from ecs_gitops.model.errors import LedgerUnavailable
from ecs_gitops.model.memory import Good, Memory
from unit.fake_bucket import FakeBucket

KEY = "targets/111111111111/us-west-2/service.json"


@pytest.fixture
def bucket() -> FakeBucket:
    return FakeBucket()


def targets(bucket: FakeBucket) -> Targets:
    return Targets(bucket, "111111111111", "us-west-2", "service")


def good(**revisions: str) -> dict[str, Memory]:
    return {name: Memory(good=Good(revision=revision)) for name, revision in revisions.items()}


def adding(**revisions: str):
    def change(known: Memories) -> Memories:
        return {**known, **good(**revisions)}

    return change


def test_a_run_reads_the_object_once_however_often_it_writes(bucket):
    # GIVEN a run that has read what is remembered
    run = targets(bucket)
    assert run.read() is None
    # WHEN it writes, reads, and writes again
    run.update(adding(web="web:1"))
    assert run.read() == good(web="web:1")
    run.update(adding(api="api:1"))
    # THEN all of it is there, after one read
    assert targets(bucket).read() == good(web="web:1", api="api:1")
    assert bucket.calls[:-1] == [("read", KEY), ("write", KEY), ("write", KEY)]


def test_what_another_run_wrote_in_between_is_kept(bucket):
    # GIVEN two runs that know the same
    one, other = targets(bucket), targets(bucket)
    one.update(adding(web="web:1"))
    other.read()
    # WHEN both write
    other.update(adding(api="api:1"))
    one.update(adding(db="db:1"))
    # THEN neither write is lost, and the first one knows of the second
    assert one.read() == targets(bucket).read() == good(web="web:1", api="api:1", db="db:1")


@pytest.mark.parametrize("is_there", [True, False])
def test_an_object_that_was_deleted_or_made_in_between_is_read_again(bucket, is_there):
    run = targets(bucket)
    if is_there:
        run.update(adding(web="web:1"))
        del bucket.objects[KEY]
    else:
        run.read()
        targets(bucket).update(adding(web="web:1"))
    run.update(adding(api="api:1"))
    assert targets(bucket).read() == good(**({} if is_there else {"web": "web:1"}), api="api:1")


@pytest.mark.parametrize("moment", ["before", "after"])
def test_after_a_write_that_may_have_failed_the_object_is_read_again(bucket, moment):
    # GIVEN a write whose answer does not come: it took place, or not
    run = targets(bucket)
    run.update(adding(web="web:1"))

    def lose(name: str, _key: str) -> None:
        if name == "write":
            bucket.hooks.clear()
            raise LedgerUnavailable("no answer")

    bucket.hooks[moment] = lose
    with pytest.raises(LedgerUnavailable):
        run.update(adding(web="web:2"))
    # THEN the run takes neither for granted
    assert run.read() == good(web="web:2" if moment == "after" else "web:1")
    run.update(adding(api="api:1"))
    assert targets(bucket).read() == {**(run.read() or {}), **good(api="api:1")}
