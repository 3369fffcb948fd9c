"""A config repository of somebody who may push and nothing else, and wants the build to run a program of theirs."""

from __future__ import annotations

import io
import stat
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

MANIFEST = "release: 1.0\nservices:\n  - {service: web, clusterName: shop, serviceName: web, image: 'web:2'}\n"

_PROGRAM = "#!/bin/sh\necho PWNED by $0 >&2\ntouch '{mark}'\nexit 0\n"
_MODULE = """
import os
print("PWNED by", __file__)
open({mark!r}, "w").close()
"""
_NAMES = ("yaml", "_yaml", "botocore", "jmespath", "urllib3", "wrapt", "six", "sitecustomize", "usercustomize")


def files(mark: Path) -> dict[str, tuple[int, str]]:
    """Path to mode and content of all that could be run, loaded or obeyed where a build works: each leaves ``mark``."""
    module, program = _MODULE.format(mark=str(mark)), _PROGRAM.format(mark=mark)
    found: dict[str, tuple[int, str]] = {"deployment.yaml": (stat.S_IFREG | 0o644, MANIFEST)}
    for name in sorted(sys.stdlib_module_names | {*_NAMES}):
        found[f"{name}.py"] = (stat.S_IFREG | 0o644, module)
    for package in ("ecs_gitops", "encodings", "layer/python/ecs_gitops", "python/ecs_gitops", "importlib"):
        for name in ("__init__.py", "__main__.py"):
            found[f"{package}/{name}"] = (stat.S_IFREG | 0o644, module)
    for name in ("python3", "aws", "curl", "cat", "rm", "mktemp", "mv", "sh", "git", "bin/python3", "env"):
        found[name] = (stat.S_IFREG | 0o755, program)
    line = f"import os; os.close(os.open({str(mark)!r}, os.O_CREAT))\n"
    texts = {
        "evil.pth": line,
        "lib/python3.13/site-packages/evil.pth": line,
        ".local/lib/python3.13/site-packages/evil.pth": line,
        "pyvenv.cfg": "home = .\ninclude-system-site-packages = true\n",
        ".python-version": "../../../../../../..\n",
        ".tool-versions": "python path:.\n",
        "pip.conf": "[global]\nindex-url = http://127.0.0.1:1/\n",
        "setup.py": module,
        "conftest.py": module,
        ".curlrc": "--output stolen\n",
        ".netrc": "default login a password b\n",
        ".env": "PATH=.\n",
        ".profile": program,
        ".bashrc": program,
        ".aws/config": "[default]\ncredential_process = ./aws\nregion = eu-west-9\n",
        ".aws/credentials": "[default]\naws_access_key_id = x\naws_secret_access_key = y\n",
        ".aws/cli/alias": "[toplevel]\nlambda = !./aws\ncodecommit = !./aws\n",
        "buildspec.yml": "version: 0.2\nphases: {build: {commands: ['./aws']}}\n",
        ".git/config": f"[core]\n\tfsmonitor = {mark.parent}/fsmonitor\n\tbare = false\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/hooks/post-checkout": program,
        ".gitattributes": "* filter=evil export-subst\n",
        "commit.json": '{"commit": {"author": {"name": "Mallory"}, "message": "Not this"}}',
        "layer.zip": "no zip",
        "address": "http://127.0.0.1:1/",
    }
    return found | {name: (stat.S_IFREG | 0o755, text) for name, text in texts.items()}


def link(target: str) -> tuple[int, str]:
    """A symbolic link to ``target``."""
    return stat.S_IFLNK | 0o777, target


PIPE = (stat.S_IFIFO | 0o644, "")
FOLDER = (stat.S_IFDIR | 0o755, "")


def packed(content: Mapping[str, tuple[int, str]]) -> bytes:
    """The source artifact."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, (mode, text) in content.items():
            entry = zipfile.ZipInfo(f"{path}/" if stat.S_ISDIR(mode) else path)
            entry.external_attr = mode << 16
            archive.writestr(entry, text)
    return out.getvalue()
