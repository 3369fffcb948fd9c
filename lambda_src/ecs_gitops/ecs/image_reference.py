"""Image references: which ones container engines accept, and the error in the others. Pure.

The grammar is https://github.com/distribution/reference (``reference.go``, and ``normalize.go`` for short names),
narrowed by ECS's rules for ``image`` (API reference, ContainerDefinition): at most 255 characters before the digest,
and only sha256.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ecs_gitops.ecs.ecr import why_not_ecr

NAME_AT_MOST = 255
TAG_AT_MOST = 128
_DIGEST = 64
LONGEST = NAME_AT_MOST + len("@sha256:") + _DIGEST
_PORT_AT_MOST = 65_535

_COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = f"{_COMPONENT}(?:/{_COMPONENT})*"
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])"
_TAG = f"[a-zA-Z0-9_][a-zA-Z0-9_.-]{{0,{TAG_AT_MOST - 1}}}"
# Also for the published schema, so it has to mean the same in Python and JavaScript.
PATTERN = f"(?:{_HOST}(?::[0-9]+)?/)?{_PATH}(?::{_TAG})?(?:@sha256:[a-f0-9]{{{_DIGEST}}})?"
ACCEPTED = "an image as in a task definition: repository:tag or repository@sha256:digest, after a registry and `/`"

_DIGEST_FORM = f"repository@sha256: and {_DIGEST} of the digits 0-9 and a-f"
_TAG_FORM = f"at most {TAG_AT_MOST} letters, digits, `_`, `.` and `-`, of which `.` and `-` do not come first"
_PATH_FORM = "lower case letters and digits, with `.`, `_`, `__` or hyphens between them"
_HOST_FORM = "registry.example.com or registry.example.com:5000"
_WHOLE = "registry/repository:tag"


class Refusal(NamedTuple):
    """Why a reference is not accepted, and what is accepted instead."""

    reason: str
    accepted: str


def refusal(image: str) -> Refusal | None:
    """The error in ``image``; None if engines accept it."""
    before, at, digest = image.partition("@")
    return (
        _characters(image)
        or (_digest(before, digest) if at else None)
        or _no_name(before)
        or _named(before)
        or (None if re.fullmatch(PATTERN, image) else Refusal("it is not an image reference", ACCEPTED))
    )


def _characters(image: str) -> Refusal | None:
    """Errors that show without parsing: characters that no reference has, placeholders, URLs."""
    if not image:
        return Refusal("it is empty", ACCEPTED)
    if re.search(r"\s", image):
        return Refusal("it has a space or a line end", "an image without spaces")
    if placeholder := re.search(r"\$|[{}<>]|%[({]", image):
        return Refusal(f"nothing fills in the placeholder with '{placeholder[0]}'", "the image itself")
    if scheme := re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", image):
        return Refusal(f"an image has no {scheme[0]} in front", "the image without it")
    if forbidden := re.search(r"[^A-Za-z0-9._:/@\[\]+-]", image):
        return Refusal(f"{forbidden[0]!r} is not allowed in an image", ACCEPTED)
    return None


def _digest(before: str, digest: str) -> Refusal | None:
    if not before:
        return Refusal("a digest alone is not an image", _DIGEST_FORM)
    if "@" in digest:
        return Refusal("duplicate `@`", "one digest")
    algorithm, colon, digits = digest.partition(":")
    if not digest or not colon:
        return Refusal("after `@` there is no digest", _DIGEST_FORM)
    if algorithm != "sha256":
        return Refusal(f"'{algorithm}' is no digest algorithm that ECS accepts", _DIGEST_FORM)
    if len(digits) != _DIGEST:
        return Refusal(f"the digest has {len(digits)} digits", _DIGEST_FORM)
    return None if re.fullmatch("[a-f0-9]+", digits) else Refusal("the digest has other characters", _DIGEST_FORM)


def _no_name(before: str) -> Refusal | None:
    """A digest or an image's id in place of a name. Engines accept those for local images only, not to pull."""
    if re.fullmatch(r"(sha256|sha384|sha512):[A-Fa-f0-9]{32,}", before):
        return Refusal("a digest alone is not an image", _DIGEST_FORM)
    if re.fullmatch(r"[a-f0-9]{64}", before):
        return Refusal("the id of an image is not its name in a registry", ACCEPTED)
    return None


def _named(before: str) -> Refusal | None:
    """Registry, repository and tag."""
    first, slash, rest = before.partition("/")
    domain = first if slash and (re.search("[.:A-Z]", first) or first == "localhost") else ""
    path, colon, tag = (rest if domain else before).partition(":")
    return (
        (_domain(domain) if domain else None)
        or _path(path)
        or (_tag(tag) if colon else None)
        or _length(f"{domain}/{path}" if domain else path, before)
        or (Refusal(*error) if (error := why_not_ecr(domain, path)) else None)
    )


def _domain(domain: str) -> Refusal | None:
    host, colon, port = domain.rpartition(":") if re.search(r":[^\]]*$", domain) else (domain, "", "")
    if host.startswith("["):
        if not re.fullmatch(r"\[[a-fA-F0-9:]+\]", host):
            return Refusal(f"'{host}' is no IPv6 address", "an address such as [2001:db8::1]:5000")
    elif not all(host.split(".")):
        return Refusal(f"the registry '{domain}' has an empty part", _HOST_FORM)
    elif wrong := next((label for label in host.split(".") if not re.fullmatch(_LABEL, label)), None):
        return Refusal(f"'{wrong}' is no part of a registry's name", f"{_HOST_FORM}: letters, digits and inner hyphens")
    return _port(port) if colon else None


def _port(port: str) -> Refusal | None:
    if not re.fullmatch("[0-9]+", port):
        return Refusal(f"'{port}' is no port", _HOST_FORM)
    digits = port.lstrip("0")
    is_port = digits and len(digits) <= len(str(_PORT_AT_MOST)) and int(digits) <= _PORT_AT_MOST
    return None if is_port else Refusal(f"there is no port {port}", f"1 to {_PORT_AT_MOST}")


def _path(path: str) -> Refusal | None:
    if not path:
        return Refusal("there is no repository", _WHOLE)
    for component in path.split("/"):
        if not component:
            return Refusal("the repository has an empty part", "one `/` between two parts")
        if component.lower() != component:
            return Refusal(f"the repository has upper case letters: '{component}'", _PATH_FORM)
        if not re.fullmatch(_COMPONENT, component):
            return Refusal(f"'{component}' is no part of a repository's name", _PATH_FORM)
    return None


def _tag(tag: str) -> Refusal | None:
    if not tag:
        return Refusal("there is no tag after the colon", f"{_TAG_FORM}, or no colon")
    if "/" in tag:
        return Refusal("the tag must be at the end", _WHOLE)
    if ":" in tag:
        return Refusal("it has two tags", "one tag")
    if len(tag) > TAG_AT_MOST:
        return Refusal(f"the tag has {len(tag)} characters", _TAG_FORM)
    return None if re.fullmatch(_TAG, tag) else Refusal(f"'{tag}' is no tag", _TAG_FORM)


def _length(name: str, before: str) -> Refusal | None:
    if len(name) > NAME_AT_MOST:
        return Refusal(f"registry and repository have {len(name)} characters", f"at most {NAME_AT_MOST}")
    if len(before) > NAME_AT_MOST:
        return Refusal(f"registry, repository and tag have {len(before)} characters", f"at most {NAME_AT_MOST}")
    return None
