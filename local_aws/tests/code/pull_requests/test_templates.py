"""Approval rule templates: the rules of requests that come after them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from support.reviews import Review, refused, rule


@pytest.fixture
def template(review: Review) -> Iterator[str]:
    """A template for `main` that the repository is associated with; -> its name."""
    client = review.codecommit
    client.create_approval_rule_template(
        approvalRuleTemplateName=review.name,
        approvalRuleTemplateContent=rule(references=["refs/heads/main"]),
        approvalRuleTemplateDescription="One of us",
    )
    on = {"approvalRuleTemplateName": review.name, "repositoryName": review.name}
    client.associate_approval_rule_template_with_repository(**on)
    yield review.name
    client.disassociate_approval_rule_template_from_repository(**on)


def test_a_new_request_gets_the_rules_of_its_destination(review: Review, template: str) -> None:
    # GIVEN a template for main, and another branch
    client = review.codecommit
    client.create_branch(repositoryName=review.name, branchName="other", commitId=review.tip("main"))

    # WHEN requests are opened for both
    made = review.open()
    target = {"repositoryName": review.name, "sourceReference": "change", "destinationReference": "other"}
    other = client.create_pull_request(title="For other", targets=[target])["pullRequest"]

    # THEN one has the rule, which is the template's
    (added,) = made["approvalRules"]
    assert added["originApprovalRuleTemplate"]["approvalRuleTemplateName"] == template
    assert added["approvalRuleContent"] == rule(references=["refs/heads/main"])
    assert other["approvalRules"] == []
    on = {"pullRequestId": made["pullRequestId"], "approvalRuleName": added["approvalRuleName"]}
    error = refused(lambda: client.delete_pull_request_approval_rule(**on))
    assert error == "CannotDeleteApprovalRuleFromTemplateException"
    error = refused(lambda: client.update_pull_request_approval_rule_content(**on, newRuleContent=rule(2)))
    assert error == "CannotModifyApprovalRuleFromTemplateException"
    merge = client.merge_pull_request_by_fast_forward
    error = refused(lambda: merge(pullRequestId=made["pullRequestId"], repositoryName=review.name))
    assert error == "PullRequestApprovalRulesNotSatisfiedException"


def test_a_destination_may_have_a_wildcard(review: Review, template: str) -> None:
    client = review.codecommit
    for branch, is_for_it in (("release/1", True), ("released", False)):
        content = rule(references=["refs/heads/release/*"])
        client.update_approval_rule_template_content(approvalRuleTemplateName=template, newRuleContent=content)
        client.create_branch(repositoryName=review.name, branchName=branch, commitId=review.tip("main"))
        target = {"repositoryName": review.name, "sourceReference": "change", "destinationReference": branch}
        made = client.create_pull_request(title="For a release", targets=[target])["pullRequest"]
        assert bool(made["approvalRules"]) is is_for_it


def test_a_request_keeps_the_rules_that_it_began_with(review: Review, template: str) -> None:
    # GIVEN a request from before a change of the template
    before = review.open()
    review.codecommit.update_approval_rule_template_content(approvalRuleTemplateName=template, newRuleContent=rule(2))
    assert review.again(before)["approvalRules"] == before["approvalRules"]

    # WHEN another is opened, THEN it has the new content
    assert review.open()["approvalRules"][0]["approvalRuleContent"] == rule(2)


def test_a_template_is_read_changed_and_listed(review: Review, template: str) -> None:
    client = review.codecommit
    on = {"approvalRuleTemplateName": template}
    answer = client.get_approval_rule_template(**on)["approvalRuleTemplate"]
    content = rule(references=["refs/heads/main"])
    assert answer["ruleContentSha256"] == hashlib.sha256(content.encode()).hexdigest()
    assert (answer["approvalRuleTemplateDescription"], answer["lastModifiedUser"]) == ("One of us", review.author.arn)
    assert client.list_repositories_for_approval_rule_template(**on)["repositoryNames"] == [review.name]
    of_it = client.list_associated_approval_rule_templates_for_repository(repositoryName=review.name)
    assert of_it["approvalRuleTemplateNames"] == [template]
    assert template in client.list_approval_rule_templates()["approvalRuleTemplateNames"]

    client.update_approval_rule_template_description(**on, approvalRuleTemplateDescription="Two of us")
    update = client.update_approval_rule_template_content
    stale = refused(lambda: update(**on, newRuleContent=rule(2), existingRuleContentSha256="0" * 64))
    assert stale == "InvalidRuleContentSha256Exception"
    changed = client.update_approval_rule_template_name(
        oldApprovalRuleTemplateName=template, newApprovalRuleTemplateName=f"{template}-new"
    )["approvalRuleTemplate"]
    assert changed["approvalRuleTemplateId"] == answer["approvalRuleTemplateId"]
    assert changed["approvalRuleTemplateDescription"] == "Two of us"
    assert refused(lambda: client.get_approval_rule_template(**on)) == "ApprovalRuleTemplateDoesNotExistException"
    client.update_approval_rule_template_name(
        oldApprovalRuleTemplateName=f"{template}-new", newApprovalRuleTemplateName=template
    )


def test_a_template_in_use_is_not_deleted(review: Review, template: str) -> None:
    client, on = review.codecommit, {"approvalRuleTemplateName": template}
    assert refused(lambda: client.delete_approval_rule_template(**on)) == "ApprovalRuleTemplateInUseException"
    client.disassociate_approval_rule_template_from_repository(**on, repositoryName=review.name)
    assert review.open()["approvalRules"] == []
    assert client.delete_approval_rule_template(**on)["approvalRuleTemplateId"]
    client.create_approval_rule_template(**on, approvalRuleTemplateContent=rule())


def test_wrong_templates_are_refused(review: Review, template: str) -> None:
    create = review.codecommit.create_approval_rule_template
    error = refused(lambda: create(approvalRuleTemplateName=template, approvalRuleTemplateContent=rule()))
    assert error == "ApprovalRuleTemplateNameAlreadyExistsException"
    error = refused(lambda: create(approvalRuleTemplateName=f"{template}-2", approvalRuleTemplateContent="{}"))
    assert error == "InvalidApprovalRuleTemplateContentException"
