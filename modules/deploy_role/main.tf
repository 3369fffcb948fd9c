data "aws_caller_identity" "current" {}

# Region and partition, under names that provider 5.x and 6.x share; aws_region's attributes are deprecated in 6.x or
# absent from 5.x. Nothing is called for it.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_service.ecs.partition
  regions   = length(var.regions) > 0 ? sort(var.regions) : [data.aws_service.ecs.region]

  ecs    = [for region in local.regions : "arn:${local.partition}:ecs:${region}:${local.account}"]
  events = [for region in local.regions : "arn:${local.partition}:events:${region}:${local.account}"]

  clusters = [for pair in setproduct(local.ecs, sort(var.cluster_names)) : { ecs = pair[0], name = pair[1] }]
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "ecs-gitops: deploys services and scheduled tasks in this account"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DeployerFunctionsOnly"
      Effect    = "Allow"
      Principal = { AWS = sort(var.trusted_role_arns) }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "deploy"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "Services"
          Effect = "Allow"
          Action = ["ecs:DescribeServices", "ecs:UpdateService"]
          Resource = flatten([for cluster in local.clusters : [
            for service in sort(var.service_names) : "${cluster.ecs}:service/${cluster.name}/${service}"
          ]])
        },
        {
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html:
          # describing a task definition takes no narrower resource.
          Sid      = "ReadTaskDefinitions"
          Effect   = "Allow"
          Action   = "ecs:DescribeTaskDefinition"
          Resource = "*"
        },
        {
          Sid      = "RegisterTaskDefinitions"
          Effect   = "Allow"
          Action   = "ecs:RegisterTaskDefinition"
          Resource = local.task_definitions
        },
        {
          Sid       = "TagNewTaskDefinitions"
          Effect    = "Allow"
          Action    = "ecs:TagResource"
          Resource  = local.task_definitions
          Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
        },
        {
          # ListTasks is authorized on container instances, which Fargate has none of: the cluster is the condition.
          Sid       = "FindStoppedTasks"
          Effect    = "Allow"
          Action    = "ecs:ListTasks"
          Resource  = "*"
          Condition = { ArnLike = { "ecs:cluster" = [for cluster in local.clusters : "${cluster.ecs}:cluster/${cluster.name}"] } }
        },
        {
          Sid      = "ReadStoppedTasks"
          Effect   = "Allow"
          Action   = "ecs:DescribeTasks"
          Resource = [for cluster in local.clusters : "${cluster.ecs}:task/${cluster.name}/*"]
        },
        {
          # A rule's ARN has its bus in it, unless that is the default bus.
          Sid    = "ScheduledTasks"
          Effect = "Allow"
          Action = ["events:ListTargetsByRule", "events:PutTargets"]
          Resource = flatten([for pair in setproduct(local.events, sort(var.rule_names)) : [
            "${pair[0]}:rule/${pair[1]}",
            "${pair[0]}:rule/*/${pair[1]}",
          ]])
        },
      ],
      [for arns in [sort(var.pass_role_arns)] : {
        Sid       = "PassTaskRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = arns
        Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "events.amazonaws.com"] } }
      } if length(arns) > 0],
    )
  })
}

locals {
  task_definitions = flatten([for ecs in local.ecs : [
    for family in sort(var.task_definition_families) : "${ecs}:task-definition/${family}:*"
  ]])
}
