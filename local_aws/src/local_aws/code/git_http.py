"""Git's smart HTTP protocol for the repositories, through ``git http-backend``.

The one Git user with its password may do all. With AWS credentials the caller needs ``codecommit:GitPull`` and
``codecommit:GitPush``. What a push changes is known from its body alone: Git asks first what there is, and that request
is authorized without the key ``codecommit:References``.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import os
import secrets
import subprocess
from typing import Any

from local_aws.code import callers, codecommit
from local_aws.code.codecommit import Repository
from local_aws.control.settings import settings
from local_aws.iam.roles import Denied, Session, require

PREFIX = "/v1/repos/"
USER = "git-user"
Reply = tuple[int, list[tuple[str, str]], bytes]


def password() -> str:
    """The password of the one Git user, made once for the server's folder."""
    file = settings.folder / "git-password"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
    return file.read_text()


async def answer(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request below :data:`PREFIX`."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope["headers"]}
    status, reply, content = await asyncio.to_thread(_run, scope, headers, bytes(body))
    pairs = [(name.encode(), value.encode()) for name, value in reply]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


def _run(scope: dict[str, Any], headers: dict[str, str], body: bytes) -> Reply:
    name, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
    repository = codecommit.by_name(name.removesuffix(".git"))
    user, secret = _basic(headers.get("authorization", ""))
    is_the_user = secrets.compare_digest(f"{user}:{secret}".encode(), f"{USER}:{password()}".encode())
    session = None
    if repository and not is_the_user:
        session = callers.git_session(user, secret, headers.get("host", ""), f"{PREFIX}{name}", repository.place)
    if not is_the_user and session is None:
        return 401, [("www-authenticate", 'Basic realm="CodeCommit"')], b"credentials, please\n"
    if repository is None:
        return 404, [], json.dumps({"message": f"{name} does not exist"}).encode()
    if headers.get("content-encoding") == "gzip":
        import gzip

        body = gzip.decompress(body)
    if session is not None:
        try:
            _authorize(session, repository, rest, scope["query_string"].decode(), body)
        except Denied as error:
            return 403, [], f"{error}\n".encode()
    return _backend(repository, scope, headers, rest, body, session.arn if session else None)


def _backend(
    repository: Repository, scope: dict[str, Any], headers: dict[str, str], rest: str, body: bytes, who: str | None
) -> Reply:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(repository.folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.folder.name}/{rest}",
        "REQUEST_METHOD": scope["method"],
        "QUERY_STRING": scope["query_string"].decode(),
        "CONTENT_TYPE": headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_USER": USER,
        "GIT_PROTOCOL": headers.get("git-protocol", ""),
    }
    before = repository.refs()
    done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, env=environment, check=False)
    if rest == "git-receive-pack":
        codecommit.pushed(repository, before, repository.refs(), who)
    return _cgi(done.stdout)


def _basic(header: str) -> tuple[str, str]:
    """User and password of an Authorization header; empty ones of any other."""
    try:
        user, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, secret


def _authorize(session: Session, repository: Repository, rest: str, query: str, body: bytes) -> None:
    """Raise :class:`Denied` unless the session may do what the request asks for."""
    place = repository.place
    action = "codecommit:GitPush" if "git-receive-pack" in f"{rest}?{query}" else "codecommit:GitPull"
    references = _pushed_references(body) if rest == "git-receive-pack" else []
    for reference in references or [""]:
        keys = {"codecommit:References": reference} if reference else {}
        require(session, action, repository.arn, place.region, **keys)


def _pushed_references(body: bytes) -> list[str]:
    """What a push would create, change or delete. A list of packet lines ``OLD NEW REFERENCE`` begins its body.

    https://git-scm.com/docs/pack-protocol#_reference_update_request_and_packfile_transfer
    """
    found = []
    while len(body) >= 4 and (length := int(body[:4], 16)) > 4:
        line, body = body[4:length], body[length:]
        words = line.partition(b"\0")[0].decode().strip().split(" ", 2)
        if len(words) == 3:
            found.append(words[2])
    return found


def _cgi(output: bytes) -> Reply:
    head, _, content = output.partition(b"\r\n\r\n")
    status, headers = 200, []
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    return status, headers, content
