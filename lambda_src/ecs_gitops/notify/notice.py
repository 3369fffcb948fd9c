"""The notice that people get by e-mail: the release, the result and reason of each item, and links. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from ecs_gitops.model import sanitize
from ecs_gitops.model.identity import short
from ecs_gitops.model.item import join_names
from ecs_gitops.model.partition import console
from ecs_gitops.model.status import ReleaseStatus, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ecs_gitops.flow.outcome import Outcome
    from ecs_gitops.model.release import Release
    from ecs_gitops.model.types import Json

# SNS: subjects are ASCII, below 100 characters, without line breaks (API_Publish).
SUBJECT_AT_MOST = 99
_NAME_AT_LEAST = 20
# Names of releases that need no quotes.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._+/@?-]+")
_MESSAGE_AT_MOST = 60_000
_GOOD_ITEMS_SHOWN = 100
_WARNINGS_SHOWN = 50
_NAMES_SHOWN = 10


def subject(release: Release, outcome: Outcome) -> str:
    """``[ecs-gitops] FAILED: release 4.0 (2 deployed, 1 failed)``, as SNS accepts it."""
    summary = outcome.summary if outcome.items else "no item was deployed"
    return subject_text(f"{outcome.verdict}: release", known_as(release), f"({summary})")


def subject_text(text: str, known: str = "", after: str = "") -> str:
    """``text``, then the name that the release is ``known`` as, then ``after``, as SNS accepts it. A long name is cut
    before the text after it is. A name that could be read as our own words gets quotes."""
    text, after, name = (
        sanitize.ascii_line(f"[ecs-gitops] {text}"),
        sanitize.ascii_line(after),
        sanitize.ascii_line(known),
    )
    room = max(_NAME_AT_LEAST, SUBJECT_AT_MOST - len(text) - len(after) - len(' "" '))
    if len(name) > room:
        name = name[: room - len("...")] + "..."
    if name and not _PLAIN_NAME.fullmatch(name):
        name = '"' + name.replace('"', "'") + '"'
    made = " ".join(filter(None, (text, name, after)))
    return made if len(made) <= SUBJECT_AT_MOST else made[: SUBJECT_AT_MOST - 3] + "..."


def is_sent(outcome: Outcome, choice: str) -> bool:
    """Whether a notice is sent. ``choice`` is the module's variable ``notify``: ``always``; ``failures``; or
    ``changes``, for items that failed, were deployed or are held. A failure is always sent."""
    if outcome.status is ReleaseStatus.FAILED or choice == "always":
        return True
    return choice != "failures" and any(outcome.counts.get(status) for status in (Status.DEPLOYED, Status.HELD))


def message(release: Release, outcome: Outcome, pipeline: str, records: tuple[str, str] | None = None) -> str:
    """The whole text. ``pipeline`` is the pipeline's name, empty where there is none. ``records``: the bucket, and the
    beginning of the keys, of the release's plan and report; None where it has none."""
    parts = [_head(release, outcome)]
    if outcome.error:
        parts.append(f"What went wrong\n{_indent(sanitize.lines(outcome.error))}")
    if outcome.not_deployed:
        parts.append("Not deployed\n" + _table(outcome.not_deployed, partition=_partition(release)))
    if held := outcome.those(Status.HELD):
        parts.append("Held\n" + _table(held, partition=_partition(release)) + _without_the_held(outcome))
    for status, heading in ((Status.DEPLOYED, "Deployed"), (Status.UNCHANGED, "Unchanged")):
        if good := outcome.those(status):
            parts.append(f"{heading}\n{_shown(good)}")
    if outcome.warnings:
        parts.append("Warnings\n" + _warnings(outcome.warnings))
    parts.append(_links(release, pipeline, records))
    text = "\n\n".join(parts) + "\n"
    if len(text.encode()) <= _MESSAGE_AT_MOST:
        return text
    return text.encode()[:_MESSAGE_AT_MOST].decode(errors="ignore") + "\n... (cut; see the execution)\n"


def known_as(release: Release) -> str:
    """The name of the release for people: its own, or else its commit or execution."""
    name = sanitize.line(release.release or "")
    return name or sanitize.line((release.source.commit_id or release.execution_name)[:12])


def _head(release: Release, outcome: Outcome) -> str:
    title = f"Release {outcome.verdict}: {outcome.summary if outcome.items else 'no item was deployed'}"
    return "\n".join(filter(None, (title, facts(release))))


def facts(release: Release) -> str:
    """The release and its source, one line for each fact that is known."""
    source = release.source
    branch = f"({source.branch})" if source.branch else None
    known = {
        "Release": release.release,
        "Commit": " ".join(filter(None, ((source.commit_id or "")[:12], source.subject))) or None,
        "Author": source.author,
        "Repository": " ".join(filter(None, (source.repository, branch))) or None,
    }
    return "\n".join(f"{name + ':':<12}{sanitize.line(value)}" for name, value in known.items() if value)


