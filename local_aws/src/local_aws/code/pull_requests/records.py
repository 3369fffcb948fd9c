"""What is kept of a pull request, and how GetPullRequest shows it.

https://docs.aws.amazon.com/codecommit/latest/APIReference/API_PullRequest.html
"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from dataclasses import dataclass, field

from local_aws.code import codecommit
from local_aws.code.codecommit import Repository
from local_aws.control.protocol import Data, Place, ServiceError


def new_revision() -> str:
    """An id as AWS's look: 64 hexadecimal digits."""
    return uuid.uuid4().hex + uuid.uuid4().hex


@dataclass(slots=True)
class PullRequest:
    """A pull request of one repository.

    ``revision`` changes with each push to the source branch; ``approvals`` are by revision and then by the approver's
    ARN, ``overrides`` by revision. ``destination_commit`` is the tip that it was merged into or closed at, and empty
    while it is open: then the branch itself says it. ``merge`` has the members of AWS's MergeMetadata.
    """

    place: Place
    id: str
    repository: str
    title: str
    description: str | None
    author: str
    source: str
    destination: str
    source_commit: str
    token: str | None
    status: str = "OPEN"
    revision: str = field(default_factory=new_revision)
    destination_commit: str = ""
    merge: Data = field(default_factory=lambda: {"isMerged": False})
    created: float = field(default_factory=time.time)
    active: float = field(default_factory=time.time)
    rules: dict[str, Data] = field(default_factory=dict)
    approvals: dict[str, dict[str, str]] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)

    def find_repository(self) -> Repository:
        return codecommit.find(self.place, self.repository)

    def destination_tip(self) -> str:
        """The destination's commit: as it was when the request ended, else as it is."""
        return self.destination_commit or self.find_repository().refs().get(self.destination, "")

    def touch(self) -> None:
        self.active = time.time()

    def view(self) -> Data:
        """The request as AWS shows it."""
        tip = self.destination_tip()
        target = {
            "repositoryName": self.repository,
            "sourceReference": self.source,
            "destinationReference": self.destination,
            "sourceCommit": self.source_commit,
            "destinationCommit": tip,
            "mergeBase": self.find_repository().merge_base(self.source_commit, tip),
            "mergeMetadata": self.merge,
        }
        view = {
            "pullRequestId": self.id,
            "title": self.title,
            "description": self.description,
            "lastActivityDate": self.active,
            "creationDate": self.created,
            "pullRequestStatus": self.status,
            "authorArn": self.author,
            "pullRequestTargets": [target],
            "clientRequestToken": self.token,
            "revisionId": self.revision,
            "approvalRules": list(self.rules.values()),
        }
        return {name: value for name, value in view.items() if value is not None}


# A change of a pull request, and what it is decided on, are one step.
lock = threading.RLock()
_requests: dict[tuple[Place, str], PullRequest] = {}
_numbers = itertools.count(1)


def add(request: PullRequest) -> None:
    _requests[request.place, request.id] = request


def next_id() -> str:
    """A number that no other pull request has, in any account."""
    return str(next(_numbers))


def find(place: Place, number: str) -> PullRequest:
    """The pull request; raises PullRequestDoesNotExistException."""
    found = _requests.get((place, number))
    if found is None:
        raise ServiceError("PullRequestDoesNotExistException", f"{number} does not exist")
    return found


def find_open(place: Place, number: str) -> PullRequest:
    """The pull request; raises PullRequestAlreadyClosedException for one that was closed or merged."""
    found = find(place, number)
    if found.status != "OPEN":
        raise ServiceError("PullRequestAlreadyClosedException", f"{number} is already closed")
    return found


def of_repository(place: Place, name: str) -> list[PullRequest]:
    """The pull requests of a repository, newest first."""
    return [r for r in reversed(_requests.values()) if r.place == place and r.repository == name]


def repository_of(place: Place, number: str) -> str:
    """The repository's name of a pull request, or empty: what a call is authorized on."""
    found = _requests.get((place, number))
    return found.repository if found else ""


def destination_of(place: Place, number: str) -> str:
    """The branch that a pull request is for, as ``refs/heads/…``, or empty."""
    found = _requests.get((place, number))
    return found.destination if found else ""


def associated(request: PullRequest, name: str) -> Repository:
    """The request's repository. Raises RepositoryNotAssociatedWithPullRequestException if ``name`` is another one."""
    repository = codecommit.find(request.place, name)
    if request.repository != name:
        raise ServiceError(
            "RepositoryNotAssociatedWithPullRequestException", f"{name} has no pull request {request.id}"
        )
    return repository


def current(request: PullRequest, revision: str) -> None:
    """Raise RevisionNotCurrentException unless ``revision`` is the newest one."""
    if revision != request.revision:
        raise ServiceError("RevisionNotCurrentException", f"the current revision of {request.id} is another one")


def drop(place: Place, repository: str) -> None:
    """Forget the pull requests of a deleted repository."""
    with lock:
        for key in [key for key, each in _requests.items() if each.place == place and each.repository == repository]:
            del _requests[key]
