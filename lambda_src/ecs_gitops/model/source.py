"""The source of a manifest: repository, branch, commit, author, subject, as far as they are known. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ecs_gitops.model import sanitize

_AT_MOST = 200
# Attributes by their names in JSON.
MEMBERS = {
    "repository": "repository",
    "branch": "branch",
    "commitId": "commit_id",
    "author": "author",
    "subject": "subject",
}


@dataclass(frozen=True, slots=True)
class Source:
    """Each is one line, or None where it is not known."""

    repository: str | None = None
    branch: str | None = None
    commit_id: str | None = None
    author: str | None = None
    subject: str | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, object], text: Callable[[object], str | None]) -> Source:
        """The source in an unchecked object; ``text`` makes one line of a value, or None."""
        return cls(**{attribute: text(data.get(member)) for member, attribute in MEMBERS.items()})

    def to_json(self) -> dict[str, str]:
        """Members repository, branch, commitId, author, subject; absent where not known."""
        values = {member: getattr(self, attribute) for member, attribute in MEMBERS.items()}
        return {member: value for member, value in values.items() if value}


# The source where nothing is known.
UNKNOWN = Source()


def first_line(value: object) -> str | None:
    """The first line with something in it, of at most 200 characters."""
    if not isinstance(value, str):
        return None
    return next((text for each in value.splitlines() if (text := sanitize.line(each, _AT_MOST))), None)
