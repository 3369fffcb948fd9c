# Only steps, plans of pull requests and reports expire, by their prefix. A filter without a prefix covers the whole bucket: there, only versions
# that were replaced or deleted are removed, so that settings, fence and the memory of targets stay.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  count = var.release_retention_days == null ? 0 : 1

  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = { "work/" = 30, "plans/" = 90, "releases/" = var.release_retention_days }

    content {
      id     = trimsuffix(rule.key, "/")
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    # A delete marker with no versions left behind it. S3 takes this only in a rule without `days`.
    expiration {
      expired_object_delete_marker = true
    }

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # A rule on versions that are not current applies only to a bucket that has versions.
  depends_on = [aws_s3_bucket_versioning.this]
}
