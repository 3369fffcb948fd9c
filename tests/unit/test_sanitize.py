"""Texts from outside: what can be read stays, in every script; nothing else reaches people."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

import outside
from ecs_gitops.aws import observability
from ecs_gitops.cli import main
from ecs_gitops.model import sanitize
from ecs_gitops.model.errors import AwsRefused, AwsUnavailable, InvalidManifest
from ecs_gitops.model.problem import Problem
from ecs_gitops.notify import notice

pieces = st.sampled_from(outside.PIECES) | st.text(max_size=6)
nasty = st.lists(pieces, max_size=12).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë fixed the Straße",
        "Zoe\u0308 in two characters",
        "修正 二、葛城市",
        "한국어",
        "Trần Thị Ngọc Ánh",
        "שלום עולם",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "क\u094d\u200dष",
        "family 👨\u200d👩\u200d👧, ❤\ufe0f\u200d🔥, 👍🏽, 1\ufe0f\u20e3, 🇩🇪",
        "web:2 -> 111111111111.dkr.ecr.us-west-2.amazonaws.com/web@sha256:ab12 (s3://bucket/key)",
        "arn:aws:iam::111111111111:role/deploy; see the role",
        "a < b & c > d {0} %s",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert sanitize.line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4.0\n\nRelease deployed: 12\r\nBcc: x", "4.0 Release deployed: 12 Bcc: x"),
        ("a\u2028b\u2029c\x85d\x0be\x1cf", "a b c d e f"),
        ("a" + " " * 200 + "Release deployed", "a Release deployed"),
        ("\u3000a\u00a0b\u2003", "a b"),
        ("\x1b[2J\x1b[1;32mOK\x1b[0m", "OK"),
        ("\x9b31mred", "red"),
        ("\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\ me", "click me"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]0;text that must not be lost", "0;text that must not be lost"),
        ("bell\x07 back\x08space nul\x00 del\x7f", "bell backspace nul del"),
        ("\u202egnp.exe\u202c \u2066x\u2069 \u200fy\u200e \u061c", "gnp.exe x y"),
        ("v1\u200b\u2060\ufeff\u00ad.0", "v1.0"),
        ("v\u115f\u3164\uffa0\u2800\u034f\u17b41", "v1"),
        ("ok\U000e0041\U000e0062\U000e007f\U000e0100", "ok"),
        ("a\ufe0fb\ufe01", "ab"),
        ("\u0915\u200d\u061c", "\u0915"),
        ("://www.\ufe0fb", "[:]//www[.]b"),
        ("a\u200db\u200cc", "abc"),
        ("half \ud800 of one", "half ? of one"),
        ("z" + "\u0300" * 50 + "algo", "z" + "\u0300" * 4 + "algo"),
        ("\u0301 first", "first"),
        ("\ue000 \U0010ffff", "\ufffd \ufffd"),
        ("see https://evil.example/aws?a=b.c", "see https[:]//evil[.]example/aws?a=b.c"),
        ("HtTp://user@evil.example:80", "HtTp[:]//user@evil[.]example:80"),
        ("ht\u200btps:\x00//evil.example", "https[:]//evil[.]example"),
        (
            "1https://evil.example xs3://evil.example ://evil.example",
            "1https[:]//evil[.]example xs3[:]//evil[.]example [:]//evil[.]example",
        ),
        ("www.evil.example/x", "www[.]evil[.]example/x"),
        ("mailto:a@evil.example javascript:alert(1)", "mailto[:]a@evil.example javascript[:]alert(1)"),
        ("[console](https://evil.example)", "[console](https[:]//evil[.]example)"),
    ],
)
def test_what_does_more_than_be_read_is_taken_out(text, shown):
    assert sanitize.line(text) == shown
    assert sanitize.line(shown) == shown


def test_a_problem_shows_what_cannot_be_seen_and_stays_on_its_line():
    problem = Problem(3, 5, "services[0].\x1b[31mx", "'web\u202e\u3164\n1:1: good' at https://evil.example", "a\u2028b")
    reported = str(InvalidManifest("de\nploy.yaml", [problem]))
    assert reported == (
        "de\\nploy.yaml:3:5: services[0].\\x1b[31mx: 'web\\u202e\\u3164\\n1:1: good' at https[:]//evil[.]example"
        "; accepted: a\\u2028b"
    )


def test_what_aws_says_is_cleaned_where_it_becomes_an_error():
    refused = AwsRefused("describe_tasks", "Client\x07Exception", "no \u202e\nRelease deployed https://evil.example/")
    assert str(refused) == "describe_tasks: ClientException: no Release deployed https[:]//evil[.]example/"
    assert str(AwsUnavailable("slow\n\x1b[2Jdown")) == "slow down"


def test_a_terminal_gets_no_command_from_a_manifest_or_its_name(tmp_path, capsys):
    file = tmp_path / "de\x1b[2J\u202eploy\n.yaml"
    file.write_text('"servi\\u001b]0;x\\u0007ces": []\nservices:\n- {image: "\u202e\u3164https://evil.example/web"}\n')
    for options in ([], ["--format", "json"]):
        assert main(["validate", *options, str(file)], {}) == 1
        shown = capsys.readouterr()
        for each in (shown.out + shown.err).splitlines():
            assert each.isprintable()
            assert "\u3164" not in each
            assert "https://" not in each
    # AND a file that is not there
    assert main(["validate", str(tmp_path / "no\x1b[2Jne")], {}) == 2
    assert capsys.readouterr().err.strip().isprintable()


@pytest.mark.parametrize("has_filter", [True, False], ids=["any line", "a line on an item"])
def test_the_log_has_no_raw_text_from_outside(has_filter):
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = lines.append  # type: ignore[method-assign]
    logger = logging.getLogger("ecs_gitops.test_sanitize")
    logger.setLevel(logging.INFO)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        if has_filter:
            observability.set_up()
            logger.info("took %s", "a\x1b[2J\u202eb", extra={"release": "4\nx", "count": 3})
        else:
            log = observability.ItemLog(logger, {"release": "4\nx"}, count=3)
            log.info("took a\x1b[2J\u202eb")
    finally:
        root.removeHandler(handler)
    (record,) = lines
    assert record.getMessage() == "took ab"
    assert (record.release, record.count) == ("4 x", 3)  # type: ignore[attr-defined]


@given(text=nasty)
def test_any_text_is_fit_to_be_shown(text):
    outside.judge_text(text)


@given(texts=st.lists(nasty, min_size=6, max_size=6))
def test_no_text_from_outside_adds_a_line_or_a_link_to_a_notice(texts):
    outside.judge_notice(texts)


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        ("4.0", "4.0"),
        ("v1 (12 deployed, all well)", '"v1 (12 deployed, all well)"'),
        ('x": release y', '"x\': release y"'),
        ("übung", "?bung"),
        ("x" * 200, "x" * 54 + "..."),
    ],
)
def test_a_subject_keeps_our_own_words_whatever_the_release_is_called(known, shown):
    subject = notice.subject_text("FAILED: release", known, "(1 failed)")
    assert subject == f"[ecs-gitops] FAILED: release {shown} (1 failed)"
    assert len(subject) <= notice.SUBJECT_AT_MOST
