output "role_arn" {
  description = "ARN of the role: what the entry module takes in target_role_arns, under this account's id."
  value       = aws_iam_role.this.arn
}

output "account_id" {
  description = "Account that the role is in."
  value       = local.account
}
