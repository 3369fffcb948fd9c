output "bucket_name" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.id

  # Users of the name wait until the bucket is private and encrypted.
  depends_on = [
    aws_s3_bucket_ownership_controls.this,
    aws_s3_bucket_policy.this,
    aws_s3_bucket_server_side_encryption_configuration.this,
  ]
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}
