"""What was published and put on buses can be read: SNS sends no e-mail here.

`GET /_local/notices?after=N` and `GET /_local/events?after=N`. On AWS a subscriber's mailbox shows the former and
a rule with a log target the latter.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import eventbridge, sns

from local_aws.journal import Journal
from local_aws.settings import PLACE

NOTICES = Journal()
EVENTS = Journal()


def apply() -> None:
    """Write down each message and event."""
    NOTICES.file = PLACE.state_dir / "notices.jsonl"
    EVENTS.file = PLACE.state_dir / "events.jsonl"
    publish, put = sns.publish_internal, eventbridge._put_events

    def publish_internal(topic_arn: str, message: Any, subject: str = "", **options: Any) -> Any:
        result = publish(topic_arn, message, subject, **options)
        if result is not None:
            topic = sns._topic_by_arn_any_scope(topic_arn) or {}
            NOTICES.add(
                topicArn=topic_arn,
                subject=subject,
                message=message,
                attributes=options.get("message_attributes") or {},
                subscribers=[
                    f"{subscription.get('protocol', '')}:{subscription.get('endpoint', '')}"
                    for subscription in topic.get("subscriptions", [])
                ],
            )
        return result

    def put_events(data: dict[str, Any], allow_aws_source: bool = False) -> Any:
        answer = put(data, allow_aws_source)
        results = json.loads(answer[2]).get("Entries", [])
        for entry, result in zip(data.get("Entries", []), results, strict=False):
            if "EventId" in result:
                EVENTS.add(
                    account=get_account_id(),
                    region=get_region(),
                    bus=entry.get("EventBusName", "default"),
                    source=entry.get("Source", ""),
                    detailType=entry.get("DetailType", ""),
                    resources=entry.get("Resources", []),
                    detail=json.loads(entry.get("Detail") or "{}"),
                )
        return answer

    sns.publish_internal = publish_internal
    eventbridge._put_events = put_events
