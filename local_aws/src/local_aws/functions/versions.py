"""Lambda's versions: a version is an immutable copy of the function's code and configuration, with an ARN of its own.

What ministack does itself:

- PublishVersion copies code and configuration.
- A version is invoked by its qualified ARN or a ``Qualifier``, also from a state machine. It runs in a process of its
  own, with the layer versions that it names, also after these were deleted.
- An update of the function leaves the processes of its versions alone.

What it does otherwise than AWS:

- CreateFunction and UpdateFunctionCode with ``Publish`` give the version the function's own ARN. On AWS the version's
  ARN ends with its number.
- It compares revisions, which each update makes anew. AWS compares content: nothing is published, and the newest
  version is the answer, when neither code nor configuration has changed since.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html,
https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html

A call with a qualifier is authorized on the qualified ARN: :mod:`local_aws.iam.resources`.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import lambda_svc

# Members of a configuration that change without a change of what runs.
_NOT_CONTENT = {"FunctionArn", "LastModified", "RevisionId", "Version"}
_OF_UPDATES = ("LastUpdateStatus", "State")


def mend() -> None:
    """Apply the mend of this module."""
    publish = lambda_svc._publish_version
    create, update_code = lambda_svc._create_function, lambda_svc._update_code

    def publish_version(name: str, data: dict[str, Any]) -> Any:
        function = lambda_svc._functions.get(name)
        if function is None:
            return publish(name, data)
        content, newest = _content(function["config"]), _newest_version(function)
        if newest is not None and newest.get("content") == content:
            return json_response(newest["config"], 201)
        answer = publish(name, data)
        if (published := _newest_version(function)) is not None:
            published["content"] = content
        return answer

    def with_version(name: str, data: dict[str, Any], answer: Any) -> Any:
        """The answer to a call that may publish, with the version's number."""
        status, headers, body = answer
        if not data.get("Publish") or status >= 400:
            return answer
        version = json.loads(publish_version(name, {})[2])["Version"]
        return status, headers, json.dumps({**json.loads(body), "Version": version}).encode()

    def create_function(data: dict[str, Any]) -> Any:
        return with_version(data.get("FunctionName", ""), data, create({**data, "Publish": False}))

    def update_function_code(name: str, data: dict[str, Any]) -> Any:
        return with_version(name, data, update_code(name, {**data, "Publish": False}))

    lambda_svc._publish_version = publish_version
    lambda_svc._create_function, lambda_svc._update_code = create_function, update_function_code


def _newest_version(function: dict[str, Any]) -> dict[str, Any] | None:
    """The record of the version with the highest number, if there is one."""
    versions: dict[str, dict[str, Any]] = function["versions"]
    return versions[max(versions, key=int)] if versions else None


def _content(config: dict[str, Any]) -> str:
    """What a version copies, comparable: the configuration with the hash of the code."""
    copied = {
        key: value for key, value in config.items() if key not in _NOT_CONTENT and not key.startswith(_OF_UPDATES)
    }
    return json.dumps(copied, sort_keys=True)
