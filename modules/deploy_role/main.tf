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

  places = [for region in local.regions : "${region}:${local.account}"]

  clusters = [for pair in setproduct(local.places, sort(var.cluster_names)) : {
    ecs  = "arn:${local.partition}:ecs:${pair[0]}"
    name = pair[1]
  }]
  cluster_arns = [for cluster in local.clusters : "${cluster.ecs}:cluster/${cluster.name}"]

  # A revision has its number in its ARN. One that is being registered has none yet: AWS documents the ARN with a number,
  # and its refusals have been seen to name the family.
  families = [for pair in setproduct(local.places, sort(var.task_definition_families)) :
    "arn:${local.partition}:ecs:${pair[0]}:task-definition/${pair[1]}"
  ]
  revisions       = [for family in local.families : "${family}:*"]
  new_definitions = flatten([for family in local.families : [family, "${family}:*"]])

  # A rule's ARN has its bus in it, unless that is the default bus.
  rules = [for pair in setproduct(local.places, concat([""], sort(var.event_bus_names)), sort(var.rule_names)) :
    "arn:${local.partition}:events:${pair[0]}:rule/${pair[1] == "" ? "" : "${pair[1]}/"}${pair[2]}"
  ]
  repositories = length(var.ecr_repository_arns) > 0 ? sort(var.ecr_repository_arns) : [
    for place in local.places : "arn:${local.partition}:ecr:${place}:repository/*"
  ]

  # What is deployed never turns on ECS Exec. The key is a text, and is there when the call has the parameter: an operator
  # that negates holds without it.
  # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
  no_execute_command = { StringNotEqualsIgnoreCase = { "ecs:enable-execute-command" = "true" } }
}

locals {
  trust_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "DeployerFunctionsOnly"
      Effect    = "Allow"
      Principal = { AWS = sort(var.trusted_role_arns) }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "ecs-gitops: deploys services and scheduled tasks in this account"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = local.trust_policy

  lifecycle {
    precondition {
      # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
      condition     = length(local.trust_policy) <= 2048
      error_message = "The trust policy has ${length(local.trust_policy)} characters; IAM takes 2048. Name fewer roles in trusted_role_arns: an instance has three."
    }
  }
}

