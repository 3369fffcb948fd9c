data "aws_caller_identity" "current" {}

# Region and partition, by attributes that provider 5.x and 6.x both have: those of aws_region are deprecated in 6.x or
# absent from 5.x. This makes no call.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_service.ecs.partition
  region    = data.aws_service.ecs.region

  # One entry per function. `assumes`: its role may assume the deploy roles.
  functions = {
    init_config     = { timeout = 300, assumes = false }
    deploy_task     = { timeout = 900, assumes = true }
    deploy_ecs      = { timeout = 900, assumes = true }
    validate_deploy = { timeout = 900, assumes = true }
  }
  function_names = { for key in keys(local.functions) : key => "${var.name}-${replace(key, "_", "-")}" }

  # In the package's format: bucket to [burst, calls per second].
  ecs_limits = jsonencode({ for bucket, limit in var.ecs_api_limits : bucket => [limit.burst, limit.per_second] })

  # Neither this nor the next is in the map above, from which the functions' roles are made: the ledger's settings name
  # the deploy roles, and those trust the functions' roles. One map would make a cycle.
  common_environment = {
    ECS_GITOPS_LEDGER_BUCKET = var.ledger_bucket_name
    # The account that must own the bucket.
    ECS_GITOPS_ACCOUNT_ID = local.account
    ECS_GITOPS_TRACING    = tostring(var.tracing)
  }
  environments = {
    validate_deploy = merge(
      {
        ECS_GITOPS_PIPELINE_NAME = var.pipeline_name
        ECS_GITOPS_NOTIFY        = var.notify
        ECS_GITOPS_METRICS       = tostring(var.metrics)
        # The ARN is built from the name, because the state machine itself depends on this function.
        ECS_GITOPS_STATE_MACHINE_ARN = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}"
        ECS_GITOPS_TOPIC_ARN         = var.topic_arn
        # Read at the end of the release, which then starts the deploy functions once more.
        ECS_GITOPS_DEREGISTER_FAILED = tostring(var.deregister_failed_revisions)
      },
      { for arn in compact([var.notes_bucket_arn]) : "ECS_GITOPS_NOTES_BUCKET" => split(":::", arn)[1] },
    )
  }
}
