output "role_arn" {
  description = "What the action takes as role-arn."
  value       = aws_iam_role.workflow.arn
}

output "role_arns" {
  description = "What the action takes as role-arns: the role that reads this account."
  value       = "${data.aws_caller_identity.current.account_id}=${module.deploy_role.plan_role_arn}"
}
