"""Stories of services with two containers, of which Git manages one or both: those of the seeds from :data:`SEVERAL`
on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from unit.memory_account import image, sidecar
from unit.memory_sequence import Sequence
from unit.memory_story import Act, Story

SEVERAL = 200_000
_TAGS = ("1", "2", "2", "3")


class Several(Sequence):
    """Makes the story of a seed from :data:`SEVERAL` on. ``managed``: the services whose second container Git has."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.sidecars = tuple(name for name in self.names if self.chance.random() < 0.8)
        self.managed = tuple(name for name in self.sidecars if self.chance.random() < 0.6)

    def story(self) -> Story:
        made = super().story()
        images = {(sidecar(name), tag): self._word(tag) for name in self.sidecars for tag in (*_TAGS, "hot")}
        return replace(made, images={**made.images, **images}, sidecars=self.sidecars)

    def _item(self, index: int, name: str) -> dict[str, Any]:
        made = super()._item(index, name)
        if name in self.managed:
            other = image(sidecar(name), self.chance.choice(_TAGS))
            made["containers"] = [{"name": name, "image": made.pop("image")}, {"name": sidecar(name), "image": other}]
            del made["service"]
        return made

    def _name_image(self, item: dict[str, Any], tag: str) -> None:
        if "containers" not in item:
            super()._name_image(item, tag)
            return
        container = self.chance.choice(item["containers"])
        container["image"] = image(container["name"], tag)

    def _asked(self, manifest: dict[str, Any], name: str) -> str:
        item = next(each for each in manifest["services"] if each["serviceName"] == name)
        return str(item.get("containers", [item])[0]["image"]).split(":")[-1]

    def _moved(self, manifest: dict[str, Any]) -> Act:
        act = super()._moved(manifest)
        if act.service in self.sidecars and self.chance.random() < 0.5:
            return replace(act, service=sidecar(act.service))
        return act
