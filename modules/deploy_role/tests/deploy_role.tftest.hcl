mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  trusted_role_arns = [
    "arn:aws:iam::999999999999:role/ecs-gitops-deploy-task-eu-central-1",
    "arn:aws:iam::999999999999:role/ecs-gitops-deploy-ecs-eu-central-1",
  ]
  pass_role_arns = []
}

run "trusts_the_functions_roles_alone" {
  variables {
    permissions_boundary_arn = "arn:aws:iam::111111111111:policy/boundary"
  }

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy).Statement == [{
      Sid    = "DeployerFunctionsOnly"
      Effect = "Allow"
      Principal = { AWS = [
        "arn:aws:iam::999999999999:role/ecs-gitops-deploy-ecs-eu-central-1",
        "arn:aws:iam::999999999999:role/ecs-gitops-deploy-task-eu-central-1",
      ] }
      Action = "sts:AssumeRole"
    }]
    error_message = aws_iam_role.this.assume_role_policy
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::111111111111:policy/boundary"
    error_message = "The role is not bounded."
  }

  assert {
    condition     = output.role_arn == "arn:aws:iam::111111111111:role/ecs-gitops-deploy" && output.account_id == "111111111111"
    error_message = "The outputs do not tell the role."
  }
}

run "by_default_all_of_the_account_and_region_and_no_role_is_passed" {
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid => statement.Resource
      } == {
      Services = [
        "arn:aws:ecs:eu-central-1:111111111111:service/*/*",
        "arn:aws:ecs:eu-central-1:111111111111:service-deployment/*/*/*",
        "arn:aws:ecs:eu-central-1:111111111111:service-revision/*/*/*",
      ]
      ReadTaskDefinitions     = "*"
      RegisterTaskDefinitions = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*", "arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      TagNewTaskDefinitions   = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*", "arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      RememberRollbacks       = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      RunHooks                = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      TagHookTasks            = ["arn:aws:ecs:eu-central-1:111111111111:task/*"]
      FindStoppedTasks        = "*"
      ReadAndStopTasks        = ["arn:aws:ecs:eu-central-1:111111111111:task/*/*"]
      ReadRules               = ["arn:aws:events:eu-central-1:111111111111:rule/*"]
      ScheduledTasks          = ["arn:aws:events:eu-central-1:111111111111:rule/*"]
      DefaultBusOnly          = ["arn:aws:events:eu-central-1:111111111111:rule/*/*"]
      Schedules               = ["arn:aws:scheduler:eu-central-1:111111111111:schedule/*/*"]
      CheckImages             = ["arn:aws:ecr:eu-central-1:111111111111:repository/*"]
      CheckImageCaches        = "*"
      CheckAlarms             = "*"
      CheckSecrets            = ["arn:aws:secretsmanager:eu-central-1:111111111111:secret:*"]
      CheckParameters         = "*"
      CheckPassRole           = "arn:aws:iam::111111111111:role/ecs-gitops-deploy"
    }
    error_message = aws_iam_role_policy.this.policy
  }
}

