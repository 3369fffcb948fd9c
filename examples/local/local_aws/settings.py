"""What can be set while the local AWS runs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass
class Settings:
    """The knobs of a run; `POST /_local/settings` changes them under the same names.

    rollout_seconds: how long a task takes from being started to RUNNING.
    wait_scale: factor on Step Functions' waits and retry pauses; 1.0 is AWS's own time.
    lambda_isolated: functions see the standard library, their code and their layers, as on AWS, and
        not the packages of the Python that the emulator runs on.
    """

    rollout_seconds: float = 3.0
    wait_scale: float = 1.0
    lambda_isolated: bool = True

    def update(self, values: dict[str, object]) -> None:
        """Take the given values; raise ValueError for an unknown name or a wrong type."""
        known = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}; there are: {', '.join(known)}")
            if known[name] == "bool":
                if not isinstance(value, bool):
                    raise ValueError(f"{name} must be true or false")
                setattr(self, name, value)
            elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} must be a number, 0 or more")
            else:
                setattr(self, name, float(value))

    def as_dict(self) -> dict[str, object]:
        """The values by name."""
        return asdict(self)


SETTINGS = Settings()
"""The settings of the server that runs in this process."""


@dataclass
class Place:
    """Where the server of this process lives; filled in before it serves."""

    endpoint: str = ""
    state_dir: Path = Path()


PLACE = Place()


def load(text: str) -> dict[str, object]:
    """A JSON object of settings from `text`; raises ValueError when it is none."""
    values = json.loads(text or "{}")
    if not isinstance(values, dict):
        raise ValueError("expected a JSON object of settings")  # noqa: TRY004
    return values
