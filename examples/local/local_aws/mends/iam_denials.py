"""A denial says which action on which resource.

AWS: "User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy allows the
ACTION action". ministack leaves the resource out.
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_actions


def apply() -> None:
    """Give the denial its resource."""
    respond = iam_actions.access_denied_response

    def access_denied_response(service: str, action: str, principal_arn: str, request_id: str, **options: Any) -> Any:
        if not options.get("error_code") and not options.get("message") and not options.get("resource_policy_arn"):
            options["message"] = iam_actions.identity_denial_message(
                action, principal_arn, options.get("resource_arn", "*"), options.get("explicit_deny", False)
            )
        return respond(service, action, principal_arn, request_id, **options)

    iam_actions.access_denied_response = access_denied_response
