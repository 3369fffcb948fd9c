mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name = "ecs-gitops-111111111111-eu-central-1"
}

run "is_closed_versioned_and_expires" {
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
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Access control lists are in force."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "The bucket is not versioned."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Without a key, the bucket is encrypted with S3's own."
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_lifecycle_configuration.this[0].rule).expiration).days == 30
      && one(one(aws_s3_bucket_lifecycle_configuration.this[0].rule).noncurrent_version_expiration).noncurrent_days == 1
      && one(one(aws_s3_bucket_lifecycle_configuration.this[0].rule).abort_incomplete_multipart_upload).days_after_initiation == 1
    )
    error_message = "Artifacts, their old versions and broken uploads do not expire."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "By default, a bucket with content stays."
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

run "refuses_capitals_in_the_name" {
  command = plan

  variables {
    name = "Artifacts"
  }

  expect_failures = [var.name]
}

run "refuses_to_keep_for_ever" {
  command = plan

  variables {
    expiration_days = 0
  }

  expect_failures = [var.expiration_days]
}

run "keeps_artifacts_when_asked_to" {
  variables {
    expiration_days = null
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this) == 0
    error_message = "There is a lifecycle rule, though artifacts are to be kept."
  }
}
