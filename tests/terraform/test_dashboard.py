"""The dashboard draws the metrics that the package writes, under the names that it writes."""

from __future__ import annotations

import re
from pathlib import Path

from ecs_gitops.notify import metrics

MODULE = Path(__file__).parents[2] / "modules/dashboard"


def test_the_dashboard_draws_what_the_package_writes() -> None:
    source = "".join(file.read_text() for file in sorted(MODULE.glob("*.tf")))
    # A list of names, then the metric made of each; or the metric with its name.
    lists = re.findall(r"for name in \[([^]]*)\] :\s*\[local\.release_namespace, name,", source)
    drawn = {name for text in lists for name in re.findall(r'"(\w+)"', text)}
    drawn |= set(re.findall(r'\[local\.release_namespace, "(\w+)"', source))

    assert drawn == set(metrics.UNITS)
    assert re.findall(r'release_namespace\s*= "(\w+)"', source) == [metrics.NAMESPACE]
    assert set(re.findall(r'\[local\.release_namespace, [^]]*?, "(\w+)", local\.state_machine_name', source)) == {
        metrics.DIMENSION
    }
    assert re.findall(r"release_dimensions\s*= \{ (\w+) =", source) == [metrics.DIMENSION]
