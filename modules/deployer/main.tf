data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # `id` is the Region's name with every provider version; `name` and `region` are not.
  region = data.aws_region.current.id

  # One entry a function; `assumes` says whether its role may assume the deploy roles.
  functions = {
    init_config = {
      timeout = 60
      assumes = false
      environment = {
        ECS_GITOPS_ROLE_ARNS       = jsonencode(var.role_arns)
        ECS_GITOPS_ACCOUNT_ID      = local.account
        ECS_GITOPS_TIMEOUT_MINUTES = tostring(var.item_timeout_minutes)
      }
    }
    deploy_task = {
      timeout     = 900
      assumes     = true
      environment = {}
    }
    deploy_ecs = {
      timeout     = 900
      assumes     = true
      environment = {}
    }
    validate_deploy = {
      timeout     = 900
      assumes     = true
      environment = { ECS_GITOPS_PIPELINE_NAME = var.pipeline_name }
    }
  }

  function_names = { for key in keys(local.functions) : key => "${var.name}-${replace(key, "_", "-")}" }
}
