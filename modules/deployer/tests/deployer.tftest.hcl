mock_provider "aws" {
  source = "../../tests/terraform/mocks"

  override_resource {
    target = aws_lambda_function.this["init_config"]
    values = {
      arn           = "arn:aws:lambda:eu-central-1:111111111111:function:shop-init-config"
      qualified_arn = "arn:aws:lambda:eu-central-1:111111111111:function:shop-init-config:3"
    }
  }
  override_resource {
    target = aws_lambda_function.this["deploy_task"]
    values = {
      arn           = "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-task"
      qualified_arn = "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-task:3"
    }
  }
  override_resource {
    target = aws_lambda_function.this["deploy_ecs"]
    values = {
      arn           = "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-ecs"
      qualified_arn = "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-ecs:3"
    }
  }
  override_resource {
    target = aws_lambda_function.this["validate_deploy"]
    values = {
      arn           = "arn:aws:lambda:eu-central-1:111111111111:function:shop-validate-deploy"
      qualified_arn = "arn:aws:lambda:eu-central-1:111111111111:function:shop-validate-deploy:3"
    }
  }
  override_resource {
    target = aws_iam_role.function["init_config"]
    values = { arn = "arn:aws:iam::111111111111:role/init-config" }
  }
  override_resource {
    target = aws_iam_role.function["deploy_task"]
    values = { arn = "arn:aws:iam::111111111111:role/deploy-task" }
  }
  override_resource {
    target = aws_iam_role.function["deploy_ecs"]
    values = { arn = "arn:aws:iam::111111111111:role/deploy-ecs" }
  }
  override_resource {
    target = aws_iam_role.function["validate_deploy"]
    values = { arn = "arn:aws:iam::111111111111:role/validate-deploy" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.function["deploy_ecs"]
    values = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/shop-deploy-ecs" }
  }
  override_resource {
    target = aws_cloudwatch_log_group.function["init_config"]
    values = { arn = "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/shop-init-config" }
  }
}

variables {
  name      = "shop"
  layer_arn = "arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"
  topic_arn = "arn:aws:sns:eu-central-1:111111111111:shop-releases"

  notes_bucket_arn = "arn:aws:s3:::shop-artifacts"
  # Any file does: it is hashed, and sent nowhere.
  role_arns = {
    "111111111111" = "arn:aws:iam::111111111111:role/shop-deploy"
    "222222222222" = "arn:aws:iam::222222222222:role/shop-deploy"
  }
  ledger_bucket_name = "shop-ledger"
  ledger_bucket_arn  = "arn:aws:s3:::shop-ledger"
}

run "four_functions_from_one_layer" {
  variables {
    pipeline_name = "shop"
  }

  assert {
    condition = { for key, function in aws_lambda_function.this : key => function.handler } == {
      init_config     = "ecs_gitops.lambdas.init_config.handler"
      deploy_task     = "ecs_gitops.lambdas.deploy_task.handler"
      deploy_ecs      = "ecs_gitops.lambdas.deploy_ecs.handler"
      validate_deploy = "ecs_gitops.lambdas.validate_deploy.handler"
    }
    error_message = "The handlers are not the package's."
  }

  assert {
    condition = alltrue([for function in aws_lambda_function.this : (
      function.layers == tolist(["arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"])
      && function.publish
      && function.runtime == "python3.13"
      && function.architectures == tolist(["arm64"])
      && function.source_code_hash == filebase64sha256("stub.zip")
      && one(function.logging_config).log_format == "JSON"
      && one(function.tracing_config).mode == "PassThrough"
    )])
    error_message = "The functions are not published, or do not share layer, runtime, architecture and JSON logs."
  }

  assert {
    condition = { for key, function in aws_lambda_function.this : key => one(function.environment).variables } == {
      init_config = tomap({
        ECS_GITOPS_TRACING       = "false"
        ECS_GITOPS_ACCOUNT_ID    = "111111111111"
        ECS_GITOPS_LEDGER_BUCKET = "shop-ledger"
      })
      deploy_task = tomap({
        ECS_GITOPS_TRACING       = "false"
        ECS_GITOPS_ACCOUNT_ID    = "111111111111"
        ECS_GITOPS_LEDGER_BUCKET = "shop-ledger"
      })
      deploy_ecs = tomap({
        ECS_GITOPS_TRACING       = "false"
        ECS_GITOPS_ACCOUNT_ID    = "111111111111"
        ECS_GITOPS_LEDGER_BUCKET = "shop-ledger"
      })
      validate_deploy = tomap({
        ECS_GITOPS_TRACING           = "false"
        ECS_GITOPS_ACCOUNT_ID        = "111111111111"
        ECS_GITOPS_LEDGER_BUCKET     = "shop-ledger"
        ECS_GITOPS_PIPELINE_NAME     = "shop"
        ECS_GITOPS_NOTIFY            = "changes"
        ECS_GITOPS_METRICS           = "true"
        ECS_GITOPS_STATE_MACHINE_ARN = "arn:aws:states:eu-central-1:111111111111:stateMachine:shop"
        ECS_GITOPS_TOPIC_ARN         = "arn:aws:sns:eu-central-1:111111111111:shop-releases"
        ECS_GITOPS_NOTES_BUCKET      = "shop-artifacts"
        ECS_GITOPS_DEREGISTER_FAILED = "false"
      })
    }
    error_message = jsonencode({ for key, function in aws_lambda_function.this : key => one(function.environment).variables })
  }

  assert {
    condition     = toset([for group in aws_cloudwatch_log_group.function : group.retention_in_days]) == toset([90])
    error_message = "Logs are not kept for 90 days."
  }
}

run "a_function_logs_to_its_own_group_and_assumes_the_deploy_roles" {
  assert {
    condition = jsondecode(aws_iam_role_policy.function["deploy_ecs"].policy).Statement[0] == {
      Sid      = "Log"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-central-1:111111111111:log-group:/aws/lambda/shop-deploy-ecs:*"
    }
    error_message = aws_iam_role_policy.function["deploy_ecs"].policy
  }

  assert {
    condition = [for policy in aws_iam_policy.assume : jsondecode(policy.policy)] == [{
      Version = "2012-10-17"
      Statement = [{
        Sid      = "AssumeDeployRoles"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = ["arn:aws:iam::111111111111:role/shop-deploy", "arn:aws:iam::222222222222:role/shop-deploy"]
      }]
    }]
    error_message = jsonencode(aws_iam_policy.assume[*].policy)
  }

  assert {
    condition     = keys(aws_iam_role_policy_attachment.assume) == ["deploy_ecs/0", "deploy_task/0", "validate_deploy/0"]
    error_message = "Others than the three functions may assume the deploy roles, or one of them may not."
  }

  assert {
    condition = alltrue([for role in aws_iam_role.function :
    jsondecode(role.assume_role_policy).Statement == [{ Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = "sts:AssumeRole" }]])
    error_message = "Somebody else than Lambda may take a function's role."
  }

  assert {
    condition = output.deploying_role_arns == tolist([
      "arn:aws:iam::111111111111:role/deploy-ecs",
      "arn:aws:iam::111111111111:role/deploy-task",
      "arn:aws:iam::111111111111:role/validate-deploy",
    ])
    error_message = jsonencode(output.deploying_role_arns)
  }

  assert {
    condition     = output.function_role_arns["init_config"] == "arn:aws:iam::111111111111:role/init-config"
    error_message = jsonencode(output.function_role_arns)
  }
}

run "each_function_has_its_own_rights_in_the_ledger" {
  assert {
    condition = { for key, role in aws_iam_role_policy.function : key => [for statement in jsondecode(role.policy).Statement : statement.Sid] } == {
      init_config     = ["Log", "ReadSettings", "HoldRunningRelease", "KeepSteps", "KeepReleases", "TellAbsentKeys", "DescribeReleases"]
      deploy_task     = ["Log", "HoldRunningRelease", "KeepSteps", "TellAbsentKeys"]
      deploy_ecs      = ["Log", "HoldRunningRelease", "KeepSteps", "KeepTargets", "TellAbsentKeys"]
      validate_deploy = ["Log", "HoldRunningRelease", "KeepSteps", "KeepTargets", "KeepReleases", "KeepCurrent", "TellAbsentKeys", "DescribeReleases", "NotifyOfFailures", "NoteWhatWasTold"]
    }
    error_message = jsonencode({ for key, role in aws_iam_role_policy.function : key => [for statement in jsondecode(role.policy).Statement : statement.Sid] })
  }

  # The same Sid means the same statement, whatever the function.
  assert {
    condition = toset(flatten([for role in aws_iam_role_policy.function : [
      for statement in jsondecode(role.policy).Statement : "${statement.Sid}: ${join(", ", statement.Action)} on ${join(", ", statement.Resource)}"
      if strcontains(jsonencode(statement.Resource), "shop-ledger")
      ]])) == toset([
      "ReadSettings: s3:GetObject on arn:aws:s3:::shop-ledger/settings/instance.json",
      "HoldRunningRelease: s3:GetObject, s3:PutObject on arn:aws:s3:::shop-ledger/running.json",
      "KeepSteps: s3:GetObject, s3:PutObject on arn:aws:s3:::shop-ledger/work/*",
      "KeepTargets: s3:GetObject, s3:PutObject on arn:aws:s3:::shop-ledger/targets/*",
      "KeepReleases: s3:PutObject on arn:aws:s3:::shop-ledger/releases/*",
      "KeepCurrent: s3:PutObject on arn:aws:s3:::shop-ledger/current.json",
      "TellAbsentKeys: s3:ListBucket on arn:aws:s3:::shop-ledger",
    ])
    error_message = jsonencode({ for key, role in aws_iam_role_policy.function : key => jsondecode(role.policy).Statement })
  }

  assert {
    condition     = !strcontains(join("", [for role in aws_iam_role_policy.function : role.policy]), "\"Condition\"")
    error_message = "A right depends on a condition; with one on s3:prefix, S3 answers 403 for an absent key."
  }
}

run "validate_deploy_may_tell_of_failures_and_no_more" {
  assert {
    condition = jsonencode([for statement in jsondecode(aws_iam_role_policy.function["validate_deploy"].policy).Statement : statement if contains(["DescribeReleases", "NotifyOfFailures", "NoteWhatWasTold"], statement.Sid)]) == jsonencode([
      {
        Sid      = "DescribeReleases"
        Effect   = "Allow"
        Action   = "states:DescribeExecution"
        Resource = "arn:aws:states:eu-central-1:111111111111:execution:shop:*"
      },
      {
        Sid      = "NotifyOfFailures"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = "arn:aws:sns:eu-central-1:111111111111:shop-releases"
      },
      {
        Sid      = "NoteWhatWasTold"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = "arn:aws:s3:::shop-artifacts/notices/*"
      },
    ])
    error_message = aws_iam_role_policy.function["validate_deploy"].policy
  }

  assert {
    condition = alltrue([
      for key in ["init_config", "deploy_task", "deploy_ecs"] :
      !strcontains(aws_iam_role_policy.function[key].policy, "sns:Publish") && !strcontains(aws_iam_role_policy.function[key].policy, "/notices/")
    ])
    error_message = "Another function may tell of failures as well."
  }
}

run "without_a_bucket_for_notes_nothing_may_be_written" {
  variables {
    notes_bucket_arn = null
  }

  assert {
    condition = (
      !strcontains(aws_iam_role_policy.function["validate_deploy"].policy, "NoteWhatWasTold")
      && !contains(keys(one(aws_lambda_function.this["validate_deploy"].environment).variables), "ECS_GITOPS_NOTES_BUCKET")
    )
    error_message = aws_iam_role_policy.function["validate_deploy"].policy
  }
}

run "refuses_a_bucket_that_is_none" {
  command = plan

  variables {
    notes_bucket_arn = "shop-artifacts"
  }

  expect_failures = [var.notes_bucket_arn]
}

run "the_state_machine_invokes_the_functions_and_tells_the_topic" {
  variables {
    execution_timeout_minutes = 60
    max_concurrency           = 7
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.state_machine.policy).Statement == [
      {
        Sid    = "InvokeFunctions"
        Effect = "Allow"
        Action = "lambda:InvokeFunction"
        Resource = [
          "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-ecs:*",
          "arn:aws:lambda:eu-central-1:111111111111:function:shop-deploy-task:*",
          "arn:aws:lambda:eu-central-1:111111111111:function:shop-init-config:*",
          "arn:aws:lambda:eu-central-1:111111111111:function:shop-validate-deploy:*",
        ]
      },
      {
        Sid      = "Notify"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = "arn:aws:sns:eu-central-1:111111111111:shop-releases"
      },
      {
        Sid    = "DeliverLogs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
        ]
        Resource = "*"
      },
    ]
    error_message = aws_iam_role_policy.state_machine.policy
  }

  assert {
    condition = jsondecode(aws_iam_role.state_machine.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:states:eu-central-1:111111111111:stateMachine:shop" } }
    }]
    error_message = aws_iam_role.state_machine.assume_role_policy
  }

  assert {
    condition = (
      jsondecode(aws_sfn_state_machine.this.definition).TimeoutSeconds == 3600
      && toset(regexall("\"FunctionName\": \"([^\"]*)\"", aws_sfn_state_machine.this.definition)[*][0]) == toset([
        for key in ["init-config", "deploy-task", "deploy-ecs", "validate-deploy"] :
        "arn:aws:lambda:eu-central-1:111111111111:function:shop-${key}:3"
      ])
      && strcontains(aws_sfn_state_machine.this.definition, "\"MaxConcurrency\": 7")
      && !strcontains(aws_sfn_state_machine.this.definition, "$${")
    )
    error_message = "The definition is not rendered with what it needs, or names functions without a version."
  }

  assert {
    condition = (
      aws_sfn_state_machine.this.type == "STANDARD"
      && !one(aws_sfn_state_machine.this.logging_configuration).include_execution_data
      && aws_cloudwatch_log_group.state_machine.name == "/aws/vendedlogs/states/shop"
    )
    error_message = "The machine is not STANDARD, or logs data, or logs where the size of a resource policy limits it."
  }
}

