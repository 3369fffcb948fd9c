"""The text types of the manifest's fields: names, images, ARNs. Each limit names its source. Pure."""

from __future__ import annotations

from ecs_gitops.ecs import image_reference
from ecs_gitops.manifest.field_types import Text

# Names of clusters, services and containers: ECS API reference, CreateCluster, CreateService, ContainerDefinition.
ECS_NAME = Text(r"[A-Za-z0-9_-]+", "letters, digits, hyphens and underscores, at most 255", 255, ("integer", "boolean"))
# A service as `dependsOn` names it.
SERVICE_NAME = Text(
    r"([A-Za-z0-9_-]{1,255}/)?[A-Za-z0-9_-]{1,255}",
    "a serviceName, or clusterName/serviceName",
    511,
    ("integer", "boolean"),
)
# EventBridge API reference, PutRule and CreateEventBus; EventBridge Scheduler API reference, CreateSchedule.
EVENT_NAME = Text(r"[.A-Za-z0-9_-]+", "letters, digits, dots, hyphens and underscores, at most 64", 64)
BUS = Text(r"[/.A-Za-z0-9_-]+", "letters, digits, dots, slashes, hyphens and underscores, at most 256", 256)
IMAGE = Text(
    image_reference.PATTERN, image_reference.ACCEPTED, image_reference.LONGEST, refusal=image_reference.refusal
)
ACCOUNT = Text(r"[0-9]{12}", "an account id of 12 digits", 12, ("integer",))
REGION = Text(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "a Region such as us-west-2", 32, ())
# Forbidden in a line: control characters, line ends, marks that change the direction of text, lone surrogates.
_NOT_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
RELEASE = Text(
    rf"[^\s{_NOT_IN_LINE}]([^{_NOT_IN_LINE}]*[^\s{_NOT_IN_LINE}])?", "one line of text, at most 128 characters", 128
)
LINE = Text(rf"[^{_NOT_IN_LINE}]*", "one line of text, at most 1024 characters", 1024)
# CloudWatch API reference, PutMetricAlarm.
ALARM = Text(rf"[^{_NOT_IN_LINE}]+", "the name of a CloudWatch alarm, at most 255 characters", 255)
# RunTask limits overrides to 8,192 characters. A script may have several lines.
ARGUMENT = Text(r"[^\x00\ud800-\udfff]*", "text, at most 8192 characters", 8192)
FUNCTION_ARN = Text(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?",
    "the ARN of a Lambda function",
    512,
    (),
)
ROLE_ARN = Text(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+", "the ARN of an IAM role", 1024, ())
