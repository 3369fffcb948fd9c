"""A plan as text, Markdown and JSON: what people and programs get of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ecs_gitops.model.status import Finding
from ecs_gitops.notify import plan_data, plan_markdown, plan_text, review_comment
from ecs_gitops.plan.preview import Action, Remembered
from unit.fake_aws import ACCOUNT, REGION
from unit.previews import plan
from unit.shop import CANARY, IMAGE, JOB, hooks, item, release

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "plan.schema.json").read_text())
HOME = (ACCOUNT, REGION)
EVERYTHING = release(
    item("web", "2", deployment=CANARY, **hooks("migrate", "smoke")),
    item("api", "1"),
    item("nope", "1", dependsOn=["web"]),
    tasks=[JOB],
)


def test_the_text_says_for_each_item_what_differs_and_what_happens(shop, machine):
    # GIVEN a change of an image and of the strategy, with hooks; a rule; and a service that does not exist
    text = plan_text.text(plan(machine, EVERYTHING), HOME)
    # THEN each is told with its action, the differences and the consequences
    assert "UPDATE service shop/web" in text
    assert "~ image of web: web:1 → web:2" in text
    assert "deploymentConfiguration.strategy: ROLLING → CANARY" in text
    assert "a deployment starts: CANARY, at least 3 minutes" in text
    assert "hooks: preDeploy, postDeploy" in text
    assert "UPDATE rule nightly" in text
    assert "BLOCKED service shop/nope" in text
    assert "service 'nope' does not exist in cluster 'shop'" in text
    assert "unchanged: api" in text
    assert "1 service (--verbose names them)" in text
    assert text.endswith("The release would fail its check, and change nothing.\n")


def test_verbose_names_what_is_unchanged_and_what_git_does_not_have(shop, machine):
    text = plan_text.text(plan(machine, release(item("api", "1"))), HOME, verbose=True)
    assert "UNCHANGED service shop/api" in text
    assert "2 services: shop/db, shop/web" in text
    assert "The release would change nothing." in text


def test_the_json_has_the_published_schema(shop, machine):
    # GIVEN plans with every kind of item
    made = [
        plan(machine, EVERYTHING),
        plan(machine, release(item("web", "1"))),
        replace(plan(machine, release(item("web", "2"))), error="too large"),
    ]
    machine.run(release(item("web", "bad", timeoutMinutes=5)))
    made.append(plan(machine, release(item("web", "bad", timeoutMinutes=5), item("api", "2", dependsOn=["web"]))))
    assert {each.action for each in made[-1].items} == {Action.HELD}
    for each in made:
        # THEN their JSON fits the schema, which has every member that is there
        data = json.loads(json.dumps(plan_data.data(each, {"instance": "shop", "manifest": "x", "asOf": "now"})))
        jsonschema.validate(data, _closed(SCHEMA))


def _closed(schema: Any) -> Any:
    """The schema without room for members that it does not have."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if "properties" in schema and isinstance(schema["properties"], dict):
        closed.setdefault("additionalProperties", False)
    return closed


@pytest.mark.parametrize("room", [1_500, 4_000, 10_240, 65_000])
def test_a_comment_of_a_large_plan_fits_and_counts_what_is_left_out(shop, machine, room):
    # GIVEN a plan of three hundred services that do not exist
    text = "x" * 60
    made = plan(machine, release(*(item(f"{text}{n:03}") for n in range(300))))
    # WHEN it is written for a host with little room
    document = plan_markdown.document(made, HOME, ["planned now"], at_most=room, whole="See the ledger.")
    # THEN it has room, says how much is missing, and where all of it is
    assert len(document.text) <= room
    assert document.is_cut
    assert "Not shown here for want of room: " in document.text
    assert "See the ledger." in document.text
    assert document.text.count("<details>") == document.text.count("</details>")


def test_no_detail_of_a_live_hook_is_in_any_output(shop, machine):
    # GIVEN a service whose hook has details, and a manifest that changes its settings
    hook = {"hookTargetArn": "arn:aws:lambda:us-west-2:111111111111:function:x", "roleArn": "arn:aws:iam::1:role/x"}
    live = {**hook, "lifecycleStages": ["PRE_SCALE_UP"], "hookDetails": {"pin": "hunter2"}}
    shop.services["web"]["deploymentConfiguration"] |= {"strategy": "BLUE_GREEN", "lifecycleHooks": [live]}
    made = plan(machine, release(item("web", "2", deployment={"maximumPercent": 150})))
    # THEN the details are nowhere, and the rest of the settings before is in the JSON
    data = json.loads(json.dumps(plan_data.data(made, {})))
    (before,) = data["items"][0]["change"]["previousSettings"]["lifecycleHooks"]
    assert before == {**live, "hookDetails": "hidden"}
    assert "hunter2" not in plan_text.text(made, HOME) + plan_markdown.document(made, HOME).text
    # AND they are where they are asked for
    assert "hunter2" in json.dumps(plan_data.data(made, {}, show_values=True))