run "tracing_key_and_boundary_reach_everything" {
  variables {
    tracing                  = true
    kms_key_arn              = "arn:aws:kms:eu-central-1:111111111111:key/one"
    ledger_kms_key_arn       = "arn:aws:kms:eu-central-1:111111111111:key/two"
    permissions_boundary_arn = "arn:aws:iam::111111111111:policy/boundary"
    log_retention_days       = 365
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.function["init_config"].policy).Statement : statement if contains(["UseLedgerKey", "Trace", "DecryptEnvironment"], statement.Sid)] == [
      {
        Sid      = "UseLedgerKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = ["arn:aws:kms:eu-central-1:111111111111:key/two"]
      },
      {
        Sid      = "Trace"
        Effect   = "Allow"
        Action   = ["xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
      {
        Sid      = "DecryptEnvironment"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:aws:kms:eu-central-1:111111111111:key/one"
      },
    ]
    error_message = aws_iam_role_policy.function["init_config"].policy
  }

  assert {
    condition     = alltrue([for role in aws_iam_role_policy.function : contains(jsondecode(role.policy).Statement[*].Sid, "UseLedgerKey")])
    error_message = "A function may not use the ledger's key."
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.state_machine.policy).Statement : statement.Sid] == [
      "InvokeFunctions", "Notify", "DeliverLogs", "Trace", "PublishEncrypted",
    ]
    error_message = aws_iam_role_policy.state_machine.policy
  }

  assert {
    condition = alltrue(concat(
      [for function in aws_lambda_function.this : one(function.tracing_config).mode == "Active"],
      [for function in aws_lambda_function.this : function.kms_key_arn == "arn:aws:kms:eu-central-1:111111111111:key/one"],
      [for function in aws_lambda_function.this : one(function.environment).variables["ECS_GITOPS_TRACING"] == "true"],
      [for group in aws_cloudwatch_log_group.function : group.kms_key_id == "arn:aws:kms:eu-central-1:111111111111:key/one"],
      [for role in aws_iam_role.function : role.permissions_boundary == "arn:aws:iam::111111111111:policy/boundary"],
      [aws_iam_role.state_machine.permissions_boundary == "arn:aws:iam::111111111111:policy/boundary"],
      [one(aws_sfn_state_machine.this.tracing_configuration).enabled],
      [aws_cloudwatch_log_group.state_machine.retention_in_days == 365],
    ))
    error_message = "Tracing, key, boundary or retention does not reach every part."
  }
}

