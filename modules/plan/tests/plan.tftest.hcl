mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name              = "shop"
  instance_name     = "shop"
  repository_name   = "shop-config"
  repository_arn    = "arn:aws:codecommit:eu-central-1:111111111111:shop-config"
  clone_url_http    = "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop-config"
  branch            = "release/prod"
  layer_arn         = "arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"
  layer_sha256      = "4wXJ"
  ledger_bucket_arn = "arn:aws:s3:::shop-ledger"
  plan_role_arns    = { "111111111111" = "arn:aws:iam::111111111111:role/shop-plan" }
}

run "plans_requests_to_the_branch_without_a_source" {
  assert {
    condition = (
      one(aws_codebuild_project.this.source).type == "NO_SOURCE" &&
      aws_codebuild_project.this.concurrent_build_limit == 2 &&
      one(aws_codebuild_project.this.artifacts).type == "NO_ARTIFACTS"
    )
    error_message = "The build has a source, or no limit."
  }

  assert {
    condition = { for each in one(aws_codebuild_project.this.environment).environment_variable : each.name => each.value } == {
      ECS_GITOPS_LAYER_ARN       = "arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"
      ECS_GITOPS_LAYER_SHA256    = "4wXJ"
      ECS_GITOPS_NAME            = "shop"
      ECS_GITOPS_REPOSITORY      = "shop-config"
      ECS_GITOPS_CLONE_URL       = "https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop-config"
      ECS_GITOPS_BRANCH          = "release/prod"
      ECS_GITOPS_MANIFEST        = "deployment.yaml"
      ECS_GITOPS_REVIEW_ROLE_ARN = "arn:aws:iam::111111111111:role/one"
      ECS_GITOPS_PLAN_ROLE_ARNS  = "{\"111111111111\":\"arn:aws:iam::111111111111:role/shop-plan\"}"
      ECS_GITOPS_APPROVES        = "false"
    }
    error_message = jsonencode(one(aws_codebuild_project.this.environment).environment_variable)
  }

  assert {
    condition = { for name, rule in aws_cloudwatch_event_rule.this : name => jsondecode(rule.event_pattern).detail } == {
      request = { event = ["pullRequestCreated", "pullRequestSourceBranchUpdated"], destinationReference = ["refs/heads/release/prod"] }
      push    = { event = ["referenceUpdated"], referenceType = ["branch"], referenceName = ["release/prod"] }
    }
    error_message = jsonencode(aws_cloudwatch_event_rule.this)
  }
}

run "of_an_event_the_number_of_the_request_alone_reaches_the_build" {
  assert {
    condition = alltrue([for each in aws_cloudwatch_event_target.this :
      one(each.input_transformer).input_paths == tomap({ number = "$.detail.pullRequestId" })
    ])
    error_message = jsonencode(aws_cloudwatch_event_target.this)
  }

  assert {
    condition = { for name, each in aws_cloudwatch_event_target.this : name => jsondecode(one(each.input_transformer).input_template) } == {
      request = { environmentVariablesOverride = [{ name = "ECS_GITOPS_PULL_REQUEST", type = "PLAINTEXT", value = "<number>" }] }
      push    = { environmentVariablesOverride = [{ name = "ECS_GITOPS_PULL_REQUEST", type = "PLAINTEXT", value = "all" }] }
    }
    error_message = jsonencode(aws_cloudwatch_event_target.this)
  }
}

