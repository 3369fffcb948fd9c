# The real module, applied to the local AWS.
variable "endpoint" {
  description = "Address of the local AWS."
  type        = string
  nullable    = false
}

variable "layer_zip" {
  description = "Path of the layer that `make layer` built."
  type        = string
  nullable    = false
}

variable "lifecycle_rules" {
  description = "Whether buckets get their lifecycle rules; the provider waits for a minute on each."
  type        = bool
  default     = true
}

module "ecs_gitops" {
  source = "../../terraform"

  name                     = "ecs-gitops"
  layer_zip                = var.layer_zip
  artifact_force_destroy   = true
  ledger_force_destroy     = true
  artifact_expiration_days = var.lifecycle_rules ? 30 : null
  release_retention_days   = var.lifecycle_rules ? 400 : null
  notification_emails      = ["team@example.com"]
  log_level                = "DEBUG"
  pass_role_arns           = ["arn:aws:iam::111111111111:role/shop-*"]
  cluster_names            = ["shop", "vtj-*"]
  event_bus_names          = ["shop-*"]
  target_role_arns         = { "222222222222" = "arn:aws:iam::222222222222:role/ecs-gitops-deploy" }
  plan_pull_requests       = true
  require_plan_approval    = true
  target_plan_role_arns    = { "222222222222" = "arn:aws:iam::222222222222:role/ecs-gitops-plan" }

  # Each release is shown with its notice.
  notify = "always"
}

# A second account, as a team would have one for each stage.
module "other_account" {
  source = "../../modules/deploy_role"

  providers = {
    aws = aws.other
  }

  trusted_role_arns      = module.ecs_gitops.deploying_role_arns
  plan_trusted_role_arns = [module.ecs_gitops.plan_build_role_arn]
  pass_role_arns         = []
  cluster_names          = ["orders"]
}

output "clone_url_http" {
  description = "Clone URL as AWS would have it; the local one is told by `make local-up`."
  value       = module.ecs_gitops.clone_url_http
}

output "repository_name" {
  description = "Name of the config repository."
  value       = module.ecs_gitops.repository_name
}

output "pipeline_name" {
  description = "Name of the pipeline."
  value       = module.ecs_gitops.pipeline_name
}

output "state_machine_arn" {
  description = "ARN of the state machine."
  value       = module.ecs_gitops.state_machine_arn
}

output "topic_arn" {
  description = "ARN of the topic that gets the notices."
  value       = module.ecs_gitops.topic_arn
}

output "ledger_bucket_name" {
  description = "Name of the bucket with the instance's settings."
  value       = module.ecs_gitops.ledger_bucket_name
}

output "parameter_name" {
  description = "Name of the SSM parameter that says where the instance's parts are."
  value       = module.ecs_gitops.parameter_name
}

output "deploy_role_arn" {
  description = "ARN of the role that deploys."
  value       = module.ecs_gitops.deploy_role_arn
}

output "protect_branch_policy_json" {
  description = "Policy for people that denies pushes past a pull request."
  value       = module.ecs_gitops.protect_branch_policy_json
}
