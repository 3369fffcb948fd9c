"""deployment.json: the same bytes for the same manifest, within what Step Functions takes, or a pointer to them."""

from __future__ import annotations

import hashlib
import json

import pytest

from ecs_gitops.manifest import MAX_BYTES, Manifest, ServiceItem, stored_input
from ecs_gitops.manifest.execution_input import INPUT_AT_MOST, render
from ecs_gitops.manifest.stored_input import StoredInput
from ecs_gitops.model.errors import InvalidEvent, InvalidManifest
from ecs_gitops.model.source import Source


def of_size(count: int, length: int = 100) -> Manifest:
    return Manifest("4.0", services=tuple(ServiceItem("w", "c", f"s{n:05}", "é" * length) for n in range(count)))


def test_the_same_manifest_gives_the_same_bytes_with_the_version_first():
    made = Manifest(release="4.0", services=(ServiceItem("w", "c", "s", "é:1"),))
    text = render(made, Source(branch="main"), "f").text
    assert text == render(made, Source(branch="main"), "f").text
    assert list(json.loads(text)) == ["schemaVersion", "release", "services", "source"]
    assert "é:1" in text


def test_an_input_is_whole_up_to_the_limit_counted_in_bytes():
    size = len(render(of_size(100), Source(), "f").text.encode())
    below, beyond = (render(of_size(share * INPUT_AT_MOST // size), Source(), "f") for share in (98, 103))
    assert (below.large, below.stored) == (None, None)
    assert len(json.loads(below.text)["services"]) == 98 * INPUT_AT_MOST // size
    assert "services" not in json.loads(beyond.text)


def test_a_pointer_has_release_and_source_and_says_what_it_points_to():
    source = Source(repository="config", branch="main", commit_id="abc", author="Ada", subject="é")
    made = render(of_size(1_000), source, "f")
    # GIVEN the pointer, THEN it is small, and people can read whose release it is
    data = json.loads(made.text)
    assert list(data) == ["schemaVersion", "release", "source", "input"]
    assert (data["release"], data["source"]) == ("4.0", source.to_json())
    assert len(made.text) < 1_000
    # AND the input has all of the manifest, and is found by its content
    assert made.large is not None
    whole = made.large.encode()
    digest = hashlib.sha256(whole).hexdigest()
    assert data["input"] == {"key": f"work/inputs/{digest}.json", "sha256": digest, "bytes": len(whole)}
    assert json.loads(whole)["services"] == of_size(1_000).to_json()["services"]
    assert json.loads(whole)["source"] == source.to_json()
    assert made == render(of_size(1_000), source, "f")


def test_the_whole_input_has_a_limit_too_and_a_warning_before_it():
    assert render(of_size(1_000), Source(), "f").warning is None
    warning = render(of_size(10_000, 350), Source(), "f").warning
    assert warning is not None
    assert f"of the {MAX_BYTES:,} bytes" in warning
    with pytest.raises(InvalidManifest, match=r"the release's input has 8,\d\d\d,\d\d\d of the 8,388,608 bytes"):
        render(of_size(10_000, 390), Source(), "f")


GOOD = StoredInput("0" * 64, 300_000).to_json()


def test_a_pointer_is_read_as_it_was_written_and_an_inline_input_is_none():
    assert stored_input.from_data({"schemaVersion": 1, "input": GOOD}) == StoredInput("0" * 64, 300_000)
    assert stored_input.from_data({"services": []}) is None
    assert stored_input.from_data(["input"]) is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (None, "input is None"),
        ([], "input is of type list"),
        ({**GOOD, "sha256": "0" * 63}, "input.sha256 is '0+'"),
        ({**GOOD, "sha256": "A" * 64}, "input.sha256 is 'A+'"),
        ({**GOOD, "key": "settings/instance.json"}, r"input.key is not work/inputs/0+\.json"),
        ({**GOOD, "key": "work/inputs/../../running.json"}, "input.key is not work/inputs"),
        ({**GOOD, "bytes": 0}, "input.bytes is of type int; accepted: a whole number from 1 to 8388608"),
        ({**GOOD, "bytes": MAX_BYTES + 1}, "accepted: a whole number from 1 to 8388608"),
        ({**GOOD, "bytes": 10**400}, "accepted: a whole number from 1 to 8388608"),
        ({**GOOD, "bytes": True}, "input.bytes is True"),
        ({"key": GOOD["key"]}, "sha256"),
        ({"sha256": GOOD["sha256"], "bytes": 3}, "key"),
    ],
)
def test_a_pointer_of_another_shape_is_refused_by_name(changed, message):
    with pytest.raises(InvalidEvent, match=message) as caught:
        stored_input.from_data({"schemaVersion": 1, "input": changed})
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("member", ["services", "problems", "defaults", "\ud800"])
def test_a_pointer_has_no_items_beside_it(member):
    with pytest.raises(InvalidEvent, match="beside input there may be no") as caught:
        stored_input.from_data({"schemaVersion": 1, member: [], "input": GOOD})
    assert str(caught.value).isprintable()
