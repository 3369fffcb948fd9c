output "role_arn" {
  description = "ARN of the role: what the entry module takes in target_role_arns, under this account's id."
  # Built from values that are known in the plan: the number of policies for the deployer's functions depends on the
  # length of this ARN.
  value = "arn:${local.partition}:iam::${local.account}:role/${var.name}"

  depends_on = [aws_iam_role.this]
}

output "account_id" {
  description = "Account that the role is in."
  value       = local.account
}

output "plan_role_arn" {
  description = "ARN of the role that reads for plans; null where there is none."
  value       = length(var.plan_trusted_role_arns) > 0 ? "arn:${local.partition}:iam::${local.account}:role/${var.plan_role_name}" : null

  depends_on = [aws_iam_role.plan]
}
