# Settings that are too large for the functions' environment variables, which can have 4 KB.
locals {
  # The format is that of lambda_src/ecs_gitops/ledger/settings.py.
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
  # Not the ETag: with a KMS key it is not the MD5.
  source_hash = md5(local.settings)

  # Written only after the bucket is private, encrypted and versioned.
  depends_on = [
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
    aws_s3_bucket_versioning.this,
  ]
}
