"""Updates of schedules: what EventBridge Scheduler would refuse is left out, and a rate keeps its times."""

from __future__ import annotations

from typing import Any

import pytest

from ecs_gitops.ecs import start_date
from ecs_gitops.ecs.ecs_targets import schedule_update
from unit.machine import Machine
from unit.shop import JOB, item, release, statuses

DAY, HOUR = 86_400.0, 3_600.0
# 2026-11-26 12:00 UTC
NOW = 1_795_694_400.0
TASK = {"service": "job", "scheduleName": "hourly", "image": "job:2"}


def schedule(expression: str = "rate(1 day)", **members: Any) -> dict[str, Any]:
    return {"ScheduleExpression": expression, "CreationDate": NOW - 90 * DAY, "State": "ENABLED", **members}


@pytest.mark.parametrize(
    ("expression", "members", "written"),
    [
        # A start in the future stays, and so does one that EventBridge still accepts.
        ("rate(1 day)", {"StartDate": NOW + 10}, NOW + 10),
        ("cron(0 3 * * ? *)", {"StartDate": NOW + DAY}, NOW + DAY),
        ("cron(0 3 * * ? *)", {"StartDate": NOW - 60}, NOW - 60),
        # A past start has no effect, except for a rate.
        ("cron(0 3 * * ? *)", {"StartDate": NOW - 240}, None),
        ("cron(0 3 * * ? *)", {"StartDate": NOW - 30 * DAY}, None),
        ("at(2030-01-01T00:00:00)", {"StartDate": NOW - DAY}, None),
        ("cron(0 3 * * ? *)", {}, None),
        # A rate keeps its times: from its start, or without one from its last update, or from its creation.
        ("rate(1 day)", {"StartDate": NOW - 30 * DAY - HOUR}, NOW + 23 * HOUR),
        ("rate(2 days)", {"StartDate": NOW - 3 * DAY}, NOW + DAY),
        ("rate(12 hours)", {"LastModificationDate": NOW - 13 * HOUR}, NOW + 11 * HOUR),
        ("rate(5 minutes)", {"LastModificationDate": NOW - 60.5}, NOW + 240),
        ("rate(1 minute)", {"LastModificationDate": NOW}, NOW + 60),
        ("rate(1 hour)", {}, NOW + HOUR),
        ("rate(1 day)", {"StartDate": NOW - 20}, NOW + DAY - 20),
        # Without a further run there is nothing to keep.
        ("rate(1 day)", {"StartDate": NOW - DAY - HOUR, "EndDate": NOW + HOUR}, None),
        ("rate(1 day)", {"StartDate": NOW - DAY - HOUR, "EndDate": NOW - HOUR}, None),
        ("rate(1 day)", {"StartDate": NOW - DAY - HOUR, "EndDate": NOW + 2 * DAY}, NOW + 23 * HOUR),
        ("rate(1 day)", {"StartDate": NOW - DAY - HOUR, "State": "DISABLED"}, None),
        # Nothing is invented for invalid values.
        ("rate(0 days)", {"StartDate": NOW - DAY}, None),
        ("rate(soon)", {"StartDate": NOW - DAY}, None),
        ("rate(1 day)", {"StartDate": "yesterday", "CreationDate": None}, None),
    ],
)
def test_which_start_is_written(expression, members, written):
    found = schedule_update(schedule(expression, **members), {"Arn": "x"}, NOW)
    assert found.get("StartDate") == written
    assert found["Target"] == {"Arn": "x"}
    assert {"CreationDate", "LastModificationDate", "Arn"}.isdisjoint(found)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_a_day_of_a_rate_is_24_hours_in_every_zone(zone):
    # GIVEN a rate of a day that was last updated before the clocks changed
    october = 1_792_000_000.0
    found = schedule("rate(1 day)", LastModificationDate=october, ScheduleExpressionTimezone=zone)
    # THEN its next run is a whole number of 24 hours later
    due = start_date.start_to_write(found, NOW)
    assert due is not None
    assert 0 < due - NOW <= DAY
    assert (due - october) % DAY == 0


