"""A layer version is unpacked once, and all processes of functions read that folder, as they read ``/opt`` on AWS.

ministack unpacks it anew for each process, which then compiles all of it: more than a second, and most of what a cold
start takes.
"""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_aws.control.settings import settings

# ministack's name for what it tells the process of a Python function.
_FOLDERS = "_LAMBDA_LAYERS_DIRS"
_unpacking = threading.Lock()


def mend() -> None:
    """Apply the mend of this module."""
    spawn = lambda_runtime.Worker._spawn

    def spawn_on_shared_layers(self: Any) -> None:
        given = self.config
        layers = [lambda_svc._resolve_layer_zip(each) for each in given.get("Layers") or ()]
        if str(given.get("Runtime", "")).startswith("python") and any(layers):
            folders = os.pathsep.join(str(_unpacked(each)) for each in layers if each)
            environment = given.get("Environment") or {}
            variables = {**environment.get("Variables", {}), _FOLDERS: folders}
            self.config = {**given, "Layers": [], "Environment": {**environment, "Variables": variables}}
        try:
            spawn(self)
        finally:
            self.config = given

    lambda_runtime.Worker._spawn = spawn_on_shared_layers


def _unpacked(content: bytes) -> Path:
    """The folder with a layer's content."""
    folder = settings.folder / "layers" / hashlib.sha256(content).hexdigest()
    with _unpacking:
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(partial)
            partial.rename(folder)
    return folder
