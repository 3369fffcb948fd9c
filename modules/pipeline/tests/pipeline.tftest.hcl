mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name                 = "shop"
  repository_name      = "shop-config"
  repository_arn       = "arn:aws:codecommit:eu-central-1:111111111111:shop-config"
  artifact_bucket_name = "artifacts"
  artifact_bucket_arn  = "arn:aws:s3:::artifacts"
  ledger_bucket_name   = "shop-ledger"
  ledger_bucket_arn    = "arn:aws:s3:::shop-ledger"
  state_machine_arn    = "arn:aws:states:eu-central-1:111111111111:stateMachine:shop"
  failure_function_arn = "arn:aws:lambda:eu-central-1:111111111111:function:shop-validate-deploy"
  layer_arn            = "arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"
  layer_sha256         = "4wXJ"
}

run "source_build_deploy" {
  variables {
    branch        = "release/prod"
    manifest_path = "prod/deployment.yaml"
  }

  assert {
    condition = { for stage in aws_codepipeline.this.stage : stage.name => one(stage.action).configuration } == {
      Source = tomap({ RepositoryName = "shop-config", BranchName = "release/prod", PollForSourceChanges = "false" })
      Build = tomap({
        ProjectName          = "shop"
        EnvironmentVariables = "[{\"name\":\"ECS_GITOPS_REPOSITORY\",\"type\":\"PLAINTEXT\",\"value\":\"#{SourceVariables.RepositoryName}\"},{\"name\":\"ECS_GITOPS_BRANCH\",\"type\":\"PLAINTEXT\",\"value\":\"#{SourceVariables.BranchName}\"},{\"name\":\"ECS_GITOPS_COMMIT_ID\",\"type\":\"PLAINTEXT\",\"value\":\"#{SourceVariables.CommitId}\"}]"
      })
      Deploy = tomap({
        StateMachineArn     = "arn:aws:states:eu-central-1:111111111111:stateMachine:shop"
        InputType           = "FilePath"
        Input               = "deployment.json"
        ExecutionNamePrefix = "release"
      })
    }
    error_message = jsonencode(aws_codepipeline.this.stage)
  }

  assert {
    condition     = aws_codepipeline.this.pipeline_type == "V2" && aws_codepipeline.this.execution_mode == "QUEUED"
    error_message = "The pipeline is not a V2 pipeline that queues."
  }

  assert {
    condition     = length(one(aws_codepipeline.this.artifact_store).encryption_key) == 0
    error_message = "There is no key to encrypt artifacts with."
  }

  assert {
    condition = { for variable in one(aws_codebuild_project.this.environment).environment_variable : variable.name => variable.value } == {
      ECS_GITOPS_LAYER_ARN     = "arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"
      ECS_GITOPS_LAYER_SHA256  = "4wXJ"
      ECS_GITOPS_MANIFEST      = "prod/deployment.yaml"
      ECS_GITOPS_LEDGER_BUCKET = "shop-ledger"
      ECS_GITOPS_ACCOUNT_ID    = "111111111111"
    }
    error_message = "The build does not know its layer and its manifest."
  }

  assert {
    condition = (
      yamldecode(one(aws_codebuild_project.this.source).buildspec).version == 0.2
      && yamldecode(one(aws_codebuild_project.this.source).buildspec).artifacts.files == ["deployment.json"]
    )
    error_message = "The buildspec does not hand on deployment.json."
  }
}

run "a_push_to_the_branch_starts_it" {
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.push.event_pattern) == {
      source      = ["aws.codecommit"]
      detail-type = ["CodeCommit Repository State Change"]
      resources   = ["arn:aws:codecommit:eu-central-1:111111111111:shop-config"]
      detail = {
        event         = ["referenceCreated", "referenceUpdated"]
        referenceType = ["branch"]
        referenceName = ["main"]
      }
    }
    error_message = aws_cloudwatch_event_rule.push.event_pattern
  }

  assert {
    condition     = aws_cloudwatch_event_target.push.arn == "arn:aws:codepipeline:eu-central-1:111111111111:ecs-gitops"
    error_message = "The rule's target is not the pipeline."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.trigger.policy).Statement == [{
      Sid      = "StartPipeline"
      Effect   = "Allow"
      Action   = ["codepipeline:StartPipelineExecution"]
      Resource = ["arn:aws:codepipeline:eu-central-1:111111111111:ecs-gitops"]
    }]
    error_message = aws_iam_role_policy.trigger.policy
  }
}

