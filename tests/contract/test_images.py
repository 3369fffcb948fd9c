"""What ECR says of tags."""

from __future__ import annotations

from contract.accounts import Account
from contract.deployments import refused


def test_tags_and_digests_are_looked_up(account: Account, name: str) -> None:
    one, two = account.push(name, "1"), account.push(name, "2")
    digests = account.aws.image_digests("111111111111", "us-west-2", name, ["1", "2", "3", one])
    assert digests == {"1": one, "2": two, "3": None, one: one}
    missing = refused(lambda: account.aws.image_digests("111111111111", "us-west-2", f"{name}-x", ["1"]))
    assert missing == "RepositoryNotFoundException"
