"""What a plan says is what the release does: the same statuses, revisions and deployments, over random releases."""

from __future__ import annotations

import pytest

from unit.preview_stories import play


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_what_the_plan_says_is_what_the_release_does(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN random releases, each planned right before it is made, with people who move tags and deploy in between
    for seed in range(first, first + 10):
        story = play(seed, monkeypatch)
        # THEN the release ends as planned, registers the planned revisions, and starts the planned deployments
        assert story.found == [], "\n".join([f"seed {seed}", *story.log])
