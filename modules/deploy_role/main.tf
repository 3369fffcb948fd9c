data "aws_caller_identity" "current" {}

# Region and partition, by attributes that provider 5.x and 6.x both have: those of aws_region are deprecated in 6.x or
# absent from 5.x. This makes no call.
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

  # The ARN of a revision ends with its number, but a new revision has none yet. AWS documents the ARN with a number,
  # and its error messages name the family only. So both are allowed.
  families = [for pair in setproduct(local.places, sort(var.task_definition_families)) :
    "arn:${local.partition}:ecs:${pair[0]}:task-definition/${pair[1]}"
  ]
  revisions       = [for family in local.families : "${family}:*"]
  new_definitions = flatten([for family in local.families : [family, "${family}:*"]])

  # The ARN of a rule contains its bus, except for the default bus.
  rules = [for pair in setproduct(local.places, concat([""], sort(var.event_bus_names)), sort(var.rule_names)) :
    "arn:${local.partition}:events:${pair[0]}:rule/${pair[1] == "" ? "" : "${pair[1]}/"}${pair[2]}"
  ]
  repositories = length(var.ecr_repository_arns) > 0 ? sort(var.ecr_repository_arns) : [
    for place in local.places : "arn:${local.partition}:ecr:${place}:repository/*"
  ]

  # A deployment may never enable ECS Exec. Calls without the parameter do not have the key, and a negated operator is
  # true without its key.
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

# The resources and condition keys of each action, unless a comment names another document:
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
resource "aws_iam_role_policy" "this" {
  name = "deploy"
  role = aws_iam_role.this.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # ECS authorizes service deployments and revisions on two resources, their own and the service. One statement
          # for both, so that the policy has each service's ARN once.
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
          # This action supports no narrower resource.
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
          # Failures and rollbacks are recorded in our own tags. ForAllValues is also true without any tag, so Null is
          # needed:
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
          # The tasks of hooks. ECS authorizes RunTask on the task definition; the cluster is a condition.
          Sid       = "RunHooks"
          Effect    = "Allow"
          Action    = "ecs:RunTask"
          Resource  = local.revisions
          Condition = merge({ ArnLike = { "ecs:cluster" = local.cluster_arns } }, local.no_execute_command)
        },
        {
          # Hooks get the tags of the service's tasks. RunHooks limits which tasks run, and where:
          # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
          Sid       = "TagHookTasks"
          Effect    = "Allow"
          Action    = "ecs:TagResource"
          Resource  = [for place in local.places : "arn:${local.partition}:ecs:${place}:task/*"]
          Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
        },
        {
          # ECS authorizes ListTasks on container instances, which Fargate does not have, so the cluster is a condition.
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
          # the ARNs of all targets in the call. We write only targets that run tasks, and their ARN is the cluster's.
          # ForAllValues is also true without the key, so Null is needed.
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
          # the ARN of a schedule contains its group, also the default one.
          Sid    = "Schedules"
          Effect = "Allow"
          Action = ["scheduler:GetSchedule", "scheduler:UpdateSchedule"]
          Resource = [for pair in setproduct(local.places, sort(var.schedule_names)) :
            "arn:${local.partition}:scheduler:${pair[0]}:schedule/*/${pair[1]}"
          ]
        },
        {
          # The digest of a tag. Without ecr:GetDownloadUrlForLayer this reads manifests, but no layers.
          Sid      = "CheckImages"
          Effect   = "Allow"
          Action   = "ecr:BatchGetImage"
          Resource = local.repositories
        },
        {
          # Whether ECR will pull an absent image from another registry. No narrower resource is supported:
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html
          Sid      = "CheckImageCaches"
          Effect   = "Allow"
          Action   = "ecr:DescribePullThroughCacheRules"
          Resource = "*"
        },
        {
          # With a narrower resource AWS leaves out composite alarms:
          # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
          Sid      = "CheckAlarms"
          Effect   = "Allow"
          Action   = "cloudwatch:DescribeAlarms"
          Resource = "*"
        },
        {
          # Whether secrets exist. This reads no value.
          Sid      = "CheckSecrets"
          Effect   = "Allow"
          Action   = "secretsmanager:DescribeSecret"
          Resource = [for place in local.places : "arn:${local.partition}:secretsmanager:${place}:secret:*"]
        },
        {
          # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html: no narrower
          # resource is supported. This reads no value.
          Sid      = "CheckParameters"
          Effect   = "Allow"
          Action   = "ssm:DescribeParameters"
          Resource = "*"
        },
        {
          # Whether this role may pass a role. The ARN is built from its parts, so that a plan shows the whole policy.
          Sid      = "CheckPassRole"
          Effect   = "Allow"
          Action   = "iam:SimulatePrincipalPolicy"
          Resource = "arn:${local.partition}:iam::${local.account}:role/${var.name}"
        },
      ],
      var.deregister_failed_revisions ? [{
        # This action supports no narrower resource.
        Sid      = "DeregisterFailedRevisions"
        Effect   = "Allow"
        Action   = "ecs:DeregisterTaskDefinition"
        Resource = "*"
      }] : [],
      [for arns in [sort(var.pass_role_arns)] : {
        # Roles are passed to tasks, to ECS for lifecycle hooks in UpdateService, and to rules and schedules.
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = arns
        Condition = { StringEquals = { "iam:PassedToService" = [
          "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com",
        ] } }
      } if length(arns) > 0],
      # In the ARN of a rule on the default bus, `*` would match rules of other buses too.
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
      # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: the limit
      # for all inline policies of a role together.
      condition     = length(self.policy) <= 10240
      error_message = "The policy of ${var.name} is ${length(self.policy)} characters long, and IAM takes 10240. Name fewer clusters, services, rules, schedules, families, repositories, roles or Regions; `*` matches many."
    }
  }
}