run "each_role_has_what_its_part_needs" {
  assert {
    condition = jsondecode(aws_iam_role_policy.build.policy).Statement == [
      {
        Sid      = "Artifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = ["arn:aws:s3:::artifacts/*"]
      },
      {
        Sid      = "ArtifactBucket"
        Effect   = "Allow"
        Action   = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
        Resource = ["arn:aws:s3:::artifacts"]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:eu-central-1:111111111111:log-group:one:*"]
      },
      {
        Sid      = "FetchLayer"
        Effect   = "Allow"
        Action   = ["lambda:GetLayerVersion"]
        Resource = ["arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"]
      },
      {
        Sid      = "ReadCommit"
        Effect   = "Allow"
        Action   = ["codecommit:GetCommit"]
        Resource = ["arn:aws:codecommit:eu-central-1:111111111111:shop-config"]
      },
      {
        Sid      = "StoreInputs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:aws:s3:::shop-ledger/work/inputs/*"]
      },
    ]
    error_message = aws_iam_role_policy.build.policy
  }

  assert {
    condition = { for statement in jsondecode(aws_iam_role_policy.pipeline.policy).Statement : statement.Sid => [statement.Action, statement.Resource] } == {
      Artifacts      = [["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], ["arn:aws:s3:::artifacts/*"]]
      ArtifactBucket = [["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"], ["arn:aws:s3:::artifacts"]]
      Source = [
        ["codecommit:CancelUploadArchive", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetUploadArchiveStatus", "codecommit:UploadArchive"],
        ["arn:aws:codecommit:eu-central-1:111111111111:shop-config"],
      ]
      Build = [["codebuild:BatchGetBuilds", "codebuild:StartBuild"], ["arn:aws:codebuild:eu-central-1:111111111111:project/ecs-gitops"]]
      Deploy = [
        ["states:DescribeStateMachine", "states:StartExecution"],
        ["arn:aws:states:eu-central-1:111111111111:stateMachine:shop"],
      ]
      WatchDeploy = [["states:DescribeExecution"], ["arn:aws:states:eu-central-1:111111111111:execution:shop:*"]]
    }
    error_message = aws_iam_role_policy.pipeline.policy
  }

  assert {
    condition = {
      for name, role in { build = aws_iam_role.build, pipeline = aws_iam_role.pipeline, trigger = aws_iam_role.trigger } :
      name => [for statement in jsondecode(role.assume_role_policy).Statement : [statement.Principal, statement.Condition]]
      } == {
      build    = [[{ Service = "codebuild.amazonaws.com" }, { StringEquals = { "aws:SourceAccount" = "111111111111" } }]]
      pipeline = [[{ Service = "codepipeline.amazonaws.com" }, { StringEquals = { "aws:SourceAccount" = "111111111111" } }]]
      trigger  = [[{ Service = "events.amazonaws.com" }, { StringEquals = { "aws:SourceAccount" = "111111111111" } }]]
    }
    error_message = "A role is open to another service or account."
  }
}

run "failures_that_the_state_machine_cannot_tell_of_reach_the_function_that_can" {
  # Every action, so that a Deploy that started no execution is told of as well; and failures alone.
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.failure["pipeline"].event_pattern) == {
      source      = ["aws.codepipeline"]
      detail-type = ["CodePipeline Action Execution State Change"]
      detail      = { pipeline = ["shop"], state = ["FAILED"] }
    }
    error_message = aws_cloudwatch_event_rule.failure["pipeline"].event_pattern
  }

  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.failure["execution"].event_pattern) == {
      source      = ["aws.states"]
      detail-type = ["Step Functions Execution Status Change"]
      detail = {
        stateMachineArn = ["arn:aws:states:eu-central-1:111111111111:stateMachine:shop"]
        status          = ["FAILED", "TIMED_OUT", "ABORTED"]
      }
    }
    error_message = aws_cloudwatch_event_rule.failure["execution"].event_pattern
  }

  # As it is: the function reads the event itself.
  assert {
    condition = alltrue([
      for target in aws_cloudwatch_event_target.failure :
      target.arn == var.failure_function_arn && length(target.input_transformer) == 0 && target.input == null && target.role_arn == null
    ])
    error_message = "A failure does not reach the function."
  }

  assert {
    condition = toset([
      for key, permission in aws_lambda_permission.failure :
      "${permission.principal} ${permission.action} ${permission.function_name} ${permission.source_arn == aws_cloudwatch_event_rule.failure[key].arn}"
    ]) == toset(["events.amazonaws.com lambda:InvokeFunction arn:aws:lambda:eu-central-1:111111111111:function:shop-validate-deploy true"])
    error_message = "The function may not be invoked by these rules, or by others as well."
  }
}

run "key_and_boundary_reach_everything" {
  variables {
    kms_key_arn              = "arn:aws:kms:eu-central-1:111111111111:key/one"
    ledger_kms_key_arn       = "arn:aws:kms:eu-central-1:111111111111:key/two"
    permissions_boundary_arn = "arn:aws:iam::111111111111:policy/boundary"
  }

  assert {
    condition     = one(one(aws_codepipeline.this.artifact_store).encryption_key).id == "arn:aws:kms:eu-central-1:111111111111:key/one"
    error_message = "Artifacts are not encrypted with the key."
  }

  assert {
    condition = alltrue([
      for policy in [aws_iam_role_policy.build.policy, aws_iam_role_policy.pipeline.policy] : contains(jsondecode(policy).Statement, {
        Sid      = "ArtifactKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = ["arn:aws:kms:eu-central-1:111111111111:key/one"]
      })
    ])
    error_message = "Build and pipeline cannot use the key."
  }

  assert {
    condition = contains(jsondecode(aws_iam_role_policy.build.policy).Statement, {
      Sid      = "UseLedgerKey"
      Effect   = "Allow"
      Action   = ["kms:GenerateDataKey"]
      Resource = ["arn:aws:kms:eu-central-1:111111111111:key/two"]
    })
    error_message = "The build cannot encrypt what it stores in the ledger."
  }

  assert {
    condition = toset([for role in [aws_iam_role.build, aws_iam_role.pipeline, aws_iam_role.trigger] : role.permissions_boundary]) == toset([
      "arn:aws:iam::111111111111:policy/boundary",
    ])
    error_message = "A role is not bounded."
  }
}

run "builds_on_lambda_where_the_region_has_it" {
  assert {
    condition = (
      one(aws_codebuild_project.this.environment).type == "ARM_LAMBDA_CONTAINER"
      && one(aws_codebuild_project.this.environment).image == "aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.13"
    )
    error_message = one(aws_codebuild_project.this.environment).type
  }
}

run "builds_on_ec2_elsewhere_and_knows_the_partitions_console" {
  variables {
    architecture = "x86_64"
  }

  override_data {
    target = data.aws_service.ecs
    values = { region = "us-gov-west-1", partition = "aws-us-gov" }
  }

  assert {
    condition = (
      one(aws_codebuild_project.this.environment).type == "LINUX_CONTAINER"
      && one(aws_codebuild_project.this.environment).image == "aws/codebuild/amazonlinux-x86_64-standard:5.0"
      && aws_codebuild_project.this.build_timeout == 15
    )
    error_message = one(aws_codebuild_project.this.environment).type
  }

  assert {
    condition     = output.console_url == "https://us-gov-west-1.console.amazonaws-us-gov.com/codesuite/codepipeline/pipelines/shop/view?region=us-gov-west-1"
    error_message = output.console_url
  }
}

run "builds_on_x86_64_on_ec2_whatever_the_layer_is_built_for" {
  variables {
    build_compute = "EC2"
  }

  assert {
    condition = (
      one(aws_codebuild_project.this.environment).type == "LINUX_CONTAINER"
      && one(aws_codebuild_project.this.environment).image == "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    )
    error_message = one(aws_codebuild_project.this.environment).type
  }
}

run "refuses_values_that_are_none" {
  command = plan

  variables {
    branch         = "-main"
    manifest_path  = "../deployment.yaml"
    execution_mode = "ANY"
    build_compute  = "FARGATE"
    architecture   = "arm"
  }

  expect_failures = [var.branch, var.manifest_path, var.execution_mode, var.build_compute, var.architecture]
}

run "refuses_a_manifest_by_its_absolute_path" {
  command = plan

  variables {
    manifest_path = "/etc/deployment.yaml"
  }

  expect_failures = [var.manifest_path]
}

run "refuses_a_manifest_beside_the_repository" {
  command = plan

  variables {
    manifest_path = "prod/../../deployment.yaml"
  }

  expect_failures = [var.manifest_path]
}

run "refuses_gits_own_files_as_the_manifest" {
  command = plan

  variables {
    manifest_path = ".git/deployment.yaml"
  }

  expect_failures = [var.manifest_path]
}

run "speaks_of_the_partition_it_is_in" {
  override_data {
    target = data.aws_service.ecs
    values = { region = "us-gov-west-1", partition = "aws-us-gov" }
  }

  assert {
    condition     = startswith(output.console_url, "https://us-gov-west-1.console.amazonaws-us-gov.com/")
    error_message = output.console_url
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.failure : !strcontains(try(target.input_transformer[0].input_template, ""), ".amazon.com")])
    error_message = "A notice links to the console of another partition."
  }
}

run "refuses_partitions_without_the_step_functions_action" {
  command = plan

  override_data {
    target = data.aws_service.ecs
    values = { region = "cn-north-1", partition = "aws-cn" }
  }

  expect_failures = [aws_codepipeline.this]
}
