mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name          = "shop-111111111111-eu-central-1-ledger"
  instance_name = "shop"
  account_id    = "111111111111"
  region        = "eu-central-1"
  role_arns     = { "111111111111" = "arn:aws:iam::111111111111:role/shop-deploy" }
}

run "is_closed_versioned_and_keeps_what_it_has" {
  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = { AWS = "*" }
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::artifacts", "arn:aws:s3:::artifacts/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = aws_s3_bucket_policy.this.policy
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }

  assert {
    condition = (
      one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
      && one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
      && one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
      && !aws_s3_bucket.this.force_destroy
    )
    error_message = "Access control lists are in force, or the bucket is not versioned, not encrypted or destroyed with what it holds."
  }
}

run "steps_reports_and_old_versions_expire_and_nothing_else" {
  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : "${rule.id} ${rule.status}"] == [
      "plans Enabled", "releases Enabled", "work Enabled", "old-versions Enabled",
    ]
    error_message = jsonencode(aws_s3_bucket_lifecycle_configuration.this[0].rule)
  }

  assert {
    # What else expires by its age: the mocked provider fills in a prefix where there is none, and 0 days.
    condition = { for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : one(rule.filter).prefix => one(rule.expiration).days if one(rule.expiration).days != 0 } == {
      "work/"     = 30
      "plans/"    = 90
      "releases/" = 400
    }
    error_message = jsonencode(aws_s3_bucket_lifecycle_configuration.this[0].rule)
  }

  assert {
    condition = (
      one(aws_s3_bucket_lifecycle_configuration.this[0].rule[3].expiration).expired_object_delete_marker
      && one(aws_s3_bucket_lifecycle_configuration.this[0].rule[3].noncurrent_version_expiration).noncurrent_days == 90
      && one(aws_s3_bucket_lifecycle_configuration.this[0].rule[3].abort_incomplete_multipart_upload).days_after_initiation == 7
    )
    error_message = "Old versions, delete markers or incomplete uploads stay for ever."
  }
}

run "keeps_reports_for_as_long_as_asked" {
  command = plan

  variables {
    release_retention_days = 3650
  }

  assert {
    condition     = { for rule in aws_s3_bucket_lifecycle_configuration.this[0].rule : rule.id => one(rule.expiration).days if rule.id != "old-versions" } == { work = 30, plans = 90, releases = 3650 }
    error_message = "The reports are kept for another time, or the steps are as well."
  }
}

run "keeps_everything_when_asked_to" {
  command = plan

  variables {
    release_retention_days = null
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "There is a lifecycle rule, though everything is to be kept."
  }
}

run "refuses_to_keep_reports_shorter_than_steps" {
  command = plan

  variables {
    release_retention_days = 29
  }

  expect_failures = [var.release_retention_days]
}

run "writes_the_settings" {
  variables {
    item_timeout_minutes      = 20
    execution_timeout_minutes = 120
  }

  assert {
    condition = jsondecode(aws_s3_object.settings.content) == {
      schemaVersion = 1
      name          = "shop"
      account       = "111111111111"
      region        = "eu-central-1"
      roleArns      = { "111111111111" = "arn:aws:iam::111111111111:role/shop-deploy" }
      defaults      = { timeoutMinutes = 20 }
      guardRails    = { executionTimeoutMinutes = 120 }
    }
    error_message = aws_s3_object.settings.content
  }

  assert {
    condition     = aws_s3_object.settings.key == "settings/instance.json" && aws_s3_object.settings.source_hash == md5(aws_s3_object.settings.content)
    error_message = "The settings are not where they are read, or a change of them is not seen."
  }
}

run "takes_two_hundred_accounts" {
  command = plan

  variables {
    role_arns = { for n in range(200) : format("%012d", n) => format("arn:aws:iam::%012d:role/a-role-whose-name-has-sixty-four-characters-as-many-as-iam-takes", n) }
  }

  assert {
    condition     = length(jsondecode(aws_s3_object.settings.content).roleArns) == 200
    error_message = "Not all accounts are configured."
  }
}

run "takes_a_key_and_may_be_destroyed_when_told" {
  command = plan

  variables {
    kms_key_arn   = "arn:aws:kms:eu-central-1:111111111111:key/one"
    force_destroy = true
  }

  assert {
    condition = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default) == {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = "arn:aws:kms:eu-central-1:111111111111:key/one"
    }
    error_message = "The bucket is not encrypted with the key."
  }

  assert {
    condition     = aws_s3_bucket.this.force_destroy
    error_message = "force_destroy does not reach the bucket."
  }
}

run "refuses_what_is_none" {
  command = plan

  variables {
    name                      = "Ledger"
    instance_name             = "shop releases"
    account_id                = "1"
    region                    = "Frankfurt"
    role_arns                 = { "222222222222" = "arn:aws:iam::333333333333:role/shop-deploy" }
    item_timeout_minutes      = 1441
    execution_timeout_minutes = 4
    release_retention_days    = 3651
    kms_key_arn               = "alias/one"
    tags                      = { for n in range(51) : "tag${n}" => "x" }
  }

  expect_failures = [
    var.name, var.instance_name, var.account_id, var.region, var.role_arns, var.item_timeout_minutes,
    var.execution_timeout_minutes, var.release_retention_days, var.kms_key_arn, var.tags,
  ]
}