run "is_held_to_the_lists" {
  variables {
    regions                  = ["us-east-1", "eu-central-1"]
    cluster_names            = ["shop"]
    service_names            = ["api", "web-*"]
    name                     = "shop-deploy"
    rule_names               = ["nightly"]
    schedule_names           = ["cleanup", "shop-*"]
    task_definition_families = ["shop-*"]
    ecr_repository_arns = [
      "arn:aws:ecr:eu-central-1:999999999999:repository/shop/*",
      "arn:aws:ecr:eu-central-1:111111111111:repository/web",
    ]
    pass_role_arns = ["arn:aws:iam::111111111111:role/shop-task", "arn:aws:iam::111111111111:role/shop-execution"]
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      {
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
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:service/shop/api",
          "arn:aws:ecs:eu-central-1:111111111111:service-deployment/shop/api/*",
          "arn:aws:ecs:eu-central-1:111111111111:service-revision/shop/api/*",
          "arn:aws:ecs:eu-central-1:111111111111:service/shop/web-*",
          "arn:aws:ecs:eu-central-1:111111111111:service-deployment/shop/web-*/*",
          "arn:aws:ecs:eu-central-1:111111111111:service-revision/shop/web-*/*",
          "arn:aws:ecs:us-east-1:111111111111:service/shop/api",
          "arn:aws:ecs:us-east-1:111111111111:service-deployment/shop/api/*",
          "arn:aws:ecs:us-east-1:111111111111:service-revision/shop/api/*",
          "arn:aws:ecs:us-east-1:111111111111:service/shop/web-*",
          "arn:aws:ecs:us-east-1:111111111111:service-deployment/shop/web-*/*",
          "arn:aws:ecs:us-east-1:111111111111:service-revision/shop/web-*/*",
        ]
        Condition = { StringNotEqualsIgnoreCase = { "ecs:enable-execute-command" = "true" } }
      },
      {
        Sid      = "ReadTaskDefinitions"
        Effect   = "Allow"
        Action   = "ecs:DescribeTaskDefinition"
        Resource = "*"
      },
      {
        Sid    = "RegisterTaskDefinitions"
        Effect = "Allow"
        Action = "ecs:RegisterTaskDefinition"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*",
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
      },
      {
        Sid    = "TagNewTaskDefinitions"
        Effect = "Allow"
        Action = "ecs:TagResource"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*",
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
        Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
      },
      {
        Sid    = "RememberRollbacks"
        Effect = "Allow"
        Action = "ecs:TagResource"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
        Condition = {
          "ForAllValues:StringLike" = { "aws:TagKeys" = "ecs-gitops:*" }
          Null                      = { "aws:TagKeys" = "false" }
        }
      },
      {
        Sid    = "RunHooks"
        Effect = "Allow"
        Action = "ecs:RunTask"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
        Condition = {
          ArnLike = { "ecs:cluster" = [
            "arn:aws:ecs:eu-central-1:111111111111:cluster/shop",
            "arn:aws:ecs:us-east-1:111111111111:cluster/shop",
          ] }
          StringNotEqualsIgnoreCase = { "ecs:enable-execute-command" = "true" }
        }
      },
      {
        Sid    = "TagHookTasks"
        Effect = "Allow"
        Action = "ecs:TagResource"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task/*",
          "arn:aws:ecs:us-east-1:111111111111:task/*",
        ]
        Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      },
      {
        Sid      = "FindStoppedTasks"
        Effect   = "Allow"
        Action   = "ecs:ListTasks"
        Resource = "*"
        Condition = { ArnLike = { "ecs:cluster" = [
          "arn:aws:ecs:eu-central-1:111111111111:cluster/shop",
          "arn:aws:ecs:us-east-1:111111111111:cluster/shop",
        ] } }
      },
      {
        Sid    = "ReadAndStopTasks"
        Effect = "Allow"
        Action = ["ecs:DescribeTasks", "ecs:StopTask"]
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task/shop/*",
          "arn:aws:ecs:us-east-1:111111111111:task/shop/*",
        ]
      },
      {
        Sid    = "ReadRules"
        Effect = "Allow"
        Action = "events:ListTargetsByRule"
        Resource = [
          "arn:aws:events:eu-central-1:111111111111:rule/nightly",
          "arn:aws:events:us-east-1:111111111111:rule/nightly",
        ]
      },
      {
        Sid    = "ScheduledTasks"
        Effect = "Allow"
        Action = "events:PutTargets"
        Resource = [
          "arn:aws:events:eu-central-1:111111111111:rule/nightly",
          "arn:aws:events:us-east-1:111111111111:rule/nightly",
        ]
        Condition = {
          "ForAllValues:ArnLike" = { "events:TargetArn" = [
            "arn:aws:ecs:eu-central-1:111111111111:cluster/shop",
            "arn:aws:ecs:us-east-1:111111111111:cluster/shop",
          ] }
          Null = { "events:TargetArn" = "false" }
        }
      },
      {
        Sid    = "Schedules"
        Effect = "Allow"
        Action = ["scheduler:GetSchedule", "scheduler:UpdateSchedule"]
        Resource = [
          "arn:aws:scheduler:eu-central-1:111111111111:schedule/*/cleanup",
          "arn:aws:scheduler:eu-central-1:111111111111:schedule/*/shop-*",
          "arn:aws:scheduler:us-east-1:111111111111:schedule/*/cleanup",
          "arn:aws:scheduler:us-east-1:111111111111:schedule/*/shop-*",
        ]
      },
      {
        Sid    = "CheckImages"
        Effect = "Allow"
        Action = "ecr:BatchGetImage"
        Resource = [
          "arn:aws:ecr:eu-central-1:111111111111:repository/web",
          "arn:aws:ecr:eu-central-1:999999999999:repository/shop/*",
        ]
      },
      {
        Sid      = "CheckImageCaches"
        Effect   = "Allow"
        Action   = "ecr:DescribePullThroughCacheRules"
        Resource = "*"
      },
      {
        Sid      = "CheckAlarms"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "*"
      },
      {
        Sid    = "CheckSecrets"
        Effect = "Allow"
        Action = "secretsmanager:DescribeSecret"
        Resource = [
          "arn:aws:secretsmanager:eu-central-1:111111111111:secret:*",
          "arn:aws:secretsmanager:us-east-1:111111111111:secret:*",
        ]
      },
      {
        Sid      = "CheckParameters"
        Effect   = "Allow"
        Action   = "ssm:DescribeParameters"
        Resource = "*"
      },
      {
        Sid      = "CheckPassRole"
        Effect   = "Allow"
        Action   = "iam:SimulatePrincipalPolicy"
        Resource = "arn:aws:iam::111111111111:role/shop-deploy"
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = ["arn:aws:iam::111111111111:role/shop-execution", "arn:aws:iam::111111111111:role/shop-task"]
        Condition = { StringEquals = { "iam:PassedToService" = [
          "ecs-tasks.amazonaws.com", "ecs.amazonaws.com", "events.amazonaws.com", "scheduler.amazonaws.com",
        ] } }
      },
    ]
    error_message = aws_iam_role_policy.this.policy
  }
}

