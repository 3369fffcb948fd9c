"""The ledger's bucket in memory: conditional writes as S3 plays them, versions, and faults."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from ecs_gitops.aws.ledger_bucket import LedgerBucket, Stored
from ecs_gitops.model.errors import LedgerUnavailable


@dataclass(frozen=True)
class FakeBucket(LedgerBucket):
    """``objects`` are what is stored, ``versions`` everything that ever was. ``before`` is called before each call with
    its name and key, and ``after`` after its effect: both may raise."""

    bucket: str = "ledger"
    owner: str = "111111111111"
    region: str = "us-west-2"
    objects: dict[str, Stored] = field(default_factory=dict)
    versions: list[tuple[str, Stored]] = field(default_factory=list)
    hooks: dict[str, Callable[[str, str], None]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def load(self, key: str, at_most: int) -> Stored | None:
        self._called("read", key)
        found = self.objects.get(key)
        self._done("read", key)
        return None if found is None else Stored(found.content[: at_most + 1], found.etag)

    def create(self, key: str, content: bytes) -> Stored | None:
        self._called("write", key)
        return None if key in self.objects else self._store(key, content)

    def replace(self, key: str, content: bytes, etag: str) -> Stored | None:
        self._called("write", key)
        if key not in self.objects or self.objects[key].etag != etag:
            return None
        return self._store(key, content)

    def put(self, key: str, content: bytes) -> None:
        self._called("write", key)
        self._store(key, content)

    def _store(self, key: str, content: bytes) -> Stored:
        etag = hashlib.md5(content + str(next(self._numbers)).encode(), usedforsecurity=False).hexdigest()
        self.objects[key] = stored = Stored(content, f'"{etag}"')
        self.versions.append((key, stored))
        self._done("write", key)
        return stored

    def _called(self, name: str, key: str) -> None:
        self.calls.append((name, key))
        if "before" in self.hooks:
            self.hooks["before"](name, key)

    def _done(self, name: str, key: str) -> None:
        if "after" in self.hooks:
            self.hooks["after"](name, key)

    def is_down(self, *prefixes: str, names: tuple[str, ...] = ("read", "write")) -> None:
        """From now on calls for these keys fail, all calls where no prefix is given."""

        def fail(name: str, key: str) -> None:
            if name in names and (not prefixes or key.startswith(prefixes)):
                raise LedgerUnavailable(f"s3://ledger/{key}: SlowDown")

        self.hooks["before"] = fail

    def is_up(self) -> None:
        self.hooks.clear()
