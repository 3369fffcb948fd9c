"""The tags of new revisions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_gitops.ecs import revision_tags
from ecs_gitops.ecs.revision_tags import is_ours, tags_for
from ecs_gitops.model.errors import ItemFailed
from ecs_gitops.model.release import Release
from unit.shop import item, statuses
from unit.shop import release as release_of


def test_own_tags_of_the_replaced_revision_are_replaced_and_others_kept(release):
    existing = {"team": "shop", "ecs-gitops:release": "3.0", "aws:cloudformation:stack": "x"}
    tags = tags_for(release, "web:1", existing, {})
    assert tags["team"] == "shop"
    assert tags[revision_tags.RELEASE] == "4.0"
    assert "aws:cloudformation:stack" not in tags


@pytest.mark.parametrize("room", range(6))
def test_the_tags_that_a_rollback_needs_come_first(release, room):
    existing = {f"k{n}": "v" for n in range(50 - room)}
    if room < 2:
        with pytest.raises(ItemFailed, match="remove some"):
            tags_for(release, "web:1", existing, {})
        return
    tags = tags_for(release, "web:1", existing, {})
    assert len(tags) == 50
    assert tags[revision_tags.PREVIOUS] == "web:1"


@given(text=st.text(max_size=400))
def test_values_are_always_ones_that_ecs_takes(release, text):
    odd = replace(release, release=text or None, execution_name=text)
    tags = tags_for(odd, "web:1", {}, {"web": "sha256:" + "a" * 64})
    assert all(len(value) <= 256 and not revision_tags._NOT_IN_A_VALUE.search(value) for value in tags.values())
    assert is_ours(tags, odd)


def test_a_release_survives_its_way_through_the_state_machine(release):
    assert Release.from_json(release.to_json()) == release


@given(st.dictionaries(st.from_regex(r"[a-z-]{1,20}", fullmatch=True), st.integers(0, 2**256 - 1), max_size=12))
def test_digests_are_kept_as_far_as_a_tag_has_room(numbers):
    digests = {name: f"sha256:{number:064x}" for name, number in numbers.items()}
    tag = revision_tags.digest_tag(digests)
    found = revision_tags.digests_of({revision_tags.DIGEST: tag} if tag else {})
    assert all(digests[name].startswith(digest) for name, digest in found.items())
    if len(digests) <= 5:
        assert set(found) == set(digests)


def test_the_longest_family_name_fits_into_the_tag_that_rollback_reads(release):
    arn = f"arn:aws:ecs:us-west-2:111111111111:task-definition/{'f' * 245}:1000000"
    assert revision_tags.previous_of(tags_for(release, arn, {}, {}), "x:1") == f"{'f' * 245}:1000000"


@pytest.mark.parametrize(("number", "is_good"), [(8, True), (99, False)])
def test_a_name_that_a_rollbacks_copy_could_not_be_tagged_with_fails_the_check(shop, machine, number, is_good):
    # GIVEN a family whose revisions' names just fit into a tag, until the number has one more digit
    shop.registry |= {"web:1": "sha256:" + "1" * 64, "web:2": "sha256:" + "2" * 64}
    family = "f" * 253
    for _ in range(number):
        arn = shop.define(family, ("web", "web:1"))
    shop.serve("web", arn)
    done = machine.run(release_of(item("web", "2")))
    assert statuses(done) == {"web": "DEPLOYED" if is_good else "FAILED"}
    if not is_good:
        assert "use a family with a shorter name" in done["result"]["items"][0]["reason"]
