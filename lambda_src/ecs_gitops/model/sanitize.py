"""Texts from outside, cleaned before they are shown in notices, logs, states or on a terminal. Pure.

A commit's author, a registry's error, an event of ECS or a file's name can have anything in it: escape sequences that a
terminal obeys, marks that reverse the direction of text, invisible characters, line breaks that fake a line of their
own, links that look like ours. Readable characters stay as they are, in every script.

:func:`line` and :func:`lines` remove everything else. :func:`escaped` shows it as escapes, where somebody has to find
and correct it. :func:`is_whole` and :func:`whole` are for data, which is passed on unchanged. Each function leaves its
own output unchanged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

# What a terminal takes for a command (ECMA-48): control sequences, and strings such as a window's title or a link. One
# that does not end is cut to its beginning, so that the text after it is not lost.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[P\]X^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f\r\n]{0,2000}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
# Seen by nobody, though they count as letters, marks or symbols.
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt, Default_Ignorable_Code_Point
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0d\uffa0\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"\s+")
# A scheme's end; not of `s3`, which no program that shows texts follows, and which AWS's own texts often have.
_SCHEME_END = re.compile(r"(?<![^A-Za-z0-9+.-]s3)(?<!^s3):(?=[/\\]{2})")
_HOST = re.compile(r"\[:\][/\\]{2,}[^\s/\\?#]*")
_MAIL = re.compile(r"(?i)(mailto|javascript|vbscript):(?=\S)")
_WWW = re.compile(r"(?i)www\.(?=\w)[^\s/\\?#]*")
# Zero-width joiner and non-joiner: they make one emoji of several, and spell words of Arabic and Indic scripts.
_JOINERS = "\u200c\u200d"
_SPELT_WITH_JOINERS = re.compile("[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
_EMOJI_STYLES = "\ufe0e\ufe0f"
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_KEYCAP = re.compile("[0-9#*]")
# Marks on one letter. Vietnamese, Hebrew and Thai take up to four; more climb over the lines above.
_MARKS_AT_MOST = 4
_UNKNOWN = "\ufffd"


def line(text: str, at_most: int | None = None) -> str:
    """``text`` as one line of readable characters, at most ``at_most``; its links can be read and not be followed."""
    if not _is_plain(text):
        text = _readable(_SEQUENCES.sub("", whole(text)))
    text = _unlinked(_SPACES.sub(" ", text).strip())
    return text if at_most is None else text[:at_most].rstrip(" " + _JOINERS)


def lines(text: str, at_most: int | None = None) -> str:
    """``text`` line by line, for what has several on purpose. Nothing but ``\\n`` ends a line."""
    kept = "\n".join(line(each) for each in text.replace("\r\n", "\n").split("\n"))
    return kept if at_most is None else kept[:at_most].rstrip()


def ascii_line(text: str) -> str:
    """``text`` as one line of printable ASCII, with a question mark for everything else."""
    return "".join(c if " " <= c <= "~" else "?" for c in line(text))


def escaped(text: str) -> str:
    """``text`` on one line, with escapes in place of what cannot be seen; its links cannot be followed."""
    if not _is_plain(text):
        text = "".join(_escaped(text))
    return _unlinked(text)


def _escaped(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        is_seen = character.isprintable() and not _INVISIBLE.match(character) and marks <= _MARKS_AT_MOST
        yield character if is_seen else character.encode("unicode_escape").decode()


def whole(text: str) -> str:
    """``text`` with question marks in place of halves of characters, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


def is_whole(text: str) -> bool:
    """Whether UTF-8 can carry ``text``."""
    return text.isascii() or whole(text) == text


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _unlinked(text: str) -> str:
    """``https[:]//example[.]com/x``: what mail programs and terminals make links of, so that they do not."""
    if "www." in text.lower():
        text = _WWW.sub(lambda found: found[0].replace(".", "[.]"), text)
    if ":" not in text:
        return text
    text = _HOST.sub(_shown_host, _SCHEME_END.sub("[:]", text))
    return _MAIL.sub(r"\1[:]", text)


def _shown_host(found: re.Match[str]) -> str:
    return found[0].replace("[.]", ".").replace(".", "[.]")


def _readable(text: str) -> str:
    """The characters that people read: no control characters, marks in bounds, joiners where they join."""
    kept: list[str] = []
    marks = 0
    for character, following in pairwise([*text, ""]):
        shown = _shown(character, kept[-1] if kept else "", following)
        is_mark = _is_mark(shown)
        marks = marks + 1 if is_mark else 0 if shown else marks
        if is_mark and (marks > _MARKS_AT_MOST or not kept or kept[-1] == " "):
            continue
        if shown:
            kept.append(shown)
    return "".join(kept)


def _is_mark(character: str) -> bool:
    """Whether it is drawn onto the character before it."""
    return bool(character) and unicodedata.category(character) in ("Mn", "Me")


def _shown(character: str, before: str, after: str) -> str:
    """What is shown of a character: itself, a space, a mark for what has no meaning, or nothing."""
    if character.isspace():
        return " "
    if character in _EMOJI_STYLES:
        return character if _takes_style(before) else ""
    if character in _JOINERS:
        return character if _is_joined(before, character, after) else ""
    if _INVISIBLE.match(character) or unicodedata.category(character) in ("Cc", "Cf"):
        return ""
    return character if character.isprintable() else _UNKNOWN


def _takes_style(before: str) -> bool:
    if before.isascii():
        return _KEYCAP.fullmatch(before) is not None
    return unicodedata.category(before) in ("So", "Sm", "Po")


def _is_joined(before: str, joiner: str, after: str) -> bool:
    """Whether a joiner stands where it is spelt: what follows has to be shown itself."""
    if not before or not after or _INVISIBLE.match(after):
        return False
    is_letter = unicodedata.category(after).startswith("L")
    if is_letter and _SPELT_WITH_JOINERS.match(before) and _SPELT_WITH_JOINERS.match(after):
        return True
    is_emoji = unicodedata.category(before) == "So" or before == "\ufe0f" or _SKIN.match(before) is not None
    return joiner == "\u200d" and is_emoji and unicodedata.category(after) == "So"
