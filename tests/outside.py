"""Texts as anybody may write them who commits, tags, or pushes an image, and what people may get to see of them.

For the unit tests and for the fuzzer.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace

from ecs_gitops.flow import outcome
from ecs_gitops.model import sanitize
from ecs_gitops.model.batch import Batch, state_error
from ecs_gitops.model.errors import AwsRefused
from ecs_gitops.model.problem import Problem
from ecs_gitops.model.release import Release
from ecs_gitops.model.status import Kind, Next, Step
from ecs_gitops.notify import notice
from ecs_gitops.notify.alert import alert_for
from hostile import Undocumented
from unit.fake_aws import ACCOUNT, REGION
from unit.item_maker import service_item

# Of what texts from outside may be made: each does something that it should not, or is hard to tell from that.
PIECES = (
    *(
        "\x1b[31m",
        "\x1b]8;;https://evil.example\x07",
        "\x1b]0;title",
        "\x9b2J",
        "\x90q\x9c",
        "\x1b",
        "\x07",
        "\x00",
        "\x7f",
    ),
    *("\n", "\r\n", "\x85", "\u2028", "\u2029", "\x0b", "\x1c", "\t", " " * 9, "\u3000", "\u00a0"),
    *(
        "\u202e",
        "\u2066",
        "\u200f",
        "\u061c",
        "\u200b",
        "\u200c",
        "\u200d",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\u034f",
        "\u3164",
    ),
    *(
        "\U000e0041",
        "\U000e007f",
        "\U000e0100",
        "\ufe0f",
        "\ufe01",
        "\u0300",
        "\u20dd",
        "\ue000",
        "\uffff",
        "\U0010fffe",
    ),
    *("\ud800", "\udfff", "https:", "//", "evil.example", "www.", "mailto:a@b.c", "://", "[:]", "[.]", "s3://b/k"),
    *(
        "Release deployed: 12 deployed",
        "Not deployed",
        "Execution: ",
        "(",
        '"',
        "ü",
        "修",
        "👩",
        "👍🏽",
        "می",
        "क\u094d",
        "a",
        ".",
    ),
)
_CONSOLE = "https://us-west-2.console.aws.amazon.com/"
_ARN = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:ecs-gitops:run-1"


def made(source: random.Random) -> str:
    """A text of such pieces and of any other characters."""
    parts = [source.choice(PIECES) for _ in range(source.choice((1, 2, 5, 20)))]
    parts += [chr(source.randrange(0x110000)) for _ in range(source.randrange(4))]
    source.shuffle(parts)
    return "".join(parts) * source.choice((1, 1, 1, 1, 50))


def judge_text(text: str) -> str:
    """What a text from outside is for people: ``shown``. Raises :class:`Undocumented`."""
    shown = sanitize.line(text)
    _require_readable(shown, text)
    if sanitize.line(shown) != shown:
        raise Undocumented(f"cleaned again it is another text: {text!a}")
    if any(not each.isprintable() for each in (sanitize.escaped(text), sanitize.ascii_line(text))):
        raise Undocumented(f"it cannot be printed: {text!a}")
    if len(sanitize.line(text, 7)) > 7 or sanitize.lines(text).count("\n") > text.count("\n"):
        raise Undocumented(f"it is longer than it may be: {text!a}")
    return "shown"


def judge_notice(texts: Sequence[str]) -> str:
    """What the six texts are in a release's notice, a notice ahead and a list of problems: ``told``. Raises
    :class:`Undocumented` where a line or a link is not ours."""
    made, plain = _notices(texts), _notices(["x"] * len(texts))
    for text, usual in zip(made, plain, strict=True):
        for each in text.split("\n"):
            _require_readable(each.replace(_CONSOLE, ""), text, is_aligned=True)
        if text.count("\n") != usual.count("\n"):
            raise Undocumented(f"a line that is not ours: {text!a}")
        if text.count(_CONSOLE) != usual.count(_CONSOLE):
            raise Undocumented(f"a link that is not ours: {text!a}")
    return "told"


def _notices(texts: Sequence[str]) -> list[str]:
    author, subject, known, reason, warning, cause = (f"x{text}" for text in texts)
    data = {"executionArn": _ARN, "executionName": "run-1", "startedAt": 1.0}
    named = Release.from_json({**data, "author": author, "subject": subject, "release": known, "branch": author})
    failed = service_item(status="FAILED", reason=reason, warnings=(warning,), previous_image=subject)
    held = service_item(1, status="HELD", reason=reason, running="web:1", previous_image=subject)
    batch = Batch(Kind.SERVICE, ACCOUNT, REGION, f"arn:aws:iam::{ACCOUNT}:role/x", (failed, held))
    begun = replace(batch, items=(service_item(step=Step.ROLLING_OUT), held))
    ended = outcome.outcome_of(
        [batch], state_error({"Error": "E", "Cause": json.dumps({"errorMessage": str(AwsRefused("o", "C", cause))})})
    )
    ahead = alert_for(named, begun, replace(batch, next=Next.WAIT)) or {"subject": "", "message": ""}
    problem = Problem(1, 1, author, reason, warning).text(subject)
    return [
        *(notice.subject(named, ended), notice.message(named, ended, "p"), ended.cause),
        *(ahead["subject"], ahead["message"], problem),
    ]


def _require_readable(shown: str, text: str, *, is_aligned: bool = False) -> None:
    for before, character, after in zip(" " + shown, shown, shown[1:] + " ", strict=False):
        is_joiner = character in "\u200c\u200d" and not before.isascii() and not after.isascii()
        if not (is_joiner or character.isprintable()):
            raise Undocumented(f"{character!a} in what is shown of {text!a}")
    if re.search("[\u034f\u3164\u2800\U000e0000-\U000e0fff]|[\u0300\u20dd]{5}", shown):
        raise Undocumented(f"what nobody sees, or too many marks, in what is shown of {text!a}")
    if re.search(r"(?<!s3)://|(?i:www)\.\w|mailto:\S", shown):
        raise Undocumented(f"a link in what is shown of {text!a}")
    if not is_aligned and ("  " in shown or shown != shown.strip()):
        raise Undocumented(f"room for a line of its own in what is shown of {text!a}")
