output "arn" {
  description = "ARN of the layer version."
  value       = aws_lambda_layer_version.this.arn
}

output "sha256" {
  description = "SHA-256 of the layer's zip file, base64-encoded, as Lambda reports it."
  value       = aws_lambda_layer_version.this.source_code_hash
}
