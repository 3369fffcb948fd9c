output "bucket_name" {
  description = "Name of the bucket, given out when the settings are in it: who takes it from here never asks too early."
  value       = aws_s3_bucket.this.id

  depends_on = [aws_s3_object.settings]
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}