run "each_role_may_do_its_part_alone" {
  assert {
    condition = { for each in jsondecode(aws_iam_role_policy.build.policy).Statement : each.Sid => [each.Action, each.Resource] } == {
      Log             = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:eu-central-1:111111111111:log-group:one:*"]]
      FetchLayer      = [["lambda:GetLayerVersion"], ["arn:aws:lambda:eu-central-1:111111111111:layer:shop:7"]]
      FetchCommits    = [["codecommit:GitPull"], ["arn:aws:codecommit:eu-central-1:111111111111:shop-config"]]
      FindInstance    = [["ssm:GetParameter"], ["arn:aws:ssm:eu-central-1:111111111111:parameter/ecs-gitops/shop"]]
      ReadMemory      = [["s3:GetObject"], ["arn:aws:s3:::shop-ledger/settings/instance.json", "arn:aws:s3:::shop-ledger/targets/*"]]
      SeeWhatIsAbsent = [["s3:ListBucket"], ["arn:aws:s3:::shop-ledger"]]
      KeepPlans       = [["s3:PutObject"], ["arn:aws:s3:::shop-ledger/plans/*"]]
      AssumeRoles     = [["sts:AssumeRole"], ["arn:aws:iam::111111111111:role/one", "arn:aws:iam::111111111111:role/shop-plan"]]
    }
    error_message = aws_iam_role_policy.build.policy
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.review.policy).Statement == [{
      Sid      = "Review"
      Effect   = "Allow"
      Action   = ["codecommit:GetCommentsForPullRequest", "codecommit:GetPullRequest", "codecommit:ListPullRequests", "codecommit:PostCommentForPullRequest", "codecommit:UpdateComment"]
      Resource = ["arn:aws:codecommit:eu-central-1:111111111111:shop-config"]
    }]
    error_message = aws_iam_role_policy.review.policy
  }

  assert {
    condition     = jsondecode(aws_iam_role.review.assume_role_policy).Statement[0].Condition == { StringEquals = { "sts:RoleSessionName" = "ecs-gitops-plan" } }
    error_message = aws_iam_role.review.assume_role_policy
  }

  assert {
    condition     = length(aws_codecommit_approval_rule_template.this) == 0
    error_message = "Approval is required, and nobody asked for it."
  }
}

run "with_a_key_it_may_use_that_key" {
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:111111111111:key/k"
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.build.policy).Statement[*].Sid, "LedgerKey")
    error_message = aws_iam_role_policy.build.policy
  }
}

run "approval_is_the_review_sessions_alone" {
  variables {
    require_plan_approval = true
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.review.policy).Statement[0].Action, "codecommit:UpdatePullRequestApprovalState")
    error_message = aws_iam_role_policy.review.policy
  }

  assert {
    condition = jsondecode(aws_codecommit_approval_rule_template.this[0].content) == {
      Version               = "2018-11-08"
      DestinationReferences = ["refs/heads/release/prod"]
      Statements            = [{ Type = "Approvers", NumberOfApprovalsNeeded = 1, ApprovalPoolMembers = [output.author_arn] }]
    }
    error_message = aws_codecommit_approval_rule_template.this[0].content
  }

  assert {
    condition     = output.author_arn == "arn:aws:sts::111111111111:assumed-role/shop-review-eu-central-1/ecs-gitops-plan"
    error_message = output.author_arn
  }
}

run "the_policy_for_people_denies_what_goes_around_a_request" {
  assert {
    condition = { for each in jsondecode(output.protect_branch_policy_json).Statement : each.Sid => [each.Effect, each.Resource] } == {
      NoDirectChange  = ["Deny", "arn:aws:codecommit:eu-central-1:111111111111:shop-config"]
      NoOtherApproval = ["Deny", "arn:aws:codecommit:eu-central-1:111111111111:shop-config"]
      NoOtherTemplate = ["Deny", "*"]
      # With a buildspec of one's own the build's role could be used to approve.
      NoOtherBuild      = ["Deny", aws_codebuild_project.this.arn]
      NoOtherUseOfRoles = ["Deny", [aws_iam_role.build.arn, aws_iam_role.trigger.arn]]
    }
    error_message = output.protect_branch_policy_json
  }
}

run "refuses_what_is_wrong" {
  command = plan

  variables {
    clone_url_http = "codecommit::eu-central-1://shop-config"
    plan_role_arns = { "111111111111" = "arn:aws:iam::222222222222:role/x" }
    name           = "Shop"
  }

  expect_failures = [var.clone_url_http, var.plan_role_arns, var.name]
}
