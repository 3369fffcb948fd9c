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
    condition     = output.role_arn == "arn:aws:iam::111111111111:role/one" && output.account_id == "111111111111"
    error_message = "The outputs do not tell the role."
  }
}

run "by_default_all_of_the_account_and_region_and_no_role_is_passed" {
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement.Sid => statement.Resource
      } == {
      Services                = ["arn:aws:ecs:eu-central-1:111111111111:service/*/*"]
      ReadTaskDefinitions     = "*"
      RegisterTaskDefinitions = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      TagNewTaskDefinitions   = ["arn:aws:ecs:eu-central-1:111111111111:task-definition/*:*"]
      FindStoppedTasks        = "*"
      ReadStoppedTasks        = ["arn:aws:ecs:eu-central-1:111111111111:task/*/*"]
      ScheduledTasks = [
        "arn:aws:events:eu-central-1:111111111111:rule/*",
        "arn:aws:events:eu-central-1:111111111111:rule/*/*",
      ]
    }
    error_message = aws_iam_role_policy.this.policy
  }
}

run "is_held_to_the_lists" {
  variables {
    regions                  = ["us-east-1", "eu-central-1"]
    cluster_names            = ["shop"]
    service_names            = ["api", "web-*"]
    rule_names               = ["nightly"]
    task_definition_families = ["shop-*"]
    pass_role_arns           = ["arn:aws:iam::111111111111:role/shop-task", "arn:aws:iam::111111111111:role/shop-execution"]
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy).Statement == [
      {
        Sid    = "Services"
        Effect = "Allow"
        Action = ["ecs:DescribeServices", "ecs:UpdateService"]
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:service/shop/api",
          "arn:aws:ecs:eu-central-1:111111111111:service/shop/web-*",
          "arn:aws:ecs:us-east-1:111111111111:service/shop/api",
          "arn:aws:ecs:us-east-1:111111111111:service/shop/web-*",
        ]
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
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
      },
      {
        Sid    = "TagNewTaskDefinitions"
        Effect = "Allow"
        Action = "ecs:TagResource"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task-definition/shop-*:*",
          "arn:aws:ecs:us-east-1:111111111111:task-definition/shop-*:*",
        ]
        Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
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
        Sid    = "ReadStoppedTasks"
        Effect = "Allow"
        Action = "ecs:DescribeTasks"
        Resource = [
          "arn:aws:ecs:eu-central-1:111111111111:task/shop/*",
          "arn:aws:ecs:us-east-1:111111111111:task/shop/*",
        ]
      },
      {
        Sid    = "ScheduledTasks"
        Effect = "Allow"
        Action = ["events:ListTargetsByRule", "events:PutTargets"]
        Resource = [
          "arn:aws:events:eu-central-1:111111111111:rule/nightly",
          "arn:aws:events:eu-central-1:111111111111:rule/*/nightly",
          "arn:aws:events:us-east-1:111111111111:rule/nightly",
          "arn:aws:events:us-east-1:111111111111:rule/*/nightly",
        ]
      },
      {
        Sid       = "PassTaskRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = ["arn:aws:iam::111111111111:role/shop-execution", "arn:aws:iam::111111111111:role/shop-task"]
        Condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "events.amazonaws.com"] } }
      },
    ]
    error_message = aws_iam_role_policy.this.policy
  }
}

run "speaks_of_the_partition_it_is_in" {
  override_data {
    target = data.aws_service.ecs
    values = { region = "cn-north-1", partition = "aws-cn" }
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[0].Resource == ["arn:aws-cn:ecs:cn-north-1:111111111111:service/*/*"]
    error_message = aws_iam_role_policy.this.policy
  }
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
    task_definition_families = ["api:3"]
  }

  expect_failures = [var.regions, var.cluster_names, var.service_names, var.rule_names, var.task_definition_families]
}
