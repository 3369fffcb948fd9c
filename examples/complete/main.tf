# Everything that a team with house rules sets: an encryption key and a permissions boundary of its own, tight scopes,
# tracing, an x86_64 build on EC2 compute.
provider "aws" {
  region = local.region
}

locals {
  region = "eu-central-1"
}

module "ecs_gitops" {
  source = "../../terraform"

  name                    = "shop-releases"
  repository_name         = "shop-config"
  branch                  = "release/prod"
  manifest_path           = "prod/deployment.yaml"
  notification_emails     = ["shop-team@example.com", "on-call@example.com"]
  pipeline_execution_mode = "SUPERSEDED"

  # What may be deployed, and nothing beside it.
  cluster_names            = ["shop-prod"]
  service_names            = ["shop-*"]
  rule_names               = ["shop-nightly", "shop-hourly"]
  schedule_names           = ["shop-*"]
  task_definition_families = ["shop-*"]
  ecr_repository_arns      = ["arn:aws:ecr:eu-central-1:111111111111:repository/shop/*"]
  pass_role_arns = [
    "arn:aws:iam::111111111111:role/shop-task-execution",
    "arn:aws:iam::111111111111:role/shop-task-*",
    "arn:aws:iam::111111111111:role/shop-scheduler",
    "arn:aws:iam::111111111111:role/shop-lifecycle-hooks",
  ]

  # How long a service, and a release, may take; in how many accounts and Regions it works at once.
  item_timeout_minutes      = 20
  execution_timeout_minutes = 120
  max_concurrency           = 10

  architecture             = "x86_64"
  build_compute            = "EC2"
  tracing                  = true
  log_level                = "DEBUG"
  log_retention_days       = 365
  artifact_expiration_days = 7
  release_retention_days   = 730
  artifact_force_destroy   = true

  kms_key_arn              = aws_kms_key.gitops.arn
  permissions_boundary_arn = aws_iam_policy.boundary.arn
  tags                     = { Team = "shop", Stage = "prod" }
}
