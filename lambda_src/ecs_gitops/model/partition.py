"""AWS's partitions and their domains, with those of ECR and the console. No other module has them. Pure.

A test compares the table with botocore's ``partitions.json``, so that it fails when AWS adds a partition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """``regions`` is a pattern of Region names. ``domain`` is the domain of the endpoints, ``dual_stack`` that of the
    endpoints with IPv6, without the prefix (``api.``, ``on.``). ``console`` is None where no public document names
    it."""

    id: str
    regions: str
    domain: str
    dual_stack: str
    console: str | None = None

    @property
    def registries(self) -> tuple[tuple[str, str], ...]:
        """The parts of an ECR host name: after the account, and after the Region.

        https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html#registry_auth"""
        dual = f"on.{self.dual_stack}"
        return ("dkr.ecr", self.domain), ("dkr.ecr-fips", self.domain), ("dkr-ecr", dual), ("dkr-ecr-fips", dual)


_COMMERCIAL = Partition(
    "aws", r"(us|eu|ap|sa|ca|me|af|il|mx)-\w+-\d+", "amazonaws.com", "aws", "console.aws.amazon.com"
)
PARTITIONS = (
    _COMMERCIAL,
    Partition("aws-us-gov", r"us-gov-\w+-\d+", "amazonaws.com", "aws", "console.amazonaws-us-gov.com"),
    Partition("aws-cn", r"cn-\w+-\d+", "amazonaws.com.cn", "amazonwebservices.com.cn", "console.amazonaws.cn"),
    Partition("aws-eusc", r"eusc-(de)-\w+-\d+", "amazonaws.eu", "amazonwebservices.eu", "console.amazonaws-eusc.eu"),
    Partition("aws-iso", r"us-iso-\w+-\d+", "c2s.ic.gov", "aws.ic.gov"),
    Partition("aws-iso-b", r"us-isob-\w+-\d+", "sc2s.sgov.gov", "aws.scloud"),
    Partition("aws-iso-e", r"eu-isoe-\w+-\d+", "cloud.adc-e.uk", "cloud-aws.adc-e.uk"),
    Partition("aws-iso-f", r"us-isof-\w+-\d+", "csp.hci.ic.gov", "aws.hci.ic.gov"),
)
_BY_ID = {partition.id: partition for partition in PARTITIONS}


def of_region(region: str) -> Partition:
    """The partition of a Region; the commercial one for a Region that is newer than the table, as in botocore."""
    return next((one for one in PARTITIONS if re.fullmatch(one.regions, region)), _COMMERCIAL)


def console(partition_id: str) -> str | None:
    """The console's domain; None where it is not known."""
    known = _BY_ID.get(partition_id)
    return known.console if known else None