run "the_longest_name_fits_a_role_in_the_longest_region" {
  variables {
    name = "a-name-of-thirty-two-characters0"
  }

  override_data {
    target = data.aws_service.ecs
    values = { region = "ap-southeast-1", partition = "aws" }
  }

  assert {
    condition     = max([for role in aws_iam_role.function : length(role.name)]...) <= 64
    error_message = "A role's name is longer than 64 characters."
  }
}

run "refuses_a_role_of_another_account" {
  command = plan

  variables {
    role_arns = { "222222222222" = "arn:aws:iam::333333333333:role/shop-deploy" }
  }

  expect_failures = [var.role_arns]
}

run "refuses_values_out_of_range" {
  command = plan

  variables {
    name               = "a-name-of-thirty-three-characters"
    architecture       = "arm"
    max_concurrency    = 41
    log_level          = "TRACE"
    log_retention_days = 91
    ecs_api_limits     = { registration = { burst = 20, per_second = 1 } }
  }

  expect_failures = [
    var.name, var.architecture, var.max_concurrency, var.log_level, var.log_retention_days,
    var.ecs_api_limits,
  ]
}

run "tells_raised_limits_to_the_functions_that_make_the_calls" {
  variables {
    ecs_api_limits = { registrations = { burst = 100, per_second = 10 } }
  }

  assert {
    condition     = [for key in ["deploy_ecs", "deploy_task", "validate_deploy"] : aws_lambda_function.this[key].environment[0].variables.ECS_GITOPS_ECS_LIMITS] == ["{\"registrations\":[100,10]}", "{\"registrations\":[100,10]}", "{\"registrations\":[100,10]}"]
    error_message = "The functions are not told the limits."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.this["init_config"].environment[0].variables), "ECS_GITOPS_ECS_LIMITS")
    error_message = "InitConfig makes no call and needs no limits."
  }
}

