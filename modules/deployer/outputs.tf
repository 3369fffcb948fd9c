output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.this.arn
}

output "function_names" {
  description = "Name of each function: init_config, deploy_task, deploy_ecs, validate_deploy."
  value       = { for key, function in aws_lambda_function.this : key => function.function_name }
}

output "function_arns" {
  description = "ARN of each function without a version, which runs its newest code: init_config, deploy_task, deploy_ecs, validate_deploy."
  value       = { for key, function in aws_lambda_function.this : key => function.arn }
}

output "function_role_arns" {
  description = "ARN of each function's role."
  value       = { for key, role in aws_iam_role.function : key => role.arn }
}

output "deploying_role_arns" {
  description = "ARNs of the roles that assume the deploy roles: what modules/deploy_role takes as trusted_role_arns."
  value       = sort([for key, function in local.functions : aws_iam_role.function[key].arn if function.assumes])
}
