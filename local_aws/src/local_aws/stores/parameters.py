"""SSM parameters and secrets: what a lookup takes and finds.

AWS: a filter of DescribeParameters takes at most 50 values, and a page has at most 50 parameters. A secret is named by
its name, its ARN, or its ARN without the hyphen and the six random characters; ministack takes any beginning of the
ARN, which finds a secret whose name only begins like that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region
from ministack.services import secretsmanager, ssm

Data = dict[str, Any]
_AT_MOST = 50


def mend() -> None:
    """Apply every mend of this module."""
    ssm._describe_parameters = _limited(ssm._describe_parameters)
    secretsmanager._resolve = _by_whole_name(secretsmanager._resolve)


def _limited(inner: Callable[[Data], Any]) -> Callable[[Data], Any]:
    def describe(data: Data) -> Any:
        sizes = [len(each.get("Values", [])) for each in data.get("ParameterFilters", [])]
        if any(size > _AT_MOST for size in sizes) or data.get("MaxResults", 1) > _AT_MOST:
            message = f"1 validation error detected: a filter's values and MaxResults are at most {_AT_MOST}"
            return error_response_json("ValidationException", message, 400)
        return inner(data)

    return describe


def _by_whole_name(inner: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(secret_id: Any, *, use_arn_scope: bool = False) -> Any:
        if not str(secret_id or "").startswith("arn:"):
            return inner(secret_id, use_arn_scope=use_arn_scope)
        account, region = (str(secret_id).split(":") + [""] * 5)[4], (str(secret_id).split(":") + [""] * 5)[3]
        if account == get_account_id() and (use_arn_scope or region == get_region()):
            for key, secret in secretsmanager._secrets.items_scoped(account, region):
                if secret_id in (secret["ARN"], secret["ARN"][: -len("-abcdef")]):
                    return key, secret
        return None, None

    return resolve