def test_a_long_item_does_not_hide_the_others(shop, machine):
    # GIVEN a plan whose first item has more to tell than a comment has room for
    made = plan(machine, release(item("web", "2"), item("api", "2")))
    first = replace(made.items[0], item=made.items[0].item.with_change(warnings=("x" * 20_000,)))
    document = plan_markdown.document(replace(made, items=(first, *made.items[1:])), HOME, at_most=10_240)
    # THEN its details are left out and counted, and those of the second are there
    assert "~ image of api: api:1 → api:2" in document.text
    assert "Not shown here for want of room: 1 items' details" in document.text


def test_no_text_from_outside_acts_in_the_comment(shop, machine):
    # GIVEN an item with a reason that looks like Markdown, HTML and a mention
    made = plan(machine, release(item("web", "2")))
    evil = "``` </details> <img src=x> @team | [x](https://evil.example.com) \x1b[31m"
    first = replace(made.items[0], item=made.items[0].item.with_change(warnings=(evil,)))
    text = plan_markdown.document(replace(made, items=(first,), error=evil), HOME).text
    # THEN none of it ends the fence, is HTML, a link, a mention or a cell
    assert "\x1b" not in text
    assert "https://evil" not in text
    body = text.split("```diff")[1]
    assert body.count("```") == 1
    before = text.split("<details>")[0]
    assert "<img" not in before.replace("\\<img", "")
    assert "@team" not in before.replace("\\@team", "")


def test_a_comment_without_a_plan_says_why(shop, machine):
    # GIVEN a conflict, problems and a failure
    reviews = {
        "cannot be merged": review_comment.Review(conflict="the branches conflict in deployment.yaml"),
        "is not valid": review_comment.Review(problems=[f"deployment.yaml:{n}: wrong" for n in range(500)]),
        "could not be made": review_comment.Review(failure="sts: AccessDenied"),
    }
    for says, review in reviews.items():
        # THEN the comment says so within CodeCommit's limit, can be found again, and approves nothing
        made = review_comment.comment(review, ["Merge of `a` into `b`"], review_comment.marker("shop"), HOME)
        assert says in made.text
        assert len(made.text) <= review_comment.AT_MOST
        assert review_comment.marker("shop") in made.text
        assert not review.is_good
    assert "and 450 more" in review_comment.comment(reviews["is not valid"], [], "", HOME).text


def test_what_nothing_is_remembered_of_is_taken_over_as_it_runs(shop, machine):
    # GIVEN a service that runs a tag which has moved since, and was never released
    shop.services["web"]["taskDefinition"] = shop.define("web", ("web", IMAGE))
    shop.services["web"]["deployments"][0]["taskDefinition"] = shop.services["web"]["taskDefinition"]
    shop.registry["web:2"] = "sha256:" + "b" * 64
    revision = f"arn:aws:ecs:{REGION}:{ACCOUNT}:service-revision/shop/web/1"
    shop.services["web"]["currentServiceRevisions"] = [{"arn": revision}]
    shop.revisions[revision] = {
        "serviceRevisionArn": revision,
        "taskDefinition": shop.services["web"]["taskDefinition"],
        "containerImages": [{"containerName": "web", "image": IMAGE, "imageDigest": "sha256:" + "a" * 64}],
    }
    manifest = release({**item("web"), "image": IMAGE})
    # WHEN it is planned, THEN it is no change, and that is said
    made = plan(machine, manifest)
    assert made.memory[HOME].state is Remembered.ABSENT
    assert [each.action for each in made.items] == [Action.UNCHANGED]
    assert "taken over as it runs" in plan_text.text(made, HOME)
    # AND so does the release
    assert machine.results(manifest)["web"]["status"] == "UNCHANGED"
    # AND the one after it deploys what the tag names, as the plan says
    after = plan(machine, manifest)
    assert after.memory[HOME].state is Remembered.READ
    assert [(each.action, each.comparison.starts_deployment) for each in after.items] == [(Action.UPDATE, True)]
    assert "(sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb)" in plan_text.text(after, HOME)
    assert machine.results(manifest)["web"]["status"] == "DEPLOYED"


def test_only_plans_the_named_items_and_what_they_depend_on(shop, machine):
    # GIVEN a service that failed, and one that depends on it
    manifest = release(item("web", "bad", timeoutMinutes=5), item("api", "2", dependsOn=["web"]), item("db", "2"))
    machine.run(release(item("web", "bad", timeoutMinutes=5)))
    # WHEN the second alone is planned
    made = plan(machine, manifest, only=["api"])
    # THEN it is HELD, because of the first, which is not shown
    assert [(each.item.name, each.action) for each in made.items] == [("api", Action.HELD)]
    assert made.items[0].item.reason is not None
    assert "waits for web" in made.items[0].item.reason


