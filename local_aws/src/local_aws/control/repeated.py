"""A request that Terraform repeats gets the answer of the first one.

On a busy machine a connection to this server breaks at times after the call was made. The provider then repeats the
request, as it does with AWS, and what it was about to create "already exists". All tries of a call have one id:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

_AGENT = b"HashiCorp"
_KEPT = 1_000
_OK = 300


def answered_once(app: Any) -> Any:
    """The application, which makes a call of Terraform's provider once. Answers that are errors are not kept: a
    repeated request is meant to get another one."""
    answers: OrderedDict[bytes, asyncio.Future[list[Mapping[str, Any]]]] = OrderedDict()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        call = headers.get(b"amz-sdk-invocation-id")
        if call is None or _AGENT not in headers.get(b"user-agent", b""):
            await app(scope, receive, send)
            return
        if call in answers:
            for message in (known := await answers[call]):
                await send(message)
            if known:
                return
        made = answers[call] = asyncio.get_running_loop().create_future()
        sent: list[Mapping[str, Any]] = []

        async def keep(message: Mapping[str, Any]) -> None:
            sent.append(message)
            await send(message)

        try:
            await app(scope, receive, keep)
        finally:
            is_good = bool(sent) and int(sent[0].get("status", 500)) < _OK
            made.set_result(sent if is_good else [])
            while len(answers) > _KEPT:
                answers.popitem(last=False)

    return answer
