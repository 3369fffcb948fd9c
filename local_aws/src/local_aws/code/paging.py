"""Lists of CodeCommit in pages."""

from __future__ import annotations

from typing import Any

from local_aws.control.protocol import Data, ServiceError

_AT_MOST = 100


def paged(name: str, found: list[Any], data: Data) -> Data:
    """The page that ``nextToken`` names, with at most ``maxResults`` entries, as member ``name``."""
    token, size = str(data.get("nextToken") or "0"), data.get("maxResults") or _AT_MOST
    if not token.isdigit():
        raise ServiceError("InvalidContinuationTokenException", "the token is none of ours")
    if not 0 < size <= 5 * _AT_MOST:
        raise ServiceError("InvalidMaxResultsException", f"maxResults is between 1 and {5 * _AT_MOST}")
    start, end = int(token), int(token) + size
    return {name: found[start:end], **({"nextToken": str(end)} if end < len(found) else {})}
