"""AWS on one machine, for demos and tests: ministack, mended where it differs from AWS, and the Code services.

What is simulated is AWS. README.md lists each mend with the AWS behaviour it stands for.
"""

from local_aws.control.client import LocalAws, NotStarted

__all__ = ["LocalAws", "NotStarted"]
