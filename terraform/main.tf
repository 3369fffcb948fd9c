# The entry module. It only composes modules/.
data "aws_caller_identity" "current" {}

# Region and partition, by attributes that provider 5.x and 6.x both have: those of aws_region are deprecated in 6.x or
# absent from 5.x. This makes no call.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  account = data.aws_caller_identity.current.account_id
  region  = data.aws_service.ecs.region
  tags    = merge({ ManagedBy = "ecs-gitops", EcsGitops = var.name }, var.tags)

  role_arns = merge(var.target_role_arns, { (local.account) = module.deploy_role.role_arn })

  build     = "${path.module}/../build"
  layer_zip = coalesce(var.layer_zip, "${local.build}/ecs_gitops-layer-${var.architecture}.zip")
}

module "config_repository" {
  source = "../modules/config_repository"

  name        = coalesce(var.repository_name, "${var.name}-config")
  kms_key_arn = var.kms_key_arn
  tags        = local.tags
}

module "artifact_store" {
  source = "../modules/artifact_store"

  name            = "${var.name}-${local.account}-${local.region}"
  expiration_days = var.artifact_expiration_days
  force_destroy   = var.artifact_force_destroy
  kms_key_arn     = var.kms_key_arn
  tags            = local.tags
}

module "lambda_layer" {
  source = "../modules/lambda_layer"

  name         = var.name
  layer_zip    = local.layer_zip
  architecture = var.architecture
}

module "notifications" {
  source = "../modules/notifications"

  name        = "${var.name}-releases"
  emails      = var.notification_emails
  kms_key_arn = var.kms_key_arn
  tags        = local.tags
}

# The settings name the deploy roles, and those trust the functions' roles. A depends_on here could make a cycle.
module "ledger" {
  source = "../modules/ledger"

  name                      = "${var.name}-${local.account}-${local.region}-ledger"
  instance_name             = var.name
  account_id                = local.account
  region                    = local.region
  role_arns                 = local.role_arns
  item_timeout_minutes      = var.item_timeout_minutes
  execution_timeout_minutes = var.execution_timeout_minutes
  release_retention_days    = var.release_retention_days
  force_destroy             = var.ledger_force_destroy
  kms_key_arn               = var.kms_key_arn
  tags                      = local.tags
}

module "deployer" {
  source = "../modules/deployer"

  name                        = var.name
  layer_arn                   = module.lambda_layer.arn
  architecture                = var.architecture
  role_arns                   = local.role_arns
  ledger_bucket_name          = module.ledger.bucket_name
  ledger_bucket_arn           = module.ledger.bucket_arn
  ledger_kms_key_arn          = var.kms_key_arn
  topic_arn                   = module.notifications.topic_arn
  pipeline_name               = var.name
  notes_bucket_arn            = module.artifact_store.bucket_arn
  execution_timeout_minutes   = var.execution_timeout_minutes
  max_concurrency             = var.max_concurrency
  deregister_failed_revisions = var.deregister_failed_revisions
  ecs_api_limits              = var.ecs_api_limits
  notify                      = var.notify
  metrics                     = var.metrics
  tracing                     = var.tracing
  log_level                   = var.log_level
  log_retention_days          = var.log_retention_days
  kms_key_arn                 = var.kms_key_arn
  permissions_boundary_arn    = var.permissions_boundary_arn
  tags                        = local.tags
}

# This uses the functions' roles of the deployer, and its functions use this role. That is no cycle, but a depends_on
# between the two would make one.
module "deploy_role" {
  source = "../modules/deploy_role"

  name                        = "${var.name}-deploy-${local.region}"
  trusted_role_arns           = module.deployer.deploying_role_arns
  pass_role_arns              = var.pass_role_arns
  regions                     = var.deploy_regions
  cluster_names               = var.cluster_names
  service_names               = var.service_names
  rule_names                  = var.rule_names
  event_bus_names             = var.event_bus_names
  schedule_names              = var.schedule_names
  task_definition_families    = var.task_definition_families
  ecr_repository_arns         = var.ecr_repository_arns
  deregister_failed_revisions = var.deregister_failed_revisions
  # Not module.plan[*]: that would wait for the whole module, which waits for this one.
  plan_trusted_role_arns   = setunion(var.plan_trusted_role_arns, var.plan_pull_requests ? [module.plan[0].build_role_arn] : [])
  plan_role_name           = "${var.name}-plan-${local.region}"
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = local.tags
}

# Its build assumes the plan role, which trusts the build's role. That is no cycle, but a depends_on would make one.
module "plan" {
  source = "../modules/plan"
  count  = var.plan_pull_requests ? 1 : 0

  name                     = var.name
  instance_name            = var.name
  repository_name          = module.config_repository.name
  repository_arn           = module.config_repository.arn
  clone_url_http           = module.config_repository.clone_url_http
  branch                   = var.branch
  manifest_path            = var.manifest_path
  plan_role_arns           = merge(var.target_plan_role_arns, { (local.account) = module.deploy_role.plan_role_arn })
  require_plan_approval    = var.require_plan_approval
  layer_arn                = module.lambda_layer.arn
  layer_sha256             = module.lambda_layer.sha256
  ledger_bucket_arn        = module.ledger.bucket_arn
  log_retention_days       = var.log_retention_days
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = local.tags
}

module "pipeline" {
  source = "../modules/pipeline"

  name                     = var.name
  repository_name          = module.config_repository.name
  repository_arn           = module.config_repository.arn
  branch                   = var.branch
  manifest_path            = var.manifest_path
  artifact_bucket_name     = module.artifact_store.bucket_name
  artifact_bucket_arn      = module.artifact_store.bucket_arn
  ledger_bucket_name       = module.ledger.bucket_name
  ledger_bucket_arn        = module.ledger.bucket_arn
  ledger_kms_key_arn       = var.kms_key_arn
  state_machine_arn        = module.deployer.state_machine_arn
  failure_function_arn     = module.deployer.function_arns["validate_deploy"]
  layer_arn                = module.lambda_layer.arn
  layer_sha256             = module.lambda_layer.sha256
  execution_mode           = var.pipeline_execution_mode
  build_compute            = var.build_compute
  architecture             = var.architecture
  log_retention_days       = var.log_retention_days
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = local.tags

  # No depends_on: with one, a change of the deploy role would defer this module's data sources to the apply, and every
  # role with the Region in its name would be replaced in the plan.
}

module "instance_parameter" {
  source = "../modules/instance_parameter"

  name = var.name
  tags = local.tags

  # terraform/README.md describes each member.
  parts = {
    account         = local.account
    region          = local.region
    repositoryName  = module.config_repository.name
    repositoryArn   = module.config_repository.arn
    cloneUrl        = module.config_repository.clone_url_http
    branch          = var.branch
    manifestPath    = var.manifest_path
    pipelineName    = module.pipeline.name
    consoleUrl      = module.pipeline.console_url
    stateMachineArn = module.deployer.state_machine_arn
    topicArn        = module.notifications.topic_arn
    ledgerBucket    = module.ledger.bucket_name
    artifactBucket  = module.artifact_store.bucket_name
    layerArn        = module.lambda_layer.arn
    deployRoleArn   = module.deploy_role.role_arn
  }
}
