"""Image references for the unit tests and the fuzzer: random ones, and an oracle that knows the grammar by itself.

The oracle goes the way of the Go library that engines use (https://github.com/distribution/reference): the registry is
told from the path first, then one anchored expression decides. Beside it stands what ECS says of ``image``.
"""

from __future__ import annotations

import json
import random
import re
from functools import cache
from importlib.resources import files

_ALPHANUMERIC = "[a-z0-9]+"
_SEPARATOR = "(?:[._]|__|[-]+)"
_PATH_COMPONENT = f"{_ALPHANUMERIC}(?:{_SEPARATOR}{_ALPHANUMERIC})*"
_DOMAIN_COMPONENT = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_DOMAIN_COMPONENT}(?:[.]{_DOMAIN_COMPONENT})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?"
_DIGEST = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*[:][0-9a-fA-F]{32,}"
_REFERENCE = re.compile(
    f"({_DOMAIN})/({_PATH_COMPONENT}(?:/{_PATH_COMPONENT})*)(?::([a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,127}}))?(?:@({_DIGEST}))?"
)
_DOMAINS = (
    *("", "", "localhost:5000/", "example.com/", "Registry/", "[2001:db8::1]:5000/", "10.0.0.1:80/", "docker.io/"),
    *("ecr.example.com/", "a.b-c.d:65535/"),
)


def is_reference(image: str) -> bool:
    """Whether engines and ECS take it; says nothing of hosts that only look like ECR."""
    if re.fullmatch("[a-f0-9]{64}", image) or re.fullmatch(
        "sha(256|384|512):[a-fA-F0-9]{32,}", image.partition("@")[0]
    ):
        return False
    first, slash, rest = image.partition("/")
    is_domain = slash and (first == "localhost" or "." in first or ":" in first or first.lower() != first)
    found = _REFERENCE.fullmatch(f"{first}/{rest}" if is_domain else f"docker.io/library/{image}")
    if found is None or len(image.partition("@")[0]) > 255:
        return False
    port = re.search(":([0-9]+)$", found[1])
    is_port = port is None or (len(port[1].lstrip("0")) <= 5 and 1 <= int(port[1]) <= 65535)
    return is_port and (found[4] is None or re.fullmatch("sha256:[a-f0-9]{64}", found[4]) is not None)


@cache
def ecr_hosts() -> tuple[str, ...]:
    """A host of ECR for each Region and form, made from botocore's own list of partitions."""
    partitions = json.loads(files("botocore").joinpath("data/partitions.json").read_text())["partitions"]
    found = []
    for one in partitions:
        outputs = one["outputs"]
        dual = outputs["dualStackDnsSuffix"].replace("api.", "on.", 1)
        for region in one["regions"]:
            if not region.endswith("-global"):
                for kind, domain in (("dkr.ecr", outputs["dnsSuffix"]), ("dkr-ecr", dual)):
                    found += [f"111111111111.{kind}{fips}.{region}.{domain}" for fips in ("", "-fips")]
    return tuple(found)


def made(source: random.Random) -> str:
    """A reference, and most often not quite one."""
    domain = source.choice((*_DOMAINS, f"{source.choice(ecr_hosts())}/", f"{source.choice(ecr_hosts())}:443/"))
    words = ("web", "a", "0", "team-1", "a__b", "a.b", "a--b", "library", "x" * source.randrange(1, 130))
    path = "/".join(source.choice(words) for _ in range(source.choice((1, 1, 2, 3))))
    tag = source.choice(("", ":1", ":latest", ":_a.B-c", ":" + "t" * source.randrange(120, 131)))
    hexadecimal = "".join(source.choice("0123456789abcdef") for _ in range(source.choice((64, 64, 64, 63, 32))))
    digest = source.choice(("", "", f"@sha256:{hexadecimal}", f"@sha512:{hexadecimal * 2}"))
    text = domain + path + tag + digest
    for _ in range(source.choice((0, 0, 1, 1, 2))):
        at = source.randrange(len(text) + 1)
        put = source.choice((*"aZ0._-:/@[]$ \n\t{é", "..", "__", "//", "://", "http://", ":1", "@sha256:", ""))
        text = text[:at] + put + text[at + source.randrange(3) :]
    return text
