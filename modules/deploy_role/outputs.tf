output "role_arn" {
  description = "ARN of the role: what the entry module takes in target_role_arns, under this account's id."
  # From what is known when it is planned: how many policies the deployer's functions need to assume the roles depends on
  # the length of their ARNs.
  value = "arn:${local.partition}:iam::${local.account}:role/${var.name}"

  depends_on = [aws_iam_role.this]
}

output "account_id" {
  description = "Account that the role is in."
  value       = local.account
}
