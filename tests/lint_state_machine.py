"""Check the state machine's definition with statelint: ``python -m lint_state_machine``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "modules" / "deployer" / "state_machine.asl.json"
_RETRIES = json.loads(FILE.with_name("retries.json").read_text())
_VALUES = {
    "max_concurrency": "20",
    "timeout_seconds": "14400",
    "partition": "aws",
    **{f"retry_{name}": json.dumps(retry) for name, retry in _RETRIES.items()},
}


def rendered(text: str) -> str:
    """The template with a value in place of each variable, as ``templatefile`` would put one."""
    return re.sub(r"\$\{(\w+)\}", lambda match: _VALUES.get(match.group(1), f"arn:aws:x:::{match.group(1)}"), text)


def problems(definition: dict[str, object]) -> list[str]:
    """What is wrong with a definition in Amazon States Language; empty when nothing is."""
    from statelint.linter import Linter

    return list(Linter.validate(definition))


def main() -> int:
    found = problems(json.loads(rendered(FILE.read_text())))
    for problem in found:
        sys.stderr.write(f"{FILE.name}: {problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
