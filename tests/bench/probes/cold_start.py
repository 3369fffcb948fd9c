"""A cold DeployEcs: from the import of its module to the first call to ECS.

The invocation is a real one, over what InitConfig left in the ledger: it reads the batch and what is remembered from
S3, and assumes the deploy role. Requests are answered in place: what is measured is this process's own work, without
that of TLS.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from bench.probes import sandbox

_ABSENT = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
_ASSUMED = (
    b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
    b"<AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey><SessionToken>c</SessionToken>"
    b"<Expiration>2036-11-27T10:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
)


class _Reached(BaseException):
    """The first call to ECS. Not an Exception: nothing on the way handles it."""


def measured(given: Mapping[str, Any]) -> dict[str, Any]:
    """``importMs`` and ``invocationMs`` of CPU, and the ``calls`` before the first one to ECS. ``given`` is what
    ``first_stage`` returned."""
    sandbox.set_environment()
    began = time.process_time()
    from ecs_gitops.lambdas.deploy_ecs import handler

    imported = time.process_time()
    calls: list[str] = []

    def answer(request: Any) -> tuple[int, bytes]:
        host, _, path = str(request.url).removeprefix("https://").partition("/")
        service = "s3" if ".s3." in host else host.partition(".")[0]
        if service == "ecs":
            raise _Reached
        calls.append(service)
        if service == "sts":
            return 200, _ASSUMED
        content = given["objects"].get(path)
        return (404, _ABSENT) if content is None else (200, content.encode())

    sandbox.answer_requests(answer)
    invoked = time.process_time()
    try:
        handler(given["event"], sandbox.Context())
    except _Reached:
        reached = time.process_time()
        return {"importMs": (imported - began) * 1000, "invocationMs": (reached - invoked) * 1000, "calls": calls}
    raise RuntimeError("DeployEcs has not called ECS")
