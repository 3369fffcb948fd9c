"""The content of an approval rule: who may approve, and how many must.

https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-create-template.html
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_AT_MOST, _REFERENCES_AT_MOST = 3000, 100
_REFERENCE = re.compile(r"refs/heads/[^*]")
_VERSION = "2018-11-08"
_SHORT = "CodeCommitApprovers:"


@dataclass(frozen=True, slots=True)
class Content:
    """A rule. ``references``: the destinations that it is for, with ``*`` for any text (empty: all);
    ``statements``: how many approvals each needs, and from whom (empty: from anybody)."""

    references: tuple[str, ...]
    statements: tuple[tuple[int, tuple[str, ...]], ...]

    def is_for(self, destination: str) -> bool:
        """Whether the rule is for requests to merge into ``destination`` (``refs/heads/…``)."""
        return not self.references or any(_fits(destination, each) for each in self.references)

    def is_satisfied(self, approvers: Iterable[str]) -> bool:
        """Whether these ARNs are enough."""
        given = set(approvers)
        return all(
            sum(1 for arn in given if not pool or any(_is_member(arn, each) for each in pool)) >= needed
            for needed, pool in self.statements
        )


def parse(text: str) -> Content:
    """Read a rule. Raises :class:`ValueError`, whose text says what is wrong with it."""
    if len(text) > _AT_MOST:
        raise ValueError(f"a rule has at most {_AT_MOST} characters")
    document = json.loads(text)
    if not isinstance(document, dict) or document.keys() - {"Version", "DestinationReferences", "Statements"}:
        raise ValueError("a rule has Version, DestinationReferences and Statements")
    if document.get("Version") != _VERSION:
        raise ValueError(f"Version is {_VERSION}")
    references = document.get("DestinationReferences") or []
    if not all(isinstance(each, str) and _REFERENCE.match(each) for each in references):
        raise ValueError("DestinationReferences are written refs/heads/NAME, and a name does not begin with *")
    if len(references) > _REFERENCES_AT_MOST:
        raise ValueError(f"there are at most {_REFERENCES_AT_MOST} DestinationReferences")
    statements = document.get("Statements")
    if not isinstance(statements, list) or len(statements) != 1:
        raise ValueError("Statements has one statement")
    return Content(tuple(references), tuple(_statement(each) for each in statements))


def _statement(found: Any) -> tuple[int, tuple[str, ...]]:
    if not isinstance(found, dict) or found.keys() - {"Type", "NumberOfApprovalsNeeded", "ApprovalPoolMembers"}:
        raise ValueError("a statement has Type, NumberOfApprovalsNeeded and ApprovalPoolMembers")
    needed, pool = found.get("NumberOfApprovalsNeeded"), found.get("ApprovalPoolMembers") or []
    if found.get("Type") != "Approvers" or not isinstance(needed, int) or isinstance(needed, bool) or needed < 1:
        raise ValueError("Type is Approvers, and NumberOfApprovalsNeeded a number from 1 on")
    if not all(isinstance(each, str) and each.startswith(("arn:", _SHORT)) for each in pool):
        raise ValueError(f"a member of the pool is an ARN or begins with {_SHORT}")
    return needed, tuple(pool)


def _is_member(arn: str, member: str) -> bool:
    """``*`` matches any text. ``CodeCommitApprovers:ACCOUNT:NAME`` is an IAM or federated user of that name; a role's
    session only as ``ROLE/SESSION``, with a wildcard or not."""
    if not member.startswith(_SHORT):
        return _fits(arn, member)
    account, _, pattern = member.removeprefix(_SHORT).partition(":")
    owner, _, resource = arn.split(":", 4)[-1].partition(":")
    # AWS's documentation leaves the kind of the principal out, and its console writes it.
    return owner == account and any(_fits(each, pattern) for each in (resource, resource.partition("/")[2]))


def _fits(text: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))
