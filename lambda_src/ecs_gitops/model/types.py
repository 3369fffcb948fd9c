"""A name for plain JSON data."""

from typing import Any, TypeAlias

# A JSON object as AWS or Step Functions sends it.
Json: TypeAlias = dict[str, Any]
