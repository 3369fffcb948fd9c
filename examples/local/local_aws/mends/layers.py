"""A layer's content can be fetched from the address that GetLayerVersion gives.

AWS: `Content.Location` is a presigned address, fetched without credentials. ministack's address names `localhost`
with the port of its own; here it names the endpoint as it is bound.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from ministack import app
from ministack.services import lambda_svc  # noqa: F401 - its handler must be loaded

from local_aws.settings import PLACE
from local_aws.wire import Answer


def _at_endpoint(address: str) -> str:
    parts = urlsplit(address)
    return PLACE.endpoint + parts.path + (f"?{parts.query}" if parts.query else "")


def apply() -> None:
    """Rewrite the address in answers about a layer version."""
    handler = app.SERVICE_HANDLERS["lambda"]

    async def handle(method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]) -> Answer:
        status, answer_headers, answer = await handler(method, path, headers, body, query)
        if status < 300 and "/layers" in path:
            shown = json.loads(answer or b"{}")
            if isinstance(shown, dict) and shown.get("Content", {}).get("Location"):
                shown["Content"]["Location"] = _at_endpoint(shown["Content"]["Location"])
                answer = json.dumps(shown).encode()
        return status, answer_headers, answer

    app.SERVICE_HANDLERS["lambda"] = handle
