"""The state machine of the model: its executions may be aborted, and redriven."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ecs_gitops.model.errors import AwsUnavailable, LedgerUnavailable
from unit.fake_aws import Died
from unit.machine import Machine
from unit.memory_function import Aborted

if TYPE_CHECKING:
    from unit.memory_world import World

_TRIES = 7


class Releases(Machine):
    """Executions that may be aborted, and redriven. ``world`` knows when."""

    world: World
    redrives = 0

    def _invoke(self, handler: Callable[[Any, Any], Any], event: dict[str, Any]) -> dict[str, Any]:
        attempt, unavailable = 0, None
        while attempt < _TRIES:
            self.world.before_invocation()
            given = json.loads(json.dumps({**event, "attempt": attempt, "redrive": self.redrives}))
            try:
                answer = dict(json.loads(json.dumps(handler(given, None))))
                self.world.after_invocation()
                return answer
            except Died:
                self.deaths += 1
                attempt += 1
            except AwsUnavailable as error:
                self.aws.now += 1
                unavailable, attempt = error, attempt + 1
            except LedgerUnavailable as error:
                self.aws.now += 30
                unavailable, attempt = error, attempt + 1
            except Aborted:
                if not self.world.is_redriven():
                    raise
                self.redrives, attempt = self.redrives + 1, 0
        if unavailable is not None:
            raise unavailable
        raise AssertionError("a state ran out of retries")
