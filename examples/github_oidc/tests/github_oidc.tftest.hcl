mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  github_repository = "shop/config"
  ledger_bucket_arn = "arn:aws:s3:::ledger"
  plan_role_arns    = { "111111111111" = "arn:aws:iam::111111111111:role/ecs-gitops-plan-eu-central-1" }
}

run "pull_requests_of_the_repository_alone_get_the_role" {
  assert {
    condition = jsondecode(aws_iam_role.workflow.assume_role_policy).Statement[0].Condition == { StringEquals = {
      "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:sub" = "repo:shop/config:pull_request"
    } }
    error_message = aws_iam_role.workflow.assume_role_policy
  }

  assert {
    condition     = output.role_arns == "111111111111=arn:aws:iam::111111111111:role/ecs-gitops-plan-eu-central-1"
    error_message = output.role_arns
  }

  assert {
    condition     = toset(jsondecode(aws_iam_role_policy.workflow.policy).Statement[*].Sid) == toset(["AssumePlanRole", "FindInstance", "ReadMemory", "SeeWhatIsAbsent"])
    error_message = aws_iam_role_policy.workflow.policy
  }
}

run "may_assume_the_plan_roles_alone" {
  assert {
    condition     = jsondecode(aws_iam_role_policy.workflow.policy).Statement[0].Resource == ["arn:aws:iam::111111111111:role/ecs-gitops-plan-eu-central-1"]
    error_message = aws_iam_role_policy.workflow.policy
  }
}

run "refuses_a_role_of_another_account" {
  command = plan

  variables {
    plan_role_arns = { "111111111111" = "arn:aws:iam::222222222222:role/ecs-gitops-plan" }
  }

  expect_failures = [var.plan_role_arns]
}

run "refuses_what_is_no_repository" {
  command = plan

  variables {
    github_repository = "shop/*"
  }

  expect_failures = [var.github_repository]
}
