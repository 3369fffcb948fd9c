"""`dependsOn`: which service waits for which, in which wave it comes, and what can never begin."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops import manifest
from ecs_gitops.manifest import ServiceItem
from ecs_gitops.manifest.order import cycles, dependencies, waves
from ecs_gitops.model.errors import InvalidManifest


def item(name, *needs, cluster="shop", account=None, region=None):
    return ServiceItem("w", cluster, name, "i", account=account, region=region, depends_on=needs)


def written(item):
    given = {
        "service": item.service,
        "clusterName": item.cluster_name,
        "serviceName": item.service_name,
        "image": item.image,
        "account": item.account,
        "region": item.region,
        "dependsOn": list(item.depends_on) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def messages(*items, defaults=None):
    """The problems of a manifest with these services, by path."""
    with pytest.raises(InvalidManifest) as caught:
        manifest.from_json({"services": [written(each) for each in items], "defaults": defaults})
    return {problem.path: problem.message for problem in caught.value.problems}


# --- which depends on which ---


def test_a_service_comes_a_wave_after_the_last_of_its_dependencies():
    services = [item("web", "api", "mail"), item("api", "db"), item("db"), item("mail"), item("report", "db")]
    assert dependencies(services) == ((1, 3), (2,), (), (), (2,))
    assert waves(services) == (2, 1, 0, 0, 1)


def test_without_dependencies_all_are_in_the_first_wave():
    assert waves([]) == ()
    assert waves([item("a"), item("b")]) == (0, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("api", (1, 2)), ("shop/api", (1,)), ("batch/api", (2,))],
    ids=["every service of that name", "of one cluster", "of the other"],
)
def test_a_name_means_a_service_with_or_without_its_cluster(name, expected):
    services = [item("web", name), item("api"), item("api", cluster="batch")]
    assert dependencies(services)[0] == expected


def test_the_same_account_and_region_are_preferred():
    # GIVEN a system in two Regions, and one service that is in neither
    services = [
        item("web", "api", region="us-west-2"),
        item("api", region="us-west-2"),
        item("web", "api", region="eu-west-1"),
        item("api", region="eu-west-1"),
        item("portal", "api", account="222222222222"),
    ]
    # THEN each waits for its own Region's, and what has none of its own for all of them
    assert dependencies(services) == ((1,), (), (3,), (), (1, 3))


def test_a_default_does_not_hold_for_the_service_that_it_names():
    # GIVEN defaults that let everything wait for the database
    read = manifest.from_json({"defaults": {"dependsOn": ["db"]}, "services": [written(item(n)) for n in ("a", "db")]})
    # THEN the database itself waits for nothing
    assert dependencies(read.with_defaults().services) == ((1,), ())


def test_defaults_decide_what_the_names_are():
    text = b"""\
defaults: {clusterName: shop, image: i, service: w}
services:
  - {serviceName: web, dependsOn: [shop/api]}
  - {serviceName: api}
"""
    assert waves(manifest.load(text, "f").with_defaults().services) == (1, 0)


graphs = st.integers(1, 12).flatmap(
    lambda count: st.lists(st.lists(st.integers(0, count - 1), max_size=4), min_size=count, max_size=count)
)


@given(graph=graphs)
def test_each_wave_is_greater_than_those_of_its_dependencies(graph):
    # GIVEN services of which each depends on earlier ones, in any order
    forwards = [item(f"s{n}", *{f"s{m}" for m in needs if m < n}) for n, needs in enumerate(graph)]
    for services in (forwards, forwards[::-1]):
        # WHEN they are put in waves
        found, needed = waves(services), dependencies(services)
        # THEN each comes just after the last of its dependencies
        assert [*found] == [max((found[other] + 1 for other in others), default=0) for others in needed]
        assert cycles(needed) == ()


@given(graph=graphs)
def test_what_is_called_a_cycle_is_one_and_none_is_missed(graph):
    services = [item(f"s{n}", *{f"s{m}" for m in needs}) for n, needs in enumerate(graph)]
    needed = dependencies(services)
    found = cycles(needed)
    for cycle in found:
        assert cycle[0] == min(cycle)
        assert all(after in needed[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    assert len({n for cycle in found for n in cycle}) == sum(len(cycle) for cycle in found)
    if found:
        with pytest.raises(ValueError, match="depend on each other"):
            waves(services)
    else:
        assert all(
            wave > waves(services)[n] for wave, others in zip(waves(services), needed, strict=True) for n in others
        )


# --- what is refused ---


def test_an_unknown_name_is_reported_with_the_nearest():
    assert messages(item("web", "apy"), item("api")) == {
        "services[0].dependsOn[0]": "no service of this manifest has the name 'apy'; did you mean api?"
    }
    assert messages(item("web", "batch/api"), item("api"))["services[0].dependsOn[0]"].endswith(
        "did you mean shop/api?"
    )
    assert messages(item("web", "x"), item("api"))["services[0].dependsOn[0]"].endswith("'x'")


@pytest.mark.parametrize("name", ["web", "shop/web"])
def test_a_service_cannot_wait_for_itself(name):
    assert messages(item("web", name)) == {"services[0].dependsOn[0]": f"'{name}' is this service itself"}


def test_a_duplicate_name_is_reported():
    assert messages(item("web", "api", "api"), item("api")) == {"services[0].dependsOn[1]": "duplicate 'api'"}


@pytest.mark.parametrize("wrong", ["a b", "a/b/c", "/a", ""])
def test_what_cannot_be_a_name_is_not_also_unknown(wrong):
    assert [*messages(item("web", wrong))] == ["services[0].dependsOn[0]"]


def test_a_cycle_is_shown():
    assert messages(item("mail"), item("web", "api"), item("api", "db"), item("db", "web"), item("late", "web")) == {
        "services[1].dependsOn": "these services depend on each other: web -> api -> db -> web"
    }


def test_each_cycle_is_reported_once():
    assert [*messages(item("a", "b"), item("b", "a"), item("c", "d", "a"), item("d", "c"))] == [
        "services[0].dependsOn",
        "services[2].dependsOn",
    ]


def test_services_of_the_same_name_are_shown_with_their_clusters():
    found = messages(item("web", "batch/web"), item("web", "shop/web", cluster="batch"))
    assert found["services[0].dependsOn"].endswith("shop/web -> batch/web -> shop/web")


def test_a_wrong_default_is_reported_in_defaults():
    assert messages(item("web"), item("api"), defaults={"dependsOn": ["x"]}) == {
        "defaults.dependsOn[0]": "no service of this manifest has the name 'x'"
    }
    assert (
        "web -> api -> web"
        in messages(item("web"), item("api"), defaults={"dependsOn": ["web", "api"]})["defaults.dependsOn"]
    )


def test_a_service_without_a_name_of_its_own_is_not_reported_as_unknown_too():
    assert [*messages(item("web", "api"), item("a i"))] == ["services[1].serviceName"]


def test_a_long_chain_and_a_long_cycle_are_judged_in_bounded_time():
    # GIVEN as many services as a manifest holds, each waiting for the one before
    chain = [item(f"s{n}", *([f"s{n - 1}"] if n else [])) for n in range(2500)]
    began = time.monotonic()
    assert waves(chain)[-1] == 2499
    # AND the same with both ends tied
    message = messages(item("s0", "s2499"), *chain[1:])["services[0].dependsOn"]
    assert time.monotonic() - began < 10
    assert len(message) < 400
    assert message.endswith("-> … -> s0")
