"""A function that goes on after its execution was aborted, as Lambda lets it: some calls at a time, beside others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ecs_gitops.model.errors import LedgerRefused, LedgerUnavailable

if TYPE_CHECKING:
    from unit.memory_facts import Facts
    from unit.memory_world import World

# A function ends after so long.
_SECONDS = 900.0


class Aborted(BaseException):
    """The execution was stopped, and its function is gone."""


class FunctionThread(threading.Thread):
    function: Function


class Function:
    """An execution whose function goes on for a while after the abort. ``pause``: so many seconds pass before each
    call, and before its answer."""

    def __init__(self, world: World, facts: Facts, run: Callable[[], Any], pause: float) -> None:
        self.world, self.facts, self._run, self._pause, self._last = world, facts, run, pause, 0.0
        self.was_aborted = self.is_over = False
        self._calls, self._since = 0, 0.0
        self._turn, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._error: BaseException | None = None
        self._thread = FunctionThread(target=self._main, daemon=True)
        self._thread.function = self

    @property
    def is_alive(self) -> bool:
        return self.was_aborted and not self.is_over

    def start(self) -> None:
        """Run until the execution is aborted, or over."""
        self._thread.start()
        self._back.acquire()
        if self._error is not None:
            raise self._error

    def _main(self) -> None:
        try:
            report = self._run()
            if not self.was_aborted:
                self.facts.report = report
        except (Aborted, LedgerUnavailable, LedgerRefused):
            self.facts.was_aborted = True
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            if not self.was_aborted:
                self._error = error
        self.is_over = True
        self._back.release()

    def abort(self) -> None:
        self.was_aborted, self._since = True, self.world.account.now
        self._last = self._since
        self._wait()

    def pause(self) -> None:
        self._calls -= 1
        if self._calls < 0:
            self._wait()

    def require_alive(self) -> None:
        """The state machine begins no further state."""
        if self.was_aborted:
            raise Aborted

    def _wait(self) -> None:
        self._back.release()
        self._turn.acquire()
        if self.world.account.now - self._since > _SECONDS:
            raise Aborted

    def tick(self) -> None:
        """Time has passed."""
        if self.world.account.now - self._last >= self._pause:
            self._last = self.world.account.now
            self.go_on(1)

    def go_on(self, calls: int) -> None:
        if not self.is_alive:
            return
        account, facts = self.world.account, self.world.facts
        actor, account.actor, self.world.facts = account.actor, self.facts.name, self.facts
        self._calls = calls
        self._turn.release()
        self._back.acquire()
        account.actor, self.world.facts = actor, facts

    def end(self) -> None:
        self._since = -1e12
        while self.is_alive:
            self.go_on(0)
