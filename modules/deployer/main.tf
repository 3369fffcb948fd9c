data "aws_caller_identity" "current" {}

# Region and partition, under names that provider 5.x and 6.x share; aws_region's attributes are deprecated in 6.x or
# absent from 5.x. Nothing is called for it.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_service.ecs.partition
  region    = data.aws_service.ecs.region

  # One entry a function; `assumes` says whether its role may assume the deploy roles, `configured` whether it reads the
  # instance's settings.
  functions = {
    init_config     = { timeout = 60, assumes = false, configured = true }
    deploy_task     = { timeout = 900, assumes = true, configured = false }
    deploy_ecs      = { timeout = 900, assumes = true, configured = false }
    validate_deploy = { timeout = 900, assumes = true, configured = false }
  }
  function_names = { for key in keys(local.functions) : key => "${var.name}-${replace(key, "_", "-")}" }

  # As the package reads them: bucket to [burst, calls per second].
  ecs_limits = jsonencode({ for bucket, limit in var.ecs_api_limits : bucket => [limit.burst, limit.per_second] })

  # Apart from the map above, which the roles are made from: the ledger's settings name the deploy roles, whose trust
  # policies name the functions' roles. In one map that would be a cycle.
  environments = {
    init_config = {
      ECS_GITOPS_LEDGER_BUCKET = var.ledger_bucket_name
      # Whose bucket it has to be.
      ECS_GITOPS_ACCOUNT_ID = local.account
    }
    validate_deploy = merge(
      {
        ECS_GITOPS_PIPELINE_NAME = var.pipeline_name
        ECS_GITOPS_NOTIFY        = var.notify
        ECS_GITOPS_METRICS       = tostring(var.metrics)
        # By its name: the machine itself needs the function first.
        ECS_GITOPS_STATE_MACHINE_ARN = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}"
        ECS_GITOPS_TOPIC_ARN         = var.topic_arn
        # Read where the release is over; the deploy functions are then told to.
        ECS_GITOPS_DEREGISTER_FAILED = tostring(var.deregister_failed_revisions)
      },
      { for arn in compact([var.notes_bucket_arn]) : "ECS_GITOPS_NOTES_BUCKET" => split(":::", arn)[1] },
    )
  }
}