def _shown(items: Sequence[Json]) -> str:
    """The first of the items, and how many more there are."""
    rest = len(items) - _GOOD_ITEMS_SHOWN
    return _table(items[:_GOOD_ITEMS_SHOWN]) + (f"\n  ... and {rest} more" if rest > 0 else "")


def _without_the_held(outcome: Outcome) -> str:
    """``web is held; api went ahead without it``: a warning that a mix of old and new items runs now."""
    held, deployed = ([item["name"] for item in outcome.those(status)] for status in (Status.HELD, Status.DEPLOYED))
    if not deployed:
        return ""
    is_held, it = ("is held", "it") if len(held) == 1 else ("are held", "them")
    names, others = (join_names(each, _NAMES_SHOWN) for each in (held, deployed))
    return f"\n  {names} {is_held}; {others} went ahead without {it}"


def _warnings(warnings: Mapping[str, Sequence[str]]) -> str:
    """Each warning once, with the names of its items."""
    shown = list(warnings.items())[:_WARNINGS_SHOWN]
    lines = [f"  {sanitize.line(text)}: {join_names(names, _NAMES_SHOWN)}" for text, names in shown]
    rest = len(warnings) - _WARNINGS_SHOWN
    return "\n".join(lines + [f"  ... and {rest} more"] * (rest > 0))


def _table(items: Sequence[Json], partition: str | None = None) -> str:
    """For each item one line, then its images and its reason, so that it is readable in a proportional font too. With
    ``partition``, also a link to its service."""
    width = max(len(_place(item)) for item in items)
    lines = []
    for item in items:
        lines.append(f"  {item['status']:<12}{_place(item):<{width}}  {_revisions(item)}".rstrip())
        texts = [_images(item), item.get("reason")]
        texts += [f"runs now: {short(item['runningTaskDefArn'])}" if item.get("runningTaskDefArn") else None]
        lines += [f"  {'':<12}{sanitize.line(text)}" for text in texts if text]
        if partition is not None and item.get("cluster") and (link := _service_link(item, partition)):
            lines.append(f"  {'':<12}{link}")
    return "\n".join(lines)


def _place(item: Json) -> str:
    kind = "schedule" if item.get("scheduleGroup") else "rule"
    where = f"{item['cluster']}/{item['name']}" if item.get("cluster") else f"{kind} {item['name']}"
    return sanitize.line(f"{where} ({item['account']}, {item['region']})")


def _revisions(item: Json) -> str:
    before, after = (short(item.get(key, "")) for key in ("previousTaskDefArn", "deployedTaskDefArn"))
    if not after:
        return ""
    return f"{before} -> {after}" if before and before != after else after


def _images(item: Json) -> str:
    """The images before and after. For a held item, which has not changed, the image that Git asks for."""
    before, after = item.get("previousImage"), item["image"]
    if item["status"] == Status.HELD:
        return f"Git asks for {after}" + (f", it runs {before}" if before and before != after else "")
    return f"{before} -> {after}" if before and before != after else str(after)


def _service_link(item: Json, partition: str) -> str | None:
    """The console's page with the service's deployments and events; None where there is no known console."""
    region, domain = quote(item["region"], safe=""), console(partition)
    place = f"clusters/{quote(item['cluster'], safe='')}/services/{quote(item['name'], safe='')}/deployments"
    return f"https://{region}.{domain}/ecs/v2/{place}?region={region}" if domain else None


def _partition(release: Release) -> str:
    parts = release.execution_arn.split(":")
    return parts[1] if len(parts) > 1 else "aws"


def _indent(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def execution_link(release: Release) -> str:
    """The URL of the execution in the console; its ARN where there is none."""
    return execution_page(release.execution_arn)


def execution_page(arn: str) -> str:
    """The URL of an execution in the console; the ARN where there is none."""
    found = _console(arn)
    if found is None:
        return sanitize.line(arn)
    address, region = found
    return f"{address}/states/home?region={region}#/v2/executions/details/{quote(arn, safe=':')}"


def _console(arn: str) -> tuple[str, str] | None:
    """The console's address and the Region; None for an invalid ARN and a partition without a known console."""
    parts = arn.split(":")
    domain = console(parts[1]) if len(parts) >= 5 else None
    if not domain:
        return None
    region = quote(parts[3], safe="")
    return f"https://{region}.{domain}", region


def _links(release: Release, pipeline: str, records: tuple[str, str] | None) -> str:
    lines = [f"Execution: {execution_link(release)}"]
    found = _console(release.execution_arn)
    if pipeline and found:
        address, region = found
        page = f"codesuite/codepipeline/pipelines/{quote(pipeline, safe='')}/view?region={region}"
        lines.append(f"Pipeline:  {address}/{page}")
    elif pipeline:
        lines.append(f"Pipeline:  {sanitize.line(pipeline)}")
    if records and found:
        address, region = found
        page = f"s3/buckets/{records[0]}?region={region}&prefix={quote(records[1], safe='/')}"
        lines.append(f"Plan and report: {address}/{page}")
    elif records:
        lines.append(f"Plan and report: s3://{records[0]}/{records[1]}")
    return "\n".join(lines)
