# GitOps for the ECS clusters of one account and Region, with what is there by default.
provider "aws" {
  region = "eu-central-1"
}

module "ecs_gitops" {
  source = "../../terraform"

  notification_emails = ["team@example.com"]

  # The task and execution roles of your task definitions; README.md has the command that lists them.
  pass_role_arns = ["arn:aws:iam::111111111111:role/ecsTaskExecutionRole"]
}
