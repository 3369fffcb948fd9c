"""What the deployment of services and of scheduled tasks have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecs_gitops.apply.registration import Registrar
from ecs_gitops.verdict.refusals import failure_text, is_expected

if TYPE_CHECKING:
    from ecs_gitops.aws import Aws
    from ecs_gitops.aws.observability import ItemLog
    from ecs_gitops.aws.time_budget import TimeBudget
    from ecs_gitops.ledger import Ledger
    from ecs_gitops.model.batch import Batch
    from ecs_gitops.model.item import Item
    from ecs_gitops.model.release import Release


@dataclass(slots=True)
class Deployer:
    """One run over one batch. ``is_retry``: a run before this one may have stopped between two calls."""

    aws: Aws
    release: Release
    batch: Batch
    budget: TimeBudget
    ledger: Ledger
    is_retry: bool
    _registrar: Registrar = field(init=False)

    def __post_init__(self) -> None:
        self._registrar = Registrar(self.aws, self.release, self.is_retry)

    def _reason(self, error: Exception, out: ItemLog, item: Item | None = None) -> str:
        """The reason of an item for any error; a fault of this package is logged."""
        if not is_expected(error):
            out.warning("internal error", cause=type(error).__name__)
        return failure_text(error, self.batch, item)