run "rules_are_those_of_the_default_bus_and_of_the_buses_that_are_named" {
  variables {
    rule_names      = ["nightly", "shop-*"]
    event_bus_names = ["orders"]
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Resource
      if contains(["ReadRules", "ScheduledTasks"], statement.Sid)
      ] == [
      for action in ["read", "write"] : [
        "arn:aws:events:eu-central-1:111111111111:rule/nightly",
        "arn:aws:events:eu-central-1:111111111111:rule/shop-*",
        "arn:aws:events:eu-central-1:111111111111:rule/orders/nightly",
        "arn:aws:events:eu-central-1:111111111111:rule/orders/shop-*",
      ]
    ]
    error_message = aws_iam_role_policy.this.policy
  }

  # A refusal of all other buses would be one of these too.
  assert {
    condition     = !strcontains(aws_iam_role_policy.this.policy, "Deny")
    error_message = aws_iam_role_policy.this.policy
  }
}

run "speaks_of_the_partition_it_is_in" {
  override_data {
    target = data.aws_service.ecs
    values = { region = "cn-north-1", partition = "aws-cn" }
  }

  assert {
    condition = (
      !strcontains(aws_iam_role_policy.this.policy, "arn:aws:")
      && strcontains(aws_iam_role_policy.this.policy, "arn:aws-cn:ecs:cn-north-1:111111111111:service/*/*")
    )
    error_message = aws_iam_role_policy.this.policy
  }
}

# README.md tells these sizes.
run "fits_a_role_by_default" {
  assert {
    condition     = length(aws_iam_role_policy.this.policy) <= 3900
    error_message = "${length(aws_iam_role_policy.this.policy)} characters"
  }
}

run "fits_a_role_with_five_clusters_in_two_regions" {
  variables {
    regions        = ["us-east-1", "eu-central-1"]
    cluster_names  = ["shop-prod-1", "shop-prod-2", "shop-prod-3", "shop-prod-4", "shop-prod-5"]
    pass_role_arns = [for name in ["execution", "task-*", "scheduler"] : "arn:aws:iam::111111111111:role/shop-${name}"]
  }

  assert {
    condition     = length(aws_iam_role_policy.this.policy) <= 9000
    error_message = "${length(aws_iam_role_policy.this.policy)} characters"
  }
}

run "refuses_more_than_a_role_takes" {
  command = plan

  variables {
    service_names = [for number in range(60) : "a-service-with-a-name-${number}"]
  }

  expect_failures = [aws_iam_role_policy.this]
}

run "refuses_to_pass_every_role" {
  command = plan

  variables {
    pass_role_arns = ["arn:aws:iam::111111111111:role/*"]
  }

  expect_failures = [var.pass_role_arns]
}

run "refuses_to_trust_an_account" {
  command = plan

  variables {
    trusted_role_arns = ["arn:aws:iam::999999999999:root"]
  }

  expect_failures = [var.trusted_role_arns]
}

run "refuses_to_trust_by_a_wildcard" {
  command = plan

  variables {
    trusted_role_arns = ["arn:aws:iam::999999999999:role/ecs-*"]
  }

  expect_failures = [var.trusted_role_arns]
}

run "refuses_names_that_are_none" {
  command = plan

  variables {
    regions                  = ["Frankfurt"]
    cluster_names            = []
    service_names            = ["api/web"]
    rule_names               = ["a b"]
    event_bus_names          = ["default"]
    schedule_names           = ["jobs/nightly"]
    task_definition_families = ["api:3"]
  }

  expect_failures = [
    var.regions, var.cluster_names, var.service_names, var.rule_names, var.event_bus_names, var.schedule_names,
    var.task_definition_families,
  ]
}

run "refuses_repositories_that_are_no_arns_of_one_place" {
  command = plan

  variables {
    ecr_repository_arns = ["arn:aws:ecr:*:111111111111:repository/shop"]
  }

  expect_failures = [var.ecr_repository_arns]
}

run "deregisters_no_revision_unless_it_is_asked_for" {
  assert {
    condition     = !strcontains(aws_iam_role_policy.this.policy, "Deregister")
    error_message = "The role may deregister task definitions by default."
  }
}

run "may_deregister_revisions" {
  variables {
    deregister_failed_revisions = true
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement if strcontains(jsonencode(statement.Action), "Deregister")] == [{
      Sid      = "DeregisterFailedRevisions"
      Effect   = "Allow"
      Action   = "ecs:DeregisterTaskDefinition"
      Resource = "*"
    }]
    error_message = aws_iam_role_policy.this.policy
  }
}

run "refuses_more_trust_than_iam_takes" {
  command = plan

  variables {
    trusted_role_arns = [for n in range(30) : "arn:aws:iam::999999999999:role/a-role-with-a-long-name-of-an-instance-${n}"]
  }

  expect_failures = [aws_iam_role.this]
}
