"""The calls that only look, in memory: images, secrets, parameters, alarms, roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecs_gitops.model.errors import AwsRefused


class FakeLookups:
    """``registry`` maps ``repository:tag`` to a digest; a repository without an entry does not exist."""

    reader = "the deploy role"

    def __init__(self) -> None:
        self.registry: dict[str, str] = {}
        self.parameters: set[str] = set()
        self.secrets: set[str] = set()
        self.alarms: set[str] = set()
        self.pull_through: set[str] = set()
        self.passable: set[str] | None = None

    def _called(self, name: str) -> None:
        raise NotImplementedError

    def _done(self, name: str) -> None:
        raise NotImplementedError

    def image_digests(
        self, account: str, region: str, repository: str, references: Sequence[str]
    ) -> dict[str, str | None]:
        self._called("batch_get_image")
        known = {
            key.split(":", 1)[1]: digest for key, digest in self.registry.items() if key.startswith(f"{repository}:")
        }
        if not known:
            raise AwsRefused("batch_get_image", "RepositoryNotFoundException", "The repository does not exist.")
        self._done("batch_get_image")
        digests = {digest: digest for digest in known.values()}
        return {reference: {**known, **digests}.get(reference) for reference in references}

    def pull_through_prefixes(self, account: str, region: str) -> set[str]:
        self._called("describe_pull_through_cache_rules")
        self._done("describe_pull_through_cache_rules")
        return self.pull_through

    def known_parameters(self, region: str | None, names: Sequence[str]) -> set[str]:
        self._called("describe_parameters")
        self._done("describe_parameters")
        return self.parameters & set(names)

    def describe_secret(self, region: str | None, secret: str) -> dict[str, str]:
        self._called("describe_secret")
        self._done("describe_secret")
        if secret not in self.secrets:
            raise AwsRefused("describe_secret", "ResourceNotFoundException", "Secrets Manager can't find it.")
        return {"ARN": secret}

    def known_alarms(self, names: Sequence[str]) -> set[str]:
        self._called("describe_alarms")
        self._done("describe_alarms")
        return self.alarms & set(names)

    def may_pass(self, by: str, roles: Sequence[str], to: str) -> Mapping[str, bool]:
        self._called("simulate_principal_policy")
        self._done("simulate_principal_policy")
        return {role: self.passable is None or role in self.passable for role in roles}
