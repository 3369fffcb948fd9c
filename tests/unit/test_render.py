"""deployment.json: the same bytes for the same manifest, within what Step Functions takes."""

from __future__ import annotations

import json

import pytest

from ecs_gitops.manifest import Manifest, ServiceItem
from ecs_gitops.manifest.execution_input import INPUT_AT_MOST, render
from ecs_gitops.model.errors import InvalidManifest
from ecs_gitops.model.source import Source


def of_size(count: int) -> Manifest:
    return Manifest(services=tuple(ServiceItem("w", "c", f"s{n:05}", "é" * 100) for n in range(count)))


def test_the_same_manifest_gives_the_same_bytes_with_the_version_first():
    made = Manifest(release="4.0", services=(ServiceItem("w", "c", "s", "é:1"),))
    text = render(made, Source(branch="main"), "f").text
    assert text == render(made, Source(branch="main"), "f").text
    assert list(json.loads(text)) == ["schemaVersion", "release", "services", "source"]
    assert "é:1" in text


def test_size_is_counted_in_bytes_and_reported_with_the_number():
    size = len(render(of_size(100), Source(), "f").text.encode())
    assert render(of_size(100), Source(), "f").warning is None
    warning = render(of_size(85 * INPUT_AT_MOST // size), Source(), "f").warning
    assert warning is not None
    assert f"of the {INPUT_AT_MOST:,} bytes" in warning
    with pytest.raises(InvalidManifest, match=r"deployment.json has 2\d\d,\d\d\d of the 204,800 bytes"):
        render(of_size(105 * INPUT_AT_MOST // size), Source(), "f")