run "deregisters_revisions_that_failed" {
  variables {
    deregister_failed_revisions = true
  }

  assert {
    condition     = aws_lambda_function.this["validate_deploy"].environment[0].variables.ECS_GITOPS_DEREGISTER_FAILED == "true"
    error_message = "The function that ends a release is not told to have failed revisions deregistered."
  }
}

run "two_hundred_accounts_are_listed_in_policies_that_iam_takes" {
  variables {
    role_arns = { for n in range(200) : format("%012d", n) => format("arn:aws-us-gov:iam::%012d:role/a-role-whose-name-has-sixty-four-characters-as-many-as-iam-take%d", n, n % 10) }
  }

  assert {
    condition = (
      length(aws_iam_policy.assume) == 4
      && max([for policy in aws_iam_policy.assume : length(policy.policy)]...) <= 6144
      && min([for policy in slice(aws_iam_policy.assume, 0, 3) : length(policy.policy)]...) > 5900
      && length(aws_iam_role_policy_attachment.assume) == 3 * 4
    )
    error_message = jsonencode([for policy in aws_iam_policy.assume : length(policy.policy)])
  }

  assert {
    condition     = tolist(flatten([for policy in aws_iam_policy.assume : jsondecode(policy.policy).Statement[0].Resource])) == sort(values(var.role_arns))
    error_message = "A role is missing, or is there twice."
  }
}

