output "role_arn" {
  description = "What the action takes as role-arn."
  value       = aws_iam_role.workflow.arn
}

output "role_arns" {
  description = "What the action takes as role-arns: the role that reads each account."
  value       = join("\n", [for account in sort(keys(var.plan_role_arns)) : "${account}=${var.plan_role_arns[account]}"])
}
