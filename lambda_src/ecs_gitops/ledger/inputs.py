"""``work/inputs/SHA256.json``: inputs that are too large for an execution. The pipeline's build writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ecs_gitops.model import event_data
from ecs_gitops.model.errors import LedgerRefused

if TYPE_CHECKING:
    from ecs_gitops.aws.ledger_bucket import LedgerBucket
    from ecs_gitops.manifest.stored_input import StoredInput
    from ecs_gitops.model.types import Json

_AGAIN = "Nothing was changed. Push again, or start the pipeline again: its build writes the input anew"


def read(bucket: LedgerBucket, stored: StoredInput) -> Json:
    """The input that a build stored. No more than its size is read.

    Raises as :class:`LedgerBucket` does, and :class:`LedgerRefused` where the object is gone or is another one."""
    address = bucket.address(stored.key)
    content = bucket.read(stored.key, stored.size)
    if content is None:
        raise LedgerRefused(
            f"{address}, the release's input, does not exist: it expires 30 days after its build, or was deleted. "
            f"{_AGAIN}"
        )
    if (wrong := stored.mismatch(content)) is not None:
        raise LedgerRefused(f"{address} is not the input that the build stored: {wrong}. {_AGAIN}")
    try:
        data = json.loads(content)
        event_data.require(data, {})
    except event_data.WRONG as error:
        raise LedgerRefused(f"{address} is not an input: {event_data.error_text(error)}. {_AGAIN}") from error
    return dict(data)
