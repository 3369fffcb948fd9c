"""Git's smart HTTP protocol for the repositories, through ``git http-backend``, with CodeCommit's kind of password."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import secrets
import subprocess
from typing import Any

from local_aws.code import codecommit
from local_aws.control.settings import settings

PREFIX = "/v1/repos/"
USER = "git-user"


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


def _run(scope: dict[str, Any], headers: dict[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    name, _, rest = scope["path"].removeprefix(PREFIX).partition("/")
    repository = codecommit.by_name(name.removesuffix(".git"))
    expected = "Basic " + base64.b64encode(f"{USER}:{password()}".encode()).decode()
    if not secrets.compare_digest(headers.get("authorization", "").encode(), expected.encode()):
        return 401, [("www-authenticate", 'Basic realm="CodeCommit"')], b"credentials, please\n"
    if repository is None:
        return 404, [], json.dumps({"message": f"{name} does not exist"}).encode()
    if headers.get("content-encoding") == "gzip":
        import gzip

        body = gzip.decompress(body)
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
        codecommit.pushed(repository, before, repository.refs())
    return _cgi(done.stdout)


def _cgi(output: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    head, _, content = output.partition(b"\r\n\r\n")
    status, headers = 200, []
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name.lower(), value.strip()))
    return status, headers, content