def test_an_item_that_depends_on_one_that_is_blocked_is_not_said_to_be_deployed(shop, machine):
    # GIVEN a service that depends on one that there is not
    manifest = release(
        item("nope", "1"), item("web", "2", dependsOn=["nope"]), item("api", "2", dependsOn=["db"]), item("db")
    )
    # WHEN it alone is planned, THEN the other one is shown too, and the release changes nothing
    made = plan(machine, manifest, only=["web"])
    assert {each.item.name: each.action for each in made.items} == {"nope": Action.BLOCKED, "web": Action.UPDATE}
    assert made.is_blocked
    # AND where what it depends on is not shown, the line does not end in the middle
    assert "    wave 2\n" in plan_text.text(plan(machine, manifest, only=["api"]), HOME)


def test_settings_that_a_failed_release_left_behind_are_said_to_be_put_back(shop, machine):
    # GIVEN a release that was rolled back, and the settings that it wrote are still there
    failing = release(item("web", "bad", deployment={"maximumPercent": 150}, timeoutMinutes=5), item("api", "1"))
    machine.run(failing)
    shop.services["web"]["deploymentConfiguration"]["maximumPercent"] = 150
    # WHEN the next one is planned, THEN it is HELD, and it is said that its settings are written
    made = plan(machine, failing)
    text = plan_text.text(made, HOME)
    assert made.items[0].action is Action.HELD
    assert made.has_changes
    assert "~ deploymentConfiguration.maximumPercent: 150 → 200" in text
    assert "are put back; no deployment starts" in text
    assert "would change nothing" not in text
    # AND so they are
    assert machine.results(failing)["web"]["status"] == "HELD"
    assert shop.services["web"]["deploymentConfiguration"]["maximumPercent"] == 200
    assert not plan(machine, failing).has_changes


def test_an_item_that_is_held_with_another_one_has_no_settings_that_would_be_written(shop, machine):
    # GIVEN a service that is HELD, and one that depends on it and has other settings in Git
    machine.run(release(item("web", "bad", timeoutMinutes=5)))
    other = item("api", "1", dependsOn=["web"], deployment={"maximumPercent": 150})
    made = plan(machine, release(item("web", "bad", timeoutMinutes=5), other))
    # THEN no difference is shown, as none is written
    assert [(each.action, each.comparison.settings) for each in made.items] == [(Action.HELD, ()), (Action.HELD, ())]
    assert not made.has_changes


def test_what_may_not_be_read_is_not_checked_and_no_error(shop, machine):
    # GIVEN credentials that may not read services
    from ecs_gitops.model.errors import AwsRefused

    shop.refuse["describe_services"] = AwsRefused("describe_services", "AccessDeniedException", "no")
    shop.refuse["list_services"] = AwsRefused("list_services", "AccessDeniedException", "no")
    made = plan(machine, release(item("web", "2"), tasks=[JOB]))
    # THEN the service is NOT_CHECKED with the reason, and the rule is planned all the same
    assert [(each.kind, each.action) for each in made.items] == [
        ("rule", Action.UPDATE),
        ("service", Action.NOT_CHECKED),
    ]
    assert made.items[1].item.change.checks["target"] == Finding.NOT_CHECKED
    assert "may not read it (describe_services)" in made.items[1].item.change.warnings[-1]
    assert made.unlisted == (f"shop in {ACCOUNT} {REGION}",)
    # AND the conclusion does not promise what nobody has read
    text = plan_text.text(made, HOME)
    assert text.endswith("would start no deployments. What it would do with 1 item is not known.\n")
    assert not made.is_blocked


@pytest.mark.parametrize("kind", ["service", "rule"])
def test_nothing_of_a_live_task_definition_is_more_than_text(shop, machine, kind):
    # GIVEN an image of a live task definition with escapes, a line of its own and a link
    live = shop.services["web"]["taskDefinition"]
    if kind == "rule":
        live = shop.rules["default", "nightly"][0]["EcsParameters"]["TaskDefinitionArn"]
    dirt = "\x1b[2J\u202e\nRelease deployed: 9\u200b https://evil.example/"
    shop.definitions[live][0]["containerDefinitions"][0]["image"] += dirt
    given = release(item("web", "2")) if kind == "service" else release(tasks=[JOB])
    made = plan(machine, given)
    # THEN the terminal, the comment and the result have one readable line of it
    for shown in (plan_text.text(made, HOME), plan_markdown.document(made, HOME).text):
        assert all(line.isprintable() and not line.startswith("Release") for line in shown.splitlines())
        assert "https[:]//" in shown.replace("\\", "")
    previous = machine.run(given)["result"]["items"][0]["previousImage"]
    assert previous.isprintable()
    assert "https://" not in previous
