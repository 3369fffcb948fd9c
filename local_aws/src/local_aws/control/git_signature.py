"""Git credentials that are signed with AWS credentials.

git-remote-codecommit and ``aws codecommit credential-helper`` sign a request of method GIT for the repository's path.
Git sends the result as a user (access key, ``%`` and session token) and a password (time, ``Z`` and signature).
https://github.com/aws/git-remote-codecommit
"""

from __future__ import annotations

import time
from calendar import timegm

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_FORMAT = "%Y%m%dT%H%M%S"
# As long as AWS takes a signature.
_VALID_SECONDS = 900


def sign(credentials: Credentials, host: str, path: str, region: str, stamp: str | None = None) -> str:
    """The password for ``path`` (``/v1/repos/NAME``). ``host``: without the port; ``stamp``: when it was signed, by
    default now (UTC, ``20260131T235959``)."""
    stamp = stamp or time.strftime(_FORMAT, time.gmtime())
    request = AWSRequest(method="GIT", url=f"https://{host}{path}")
    request.context["timestamp"] = stamp
    signer = SigV4Auth(credentials, "codecommit", region)
    to_sign = signer.string_to_sign(request, f"GIT\n{path}\n\nhost:{host}\n\nhost\n")
    return f"{stamp}Z{signer.signature(to_sign, request)}"


def is_fresh(stamp: str) -> bool:
    """Whether AWS would still take what was signed then."""
    try:
        at = timegm(time.strptime(stamp, _FORMAT))
    except ValueError:
        return False
    return abs(time.time() - at) <= _VALID_SECONDS
