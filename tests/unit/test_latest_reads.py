"""The reads of a slice's services right before they are updated: shared by threads, also where ECS does not answer."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecs_gitops.apply.latest_reads import LatestReads
from ecs_gitops.apply.planning import Planned
from ecs_gitops.aws.time_budget import TimeBudget
from ecs_gitops.ecs.service import Service
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable
from ecs_gitops.model.memory import NOTHING
from unit.item_maker import service_item

NAMES = [f"web{number}" for number in range(8)]


@pytest.fixture
def shop(aws):
    for name in NAMES:
        aws.serve(name, aws.define(name, ("web", "web:1")))
    return aws


def made(aws, read_at: float = 0.0) -> tuple[LatestReads, list[Planned]]:
    budget = TimeBudget(1e9, time.time, time.sleep, monotonic=lambda: aws.now)
    services = {each["serviceName"]: Service.from_api(each) for each in aws.describe_services("shop", NAMES)}
    planned = [
        Planned(service_item(number, name), services[name], read_at, NOTHING) for number, name in enumerate(NAMES)
    ]
    aws.calls.clear()
    return LatestReads(aws, budget, planned), planned


def test_one_of_many_threads_reads_for_all(shop):
    # GIVEN reads that are old, and a call that takes a moment
    reads, planned = made(shop)
    describe = shop.describe_services

    def slow(cluster, names):
        time.sleep(0.05)
        return describe(cluster, names)

    shop.describe_services = slow
    # WHEN all ask at once, THEN there is one call, as the first one's answer has the others
    with ThreadPoolExecutor(len(NAMES)) as pool:
        found = list(pool.map(lambda each: reads.read(each, anew=False), planned))
    assert [service.name for service in found if service is not None] == NAMES
    assert len(shop.calls) < len(NAMES)


def test_a_fresh_read_does_not_wait_and_an_error_is_shared(shop):
    # GIVEN a call that hangs until all have asked, and ends without an answer
    reads, planned = made(shop)
    reads._found[7] = (shop.now, planned[7].service)
    asked, calls = threading.Event(), []

    def hangs(cluster, names):
        calls.append(names)
        asked.wait(5)
        time.sleep(0.05)
        raise AwsUnavailable("describe_services: timeout")

    shop.describe_services = hangs

    def read(each: Planned) -> str:
        try:
            reads.read(each, anew=False)
        except AwsUnavailable:
            return "no answer"
        return "read"

    # WHEN the service whose read is fresh asks meanwhile, THEN it has it at once
    with ThreadPoolExecutor(len(NAMES)) as pool:
        waiting = [pool.submit(read, each) for each in planned[:7]]
        while not calls:
            time.sleep(0.01)
        assert pool.submit(read, planned[7]).result(timeout=2) == "read"
        time.sleep(0.3)
        asked.set()
        # THEN those who waited for the call have its error, and do not each make their own
        assert [each.result() for each in waiting] == ["no answer"] * 7
    assert len(calls) < 7


def test_a_service_that_may_not_be_read_does_not_fail_the_others(shop):
    reads, planned = made(shop)
    describe = shop.describe_services

    def scoped(cluster, names):
        if "web3" in names:
            raise AwsRefused("describe_services", "AccessDeniedException", "not authorized")
        return describe(cluster, names)

    shop.describe_services = scoped
    first = reads.read(planned[0], anew=False)
    assert first is not None
    assert first.name == "web0"
    with pytest.raises(AwsRefused):
        reads.read(planned[3], anew=False)


def test_what_has_to_be_read_anew_is(shop):
    reads, planned = made(shop, read_at=shop.now)
    assert reads.read(planned[0], anew=False) is planned[0].service
    assert shop.calls == []
    reads.read(planned[0], anew=True)
    assert shop.calls == ["describe_services"]


def test_a_service_that_is_gone_is_none(shop):
    reads, planned = made(shop)
    del shop.services["web1"]
    assert reads.read(planned[1], anew=False) is None
