"""Zip files for functions and layers."""

from __future__ import annotations

import io
import zipfile


def zipped(files: dict[str, str]) -> bytes:
    """A zip of the files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return out.getvalue()
