"""The buckets' lifecycle rules, applied to the local AWS: every other run leaves them out, as each takes a minute."""

from __future__ import annotations

from pathlib import Path

import pytest

from local_aws import LocalAws
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
"""


def test_old_artifacts_expire_and_a_plan_after_the_apply_changes_nothing(tmp_path: Path) -> None:
    # GIVEN the module as it ships, with its lifecycle rule
    with LocalAws(tmp_path / "aws") as aws:
        folder = tmp_path / "root"
        folder.mkdir()
        (folder / "main.tf").write_text(_CONFIGURATION.format(endpoint=aws.endpoint, root=ROOT))
        terraform = Terraform(folder, tmp_path / "terraform")
        terraform.init()
        # WHEN it is applied
        terraform.apply()
        # THEN S3 has the rule
        rules = aws.client("s3").get_bucket_lifecycle_configuration(Bucket="artifacts-with-rules")["Rules"]
        assert [(rule["Status"], rule["Expiration"]["Days"]) for rule in rules] == [("Enabled", 7)]
        assert rules[0]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
        # AND nothing differs
        assert terraform.planned_changes() == ""
        terraform.destroy()
        assert terraform.resources() == []
