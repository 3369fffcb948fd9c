"""The rate limiter stays within ECS's token buckets, and is hardly slower than they allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.aws import rate_limit
from ecs_gitops.aws.rate_limit import PUBLISHED, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Bucket:
    """ECS's side: a call when there is no token is throttled."""

    def __init__(self, burst: float, rate: float, clock: Clock) -> None:
        self.left, self.burst, self.rate, self.clock, self.at = burst, burst, rate, clock, clock.now

    def take(self) -> bool:
        self.left = min(self.burst, self.left + (self.clock.now - self.at) * self.rate)
        self.at = self.clock.now
        self.left -= 1
        return self.left > -1e-6


@pytest.mark.parametrize("method", sorted(rate_limit._BUCKETS))
def test_five_hundred_calls_are_never_throttled_and_are_hardly_slower_than_the_limit(method):
    clock = Clock()
    limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    burst, rate = PUBLISHED[rate_limit._BUCKETS[method]]
    floor = (500 - burst) / rate
    bucket = Bucket(burst, rate, clock)
    for _ in range(500):
        limiter.wait(method)
        assert bucket.take()
    assert floor < clock.now - 1000 < 1.07 * floor


@given(st.lists(st.tuples(st.sampled_from(sorted(rate_limit._BUCKETS)), st.floats(0, 5)), max_size=200))
def test_no_sequence_of_calls_overdraws_a_bucket(calls):
    clock = Clock()
    limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    buckets = {name: Bucket(*limits, clock) for name, limits in PUBLISHED.items()}
    for method, pause in calls:
        clock.now += pause
        limiter.wait(method)
        assert buckets[rate_limit._BUCKETS[method]].take()


def test_calls_without_a_published_limit_do_not_wait():
    clock = Clock()
    limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        limiter.wait("run_task")
    assert clock.now == 1000


def test_a_clock_that_goes_back_blocks_nobody_for_ever():
    clock = Clock()
    limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    for _ in range(19):
        limiter.wait("register_task_definition")
    clock.now -= 500
    limiter.wait("register_task_definition")
    assert clock.now <= 503


def test_raised_limits_are_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv("ECS_GITOPS_ECS_LIMITS", '{"registrations": [100, 10]}')
    raised = RateLimiter.from_environment()
    assert raised.limits["registrations"] == (100, 10)
    assert raised.limits["updates"] == PUBLISHED["updates"]
    monkeypatch.delenv("ECS_GITOPS_ECS_LIMITS")
    assert RateLimiter.from_environment().limits == PUBLISHED


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0, 60))
def test_as_many_calls_as_are_said_to_be_accepted_take_no_longer(pauses, seconds):
    # GIVEN registrations and updates, at any pace
    clock = Clock()
    limiter = RateLimiter(clock=clock, sleep=clock.sleep)
    for pause in pauses:
        clock.now += pause
        limiter.wait("register_task_definition")
    # WHEN as many follow as are accepted
    accepted = limiter.accepted_within(seconds, "register_task_definition", "update_service")
    until = clock.now + seconds + 1e-6
    for _ in range(accepted):
        limiter.wait("register_task_definition")
        limiter.wait("update_service")
    # THEN they come in time, and one more would not
    assert clock.now <= until
    limiter.wait("register_task_definition")
    assert clock.now > until - 1e-3