run "the_longest_paths_are_split_too" {
  command = plan

  variables {
    # 600 characters each.
    role_arns = { for n in range(80) : format("%012d", n) => format("arn:aws:iam::%012d:role/%s/%d", n, join("", [for m in range(570) : "p"]), n) }
  }

  assert {
    condition     = length(aws_iam_policy.assume) <= 10 && max([for policy in aws_iam_policy.assume : length(policy.policy)]...) <= 6144
    error_message = jsonencode([for policy in aws_iam_policy.assume : length(policy.policy)])
  }
}

run "more_roles_of_one_name_are_one_pattern" {
  command = plan

  variables {
    role_arns = { for n in range(1000) : format("%012d", n) => format("arn:aws:iam::%012d:role/ecs-gitops-deploy-with-a-longer-name", n) }
  }

  assert {
    condition     = [for policy in aws_iam_policy.assume : jsondecode(policy.policy).Statement[0].Resource] == [["arn:aws:iam::*:role/ecs-gitops-deploy-with-a-longer-name"]]
    error_message = jsonencode(aws_iam_policy.assume[*].policy)
  }
}

run "refuses_more_roles_of_different_names_than_a_role_takes_policies_for" {
  command = plan

  variables {
    role_arns = { for n in range(1000) : format("%012d", n) => format("arn:aws:iam::%012d:role/ecs-gitops-deploy-with-a-name-of-its-own-%d", n, n) }
  }

  expect_failures = [aws_iam_policy.assume]
}
