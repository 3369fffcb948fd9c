"""Read the manifest's bytes from a regular file of its checkout, and refuse everything else.

Who can push decides what is at the manifest's path. A link could lead to a file of the machine, whose content would
appear in a message. A pipe would block for ever, and a device has no end. Such files are refused before they are read.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ecs_gitops.manifest import MAX_BYTES

_REGULAR = "a regular file"
# Errors that the content of a checkout can cause. All others are errors of the machine.
_OF_THE_CHECKOUT = {
    errno.ENOENT: ("there is no such file in the repository", "the path of a file that is in the commit"),
    errno.ENOTDIR: ("there is no such file in the repository", "the path of a file that is in the commit"),
    errno.ELOOP: ("is a link that leads to itself", _REGULAR),
    errno.ENAMETOOLONG: ("its path, or that of a link, is too long", _REGULAR),
    errno.EACCES: ("its permissions do not let anybody read it", "a file that can be read"),
}
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAManifest(OSError):
    """The file cannot be a manifest. ``message`` is the reason, ``accepted`` what it may be."""

    def __init__(self, file: Path, message: str, accepted: str) -> None:
        super().__init__(errno.EINVAL, f"{message}; accepted: {accepted}", str(file))
        self.message, self.accepted = message, accepted


def read(file: Path, checkout: Path | None = None) -> bytes:
    """The file's bytes, at most one more than a manifest may have. Never blocks.

    With ``checkout``, a folder, ``file`` is relative to it. Without, ``file`` is any path, and the git checkout around
    it is the checkout. Raises :class:`NotAManifest` for a file outside the checkout and for one that is not a regular
    file, and other :class:`OSError` for one that cannot be read.
    """
    if checkout is None:
        return _read(file, file, _checkout_of(file))
    if file.is_absolute() or ".." in file.parts:
        raise NotAManifest(file, "leads out of the repository", "a path in the repository, without `..`")
    try:
        return _read(file, checkout / file, checkout)
    except NotAManifest:
        raise
    except OSError as error:
        if error.errno not in _OF_THE_CHECKOUT:
            raise
        raise NotAManifest(file, *_OF_THE_CHECKOUT[error.errno]) from None


def _read(named: Path, path: Path, checkout: Path | None) -> bytes:
    try:
        real = path.resolve(strict=True)
    except (RuntimeError, ValueError) as error:
        # A loop of links before Python 3.13, or a character that paths cannot have.
        raise NotAManifest(named, "its path leads nowhere", _REGULAR) from error
    if checkout is not None:
        _require_within(named, real, checkout.resolve())
    # Checked before it is opened, because to open some devices has an effect.
    _require_regular(named, os.lstat(real).st_mode)
    with os.fdopen(os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as opened:
        _require_regular(named, os.fstat(opened.fileno()).st_mode)
        return opened.read(MAX_BYTES + 1)


def _require_within(named: Path, real: Path, checkout: Path) -> None:
    if not real.is_relative_to(checkout):
        raise NotAManifest(named, "leads out of the repository through a link", "a file of the repository")
    if ".git" in real.relative_to(checkout).parts:
        # Git's own files are not in the commit, and may hold credentials.
        raise NotAManifest(named, "leads into git's own folder", "a file of the repository")


def _require_regular(named: Path, mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = next((name for is_kind, name in _KINDS if is_kind(mode)), "of an unknown kind")
        raise NotAManifest(named, f"is {kind}", _REGULAR)


def _checkout_of(file: Path) -> Path | None:
    """The git checkout around the file's path, without following links."""
    named = Path(os.path.normpath(Path.cwd() / file))
    return next((folder for folder in named.parents if (folder / ".git").exists()), None)
