"""The instance's ledger, a bucket of its own (``modules/ledger``): settings, the fence, what is remembered, work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ecs_gitops.ledger.fence import Fence
    from ecs_gitops.ledger.targets import Targets


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a run over one batch needs of the ledger: the fence, and the memory of the batch's targets."""

    fence: Fence
    targets: Targets
