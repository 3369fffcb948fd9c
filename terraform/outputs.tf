output "clone_url_http" {
  description = "Clone URL of the config repository for HTTPS."
  value       = module.config_repository.clone_url_http
}

output "clone_url_ssh" {
  description = "Clone URL of the config repository for SSH."
  value       = module.config_repository.clone_url_ssh
}

output "clone_url_grc" {
  description = "Clone URL of the config repository for git-remote-codecommit: codecommit::REGION://NAME."
  value       = module.config_repository.clone_url_grc
}

output "repository_name" {
  description = "Name of the config repository."
  value       = module.config_repository.name
}

output "pipeline_name" {
  description = "Name of the pipeline."
  value       = module.pipeline.name
}

output "pipeline_arn" {
  description = "ARN of the pipeline."
  value       = module.pipeline.arn
}

output "console_url" {
  description = "Page of the pipeline in the AWS console."
  value       = module.pipeline.console_url
}

output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = module.deployer.state_machine_arn
}

output "state_machine_name" {
  description = "Name of the state machine: the dimension StateMachine of the metrics in the namespace EcsGitops."
  value       = element(split(":", module.deployer.state_machine_arn), 6)
}

output "topic_arn" {
  description = "ARN of the SNS topic that gets a notice for every release."
  value       = module.notifications.topic_arn
}

output "layer_arn" {
  description = "ARN of the layer version that functions and build run."
  value       = module.lambda_layer.arn
}

output "artifact_bucket_name" {
  description = "Name of the bucket for the pipeline's artifacts."
  value       = module.artifact_store.bucket_name
}

output "ledger_bucket_name" {
  description = "Name of the ledger's bucket, which holds the instance's settings."
  value       = module.ledger.bucket_name
}

output "parameter_name" {
  description = "Name of the SSM parameter that says where the instance's parts are: /ecs-gitops/NAME."
  value       = module.instance_parameter.name
}

output "function_names" {
  description = "Name of each function: init_config, deploy_task, deploy_ecs, validate_deploy."
  value       = module.deployer.function_names
}

output "function_role_arns" {
  description = "ARN of each function's role: init_config, deploy_task, deploy_ecs, validate_deploy."
  value       = module.deployer.function_role_arns
}

output "deploying_role_arns" {
  description = "ARNs of the roles that assume the deploy roles: what modules/deploy_role takes as trusted_role_arns in other accounts."
  value       = module.deployer.deploying_role_arns
}

output "deploy_role_arn" {
  description = "ARN of the role that deploys in this account."
  value       = module.deploy_role.role_arn
}

output "plan_role_arn" {
  description = "ARN of the role that plans read this account with; null without plan_pull_requests and plan_trusted_role_arns."
  value       = module.deploy_role.plan_role_arn
}

output "plan_build_role_arn" {
  description = "ARN of the role of the build that plans pull requests: what modules/deploy_role takes as plan_trusted_role_arns in other accounts; null without plan_pull_requests."
  value       = one(module.plan[*].build_role_arn)
}

output "protect_branch_policy_json" {
  description = "IAM policy for people: it denies direct pushes to the branch, and changes of approval rules; null without plan_pull_requests."
  value       = one(module.plan[*].protect_branch_policy_json)
}