# What each action is authorized on, unless a comment names another document:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
resource "aws_iam_role_policy" "this" {
  name = "deploy"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # Service deployments and revisions are authorized on two resources each, their own and the service's: in one
          # statement, so that each service's ARN is there once.
          Sid    = "Services"
          Effect = "Allow"
          Action = [
            "ecs:DescribeServiceDeployments",
            "ecs:DescribeServiceRevisions",
            "ecs:DescribeServices",
            "ecs:ListServiceDeployments",
            "ecs:StopServiceDeployment",
            "ecs:UpdateService",
          ]
          Resource = flatten([for pair in setproduct(local.clusters, sort(var.service_names)) : [
            "${pair[0].ecs}:service/${pair[0].name}/${pair[1]}",
            "${pair[0].ecs}:service-deployment/${pair[0].name}/${pair[1]}/*",
            "${pair[0].ecs}:service-revision/${pair[0].name}/${pair[1]}/*",
          ]])
          Condition = local.no_execute_command
        },
        {
          # Describing a task definition takes no narrower resource.
          Sid      = "ReadTaskDefinitions"
          Effect   = "Allow"
          Action   = "ecs:DescribeTaskDefinition"
          Resource = "*"
        },
        {
          Sid      = "RegisterTaskDefinitions"
          Effect   = "Allow"
          Action   = "ecs:RegisterTaskDefinition"
          Resource = local.new_definitions
        },
        {
          Sid       = "TagNewTaskDefinitions"
          Effect    = "Allow"
          Action    = "ecs:TagResource"
          Resource  = local.new_definitions
          Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
        },
        {
          # A revision that was rolled back is marked with a tag of our own. ForAllValues alone also holds for no tag:
          # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
          Sid      = "RememberRollbacks"
          Effect   = "Allow"
          Action   = "ecs:TagResource"
          Resource = local.revisions
          Condition = {
            "ForAllValues:StringLike" = { "aws:TagKeys" = "ecs-gitops:*" }
            Null                      = { "aws:TagKeys" = "false" }
          }
        },
        {
          # The tasks of hooks: RunTask is authorized on the task definition, and the cluster is a condition.
          Sid       = "RunHooks"
          Effect    = "Allow"
          Action    = "ecs:RunTask"
          Resource  = local.revisions
          Condition = merge({ ArnLike = { "ecs:cluster" = local.cluster_arns } }, local.no_execute_command)
        },
        {
          # The tags of the service's tasks. Which tasks are run, and where, is RunHooks' to limit:
          # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
          Sid       = "TagHookTasks"
          Effect    = "Allow"
          Action    = "ecs:TagResource"
          Resource  = [for place in local.places : "arn:${local.partition}:ecs:${place}:task/*"]
          Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
        },
        {
          # ListTasks is authorized on container instances, which Fargate has none of: the cluster is the condition.
          Sid       = "FindStoppedTasks"
          Effect    = "Allow"
          Action    = "ecs:ListTasks"
          Resource  = "*"
          Condition = { ArnLike = { "ecs:cluster" = local.cluster_arns } }
        },
        {
          Sid      = "ReadAndStopTasks"
          Effect   = "Allow"
          Action   = ["ecs:DescribeTasks", "ecs:StopTask"]
          Resource = [for cluster in local.clusters : "${cluster.ecs}:task/${cluster.name}/*"]
        },
        {
          Sid      = "ReadRules"
          Effect   = "Allow"
          Action   = "events:ListTargetsByRule"
          Resource = local.rules
        },
        {
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html: the key has
          # the ARNs of all targets that are written. Only those that run tasks are, whatever else a rule has, and the
          # target of a task is its cluster. ForAllValues alone also holds where there is no key.
          Sid      = "ScheduledTasks"
          Effect   = "Allow"
          Action   = "events:PutTargets"
          Resource = local.rules
          Condition = {
            "ForAllValues:ArnLike" = { "events:TargetArn" = local.cluster_arns }
            Null                   = { "events:TargetArn" = "false" }
          }
        },
        {
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridgescheduler.html:
          # a schedule's ARN has its group in it, the default one too.
          Sid    = "Schedules"
          Effect = "Allow"
          Action = ["scheduler:GetSchedule", "scheduler:UpdateSchedule"]
          Resource = [for pair in setproduct(local.places, sort(var.schedule_names)) :
            "arn:${local.partition}:scheduler:${pair[0]}:schedule/*/${pair[1]}"
          ]
        },
        {
          # The digest behind a tag. Without ecr:GetDownloadUrlForLayer it reads manifests, and no layer.
          Sid      = "CheckImages"
          Effect   = "Allow"
          Action   = "ecr:BatchGetImage"
          Resource = local.repositories
        },
        {
          # Whether an image that is not there will be pulled from elsewhere; takes no narrower resource:
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
          Sid      = "CheckImageCaches"
          Effect   = "Allow"
          Action   = "ecr:DescribePullThroughCacheRules"
          Resource = "*"
        },
        {
          # With anything narrower AWS leaves composite alarms out:
          # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
          Sid      = "CheckAlarms"
          Effect   = "Allow"
          Action   = "cloudwatch:DescribeAlarms"
          Resource = "*"
        },
        {
          # Whether they exist; this reads no value.
          Sid      = "CheckSecrets"
          Effect   = "Allow"
          Action   = "secretsmanager:DescribeSecret"
          Resource = [for place in local.places : "arn:${local.partition}:secretsmanager:${place}:secret:*"]
        },
        {
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html: describing
          # parameters takes no narrower resource. It reads no value.
          Sid      = "CheckParameters"
          Effect   = "Allow"
          Action   = "ssm:DescribeParameters"
          Resource = "*"
        },
        {
          # Whether this role may pass a role. The ARN from its parts, so that a plan shows the whole policy.
          Sid      = "CheckPassRole"
          Effect   = "Allow"
          Action   = "iam:SimulatePrincipalPolicy"
          Resource = "arn:${local.partition}:iam::${local.account}:role/${var.name}"
        },
      ],
      var.deregister_failed_revisions ? [{
        # Deregistering a task definition takes no narrower resource.
        Sid      = "DeregisterFailedRevisions"
        Effect   = "Allow"
        Action   = "ecs:DeregisterTaskDefinition"
        Resource = "*"
      }] : [],
      [for arns in [sort(var.pass_role_arns)] : {
        # To tasks; to ECS itself, for lifecycle hooks in UpdateService; to rules and schedules.
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = arns
        Condition = { StringEquals = { "iam:PassedToService" = [
          "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com",
        ] } }
      } if length(arns) > 0],
      # `*` in the ARN of a rule on the default bus takes the name of any other bus in.
      [for rules in [[for place in local.places : "arn:${local.partition}:events:${place}:rule/*/*"]] : {
        Sid      = "DefaultBusOnly"
        Effect   = "Deny"
        Action   = ["events:ListTargetsByRule", "events:PutTargets"]
        Resource = rules
      } if length(var.event_bus_names) == 0 && anytrue([for name in var.rule_names : strcontains(name, "*")])],
    )
  })

  lifecycle {
    postcondition {
      # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: all of a role's inline policies.
      condition     = length(self.policy) <= 10240
      error_message = "The policy of ${var.name} is ${length(self.policy)} characters long, and IAM takes 10240. Name fewer clusters, services, rules, schedules, families, repositories, roles or Regions; `*` stands for many."
    }
  }
}
