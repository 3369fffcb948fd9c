# The plan role: what a plan reads before a push, in the scope of the deploy role. It changes nothing. Whoever may open a
# pull request decides what is read with it, and sees what a plan says of it: no value of a secret or of an environment.
resource "aws_iam_role" "plan" {
  count = length(var.plan_trusted_role_arns) > 0 ? 1 : 0

  name                 = var.plan_role_name
  description          = "ecs-gitops: reads for plans in this account"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PlannersOnly"
      Effect    = "Allow"
      Principal = { AWS = sort(var.plan_trusted_role_arns) }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "plan" {
  count = length(aws_iam_role.plan)

  name = "plan"
  role = aws_iam_role.plan[0].name

  # The deploy role's policy says what each action needs, and why. Here are its reads, and the list of services.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "Services"
          Effect = "Allow"
          Action = [
            "ecs:DescribeServiceDeployments",
            "ecs:DescribeServiceRevisions",
            "ecs:DescribeServices",
            "ecs:ListServiceDeployments",
          ]
          Resource = flatten([for pair in setproduct(local.clusters, sort(var.service_names)) : [
            "${pair[0].ecs}:service/${pair[0].name}/${pair[1]}",
            "${pair[0].ecs}:service-deployment/${pair[0].name}/${pair[1]}/*",
            "${pair[0].ecs}:service-revision/${pair[0].name}/${pair[1]}/*",
          ]])
        },
        {
          # What is live and not in the manifest. ECS authorizes this on no resource, so the cluster is a condition.
          Sid       = "ListServices"
          Effect    = "Allow"
          Action    = "ecs:ListServices"
          Resource  = "*"
          Condition = { ArnLike = { "ecs:cluster" = local.cluster_arns } }
        },
        {
          Sid      = "ReadRules"
          Effect   = "Allow"
          Action   = "events:ListTargetsByRule"
          Resource = local.rules
        },
        {
          Sid    = "ReadSchedules"
          Effect = "Allow"
          Action = "scheduler:GetSchedule"
          Resource = [for pair in setproduct(local.places, sort(var.schedule_names)) :
            "arn:${local.partition}:scheduler:${pair[0]}:schedule/*/${pair[1]}"
          ]
        },
        {
          Sid      = "CheckImages"
          Effect   = "Allow"
          Action   = "ecr:BatchGetImage"
          Resource = local.repositories
        },
        {
          Sid      = "CheckSecrets"
          Effect   = "Allow"
          Action   = "secretsmanager:DescribeSecret"
          Resource = [for place in local.places : "arn:${local.partition}:secretsmanager:${place}:secret:*"]
        },
        {
          # These support no narrower resource, or leave something out with one.
          Sid    = "ReadWhereAwsAllowsNoNarrowerResource"
          Effect = "Allow"
          Action = [
            "cloudwatch:DescribeAlarms",
            "ecr:DescribePullThroughCacheRules",
            "ecs:DescribeTaskDefinition",
            "ssm:DescribeParameters",
          ]
          Resource = "*"
        },
        {
          # Whether the deploy role may pass a role.
          Sid      = "CheckPassRole"
          Effect   = "Allow"
          Action   = "iam:SimulatePrincipalPolicy"
          Resource = "arn:${local.partition}:iam::${local.account}:role/${var.name}"
        },
      ],
      # In the ARN of a rule on the default bus, `*` would match rules of other buses too.
      [for rules in [[for place in local.places : "arn:${local.partition}:events:${place}:rule/*/*"]] : {
        Sid      = "DefaultBusOnly"
        Effect   = "Deny"
        Action   = ["events:ListTargetsByRule"]
        Resource = rules
      } if length(var.event_bus_names) == 0 && anytrue([for name in var.rule_names : strcontains(name, "*")])],
    )
  })
}
