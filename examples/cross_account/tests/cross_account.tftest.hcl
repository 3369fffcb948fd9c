mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

mock_provider "aws" {
  alias  = "production"
  source = "../../tests/terraform/mocks"

  override_data {
    target = module.deploy_role_production.data.aws_caller_identity.current
    values = { account_id = "222222222222" }
  }
  override_resource {
    target = module.deploy_role_production.aws_iam_role.this
    values = { arn = "arn:aws:iam::222222222222:role/ecs-gitops-deploy" }
  }
}

# Roles, deploy role and functions depend on each other in a line, not in a ring.
run "hub_and_target_are_applied_at_once" {
  assert {
    condition     = output.clone_url == "codecommit::eu-central-1://ecs-gitops-config"
    error_message = output.clone_url
  }

  assert {
    condition     = length(output.deploying_role_arns) == 3
    error_message = jsonencode(output.deploying_role_arns)
  }

  assert {
    condition     = module.deploy_role_production.account_id == "222222222222"
    error_message = "The deploy role is not in the target account: ${module.deploy_role_production.account_id}"
  }
}