@pytest.mark.parametrize(
    ("expression", "members", "warning"),
    [
        ("rate(1 day)", {"StartDate": NOW - 3 * DAY}, None),
        ("cron(0 3 * * ? *)", {}, None),
        ("at(2030-01-01T00:00:00)", {"StartDate": NOW - 3 * DAY}, None),
        ("at(2026-11-26T11:00:00)", {}, "only run was at 2026-11-26 11:00 UTC"),
        ("at(2026-11-26T11:00:00)", {"ScheduleExpressionTimezone": "America/New_York"}, None),
        ("at(2026-11-25T11:00:00)", {"ScheduleExpressionTimezone": "America/New_York"}, "only run"),
        ("cron(0 3 * * ? *)", {"StartDate": NOW - DAY}, "StartDate 2026-11-25 12:00 UTC is past"),
        ("cron(0 3 * * ? *)", {"EndDate": NOW - HOUR}, "ended at 2026-11-26 11:00 UTC"),
        ("rate(1 day)", {"StartDate": NOW - HOUR, "EndDate": NOW + HOUR}, "no run left before it ends"),
    ],
)
def test_a_person_is_warned(expression, members, warning):
    found = start_date.concerns(schedule(expression, **members), NOW)
    assert [warning in text for text in found] == [True] if warning else not found


def test_a_schedule_that_began_long_ago_is_deployed_with_a_warning_of_the_check(shop, machine):
    # GIVEN a schedule by cron with a start of last month
    shop.schedules["default", "hourly"] |= {
        "ScheduleExpression": "cron(10 1 * * ? *)",
        "StartDate": shop.now - 30 * DAY,
    }
    # WHEN it is released
    (got,) = machine.run({"tasks": [TASK]})["result"]["items"]
    # THEN it is deployed without that date, and the check has warned
    assert (got["status"], got["checks"]["settings"]) == ("DEPLOYED", "WARNING")
    assert any("is left out" in text for text in got["warnings"])
    assert "StartDate" not in shop.schedules["default", "hourly"]


def test_a_rate_keeps_its_times_in_a_release_and_its_rollback(shop, machine):
    # GIVEN a schedule of an hour, and a service that fails and takes the release with it
    before = shop.phase(("default", "hourly"))
    bad = release(item("web", "bad"), tasks=[TASK, JOB], onFailure="rollbackRelease")
    # WHEN the release is rolled back
    done = machine.run(bad)
    # THEN the schedule was written twice, and is due when it always was
    assert statuses(done)["hourly"] == "ROLLED_BACK"
    assert shop.calls.count("update_schedule") == 2
    assert shop.phase(("default", "hourly")) == before


@pytest.mark.parametrize("clock_ahead", [-90.0, 90.0])
def test_the_clock_of_the_functions_does_not_move_a_run(shop, monkeypatch, clock_ahead):
    # GIVEN functions whose clock is wrong, and schedules of a day that begin, or are due, in a minute
    day = {"ScheduleExpression": "rate(1 day)"}
    for name, members in (("begins", {"StartDate": shop.now + 60}), ("due", {})):
        shop.schedules["default", name] = shop.schedules["default", "hourly"] | day | {"Name": name} | members
    shop.modified["default", "due"] = shop.now + 60 - DAY
    expected = shop.now + 60
    # WHEN they are released
    items = [TASK | {"scheduleName": name} for name in ("begins", "due")]
    done = Machine(shop, monkeypatch, clock_ahead).run({"tasks": items})
    # THEN neither leaves out the run of today
    assert set(statuses(done).values()) == {"DEPLOYED"}
    assert [shop.schedules["default", name]["StartDate"] for name in ("begins", "due")] == [expected, expected]
