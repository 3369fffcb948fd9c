# What the functions are configured with and do not hold in their environments, which take 4 KB.
locals {
  # As lambda_src/ecs_gitops/ledger/settings.py reads it.
  settings = jsonencode({
    schemaVersion = 1
    name          = var.instance_name
    account       = var.account_id
    region        = var.region
    roleArns      = var.role_arns
    defaults      = { timeoutMinutes = var.item_timeout_minutes }
    guardRails    = { executionTimeoutMinutes = var.execution_timeout_minutes }
  })
}

resource "aws_s3_object" "settings" {
  bucket       = aws_s3_bucket.this.id
  key          = "settings/instance.json"
  content_type = "application/json"
  content      = local.settings
  # Not the ETag, which is no MD5 where a KMS key encrypts.
  source_hash = md5(local.settings)

  # Nothing is put there before the bucket is closed, encrypted and versioned.
  depends_on = [
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
