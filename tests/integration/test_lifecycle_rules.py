"""The buckets' lifecycle rules, applied to the local AWS: every other run leaves them out, as each takes a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws import LocalAws
from playground.provider import running_provider
from playground.stack import ROOT
from playground.terraform import Terraform

pytestmark = pytest.mark.slow

_CONFIGURATION = """
terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws", version = ">= 5.100, < 7.0" }}
  }}
}}

provider "aws" {{
  region                      = "us-west-2"
  access_key                  = "111111111111"
  secret_key                  = "local"
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true

  endpoints {{
    s3  = "{endpoint}"
    sts = "{endpoint}"
  }}
}}

module "artifacts" {{
  source = "{root}/modules/artifact_store"

  name            = "artifacts-with-rules"
  expiration_days = 7
}}

module "ledger" {{
  source = "{root}/modules/ledger"

  name                   = "ledger-with-rules"
  instance_name          = "shop"
  account_id             = "111111111111"
  region                 = "us-west-2"
  role_arns              = {{ "111111111111" = "arn:aws:iam::111111111111:role/shop-deploy" }}
  release_retention_days = 60
}}
"""


def test_what_is_old_expires_and_a_plan_after_the_apply_changes_nothing(tmp_path: Path) -> None:
    # GIVEN the modules as they ship, with their lifecycle rules
    folder = tmp_path / "root"
    folder.mkdir()
    installed = Terraform(folder, tmp_path / "terraform")
    with LocalAws(tmp_path / "aws") as aws:
        (folder / "main.tf").write_text(_CONFIGURATION.format(endpoint=aws.endpoint, root=ROOT))
        installed.init()
        with running_provider(installed) as provider:
            terraform = installed.with_provider(provider)
            # WHEN they are applied, both at once: the provider waits for a minute on each
            terraform.apply()
            # THEN S3 has the rules
            rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket="artifacts-with-rules")["Rules"]
            assert [(rule["Status"], rule["Expiration"]["Days"]) for rule in rules] == [("Enabled", 7)]
            assert rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
            kept = aws.client("s3").get_bucket_lifecycle_configuration(Bucket="ledger-with-rules")["Rules"]
            by_prefix = {rule["Filter"].get("Prefix", ""): rule for rule in kept}
            assert {prefix: rule["Expiration"].get("Days") for prefix, rule in by_prefix.items()} == {
                "work/": 30,
                "plans/": 90,
                "releases/": 60,
                "": None,
            }
            assert by_prefix[""]["Expiration"]["ExpiredObjectDeleteMarker"]
            assert by_prefix[""]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
            assert by_prefix[""]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
            # AND nothing differs. (It is not destroyed: the provider would wait for two minutes more.)
            assert terraform.planned_changes() == ""
