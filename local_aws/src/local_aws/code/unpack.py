"""Unpack a source artifact as the worst of archives would be: links, pipes and modes are what the zip says.

What a source action packs of a commit's symbolic links depends on where it comes from, and so does what CodeBuild makes
of them. A build must be safe with all of it.
"""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path


def unpack(archive: zipfile.ZipFile, folder: Path) -> None:
    """Links come last: nothing is written through one."""
    special = []
    for entry in archive.infolist():
        mode = entry.external_attr >> 16
        if stat.S_ISLNK(mode) or stat.S_ISFIFO(mode):
            special.append((entry, mode))
            continue
        made = Path(archive.extract(entry, folder))
        if stat.S_ISREG(mode):
            made.chmod(stat.S_IMODE(mode) | stat.S_IRUSR)
    for entry, mode in special:
        # As zipfile itself does it with names that would lead out.
        path = folder.joinpath(*(part for part in Path(entry.filename).parts if part not in ("/", "..")))
        path.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISFIFO(mode):
            os.mkfifo(path)
        else:
            path.symlink_to(archive.read(entry).decode())
