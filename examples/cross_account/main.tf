# One hub account with repository, pipeline and state machine; it deploys there and in the account `production`.
provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "production"
  region = "eu-central-1"

  assume_role {
    role_arn = "arn:aws:iam::222222222222:role/terraform"
  }
}

module "ecs_gitops" {
  source = "../../terraform"

  name                = "ecs-gitops"
  notification_emails = ["team@example.com"]
  cluster_names       = ["staging"]
  pass_role_arns      = ["arn:aws:iam::111111111111:role/ecsTaskExecutionRole"]

  # Account id to role; an item of the manifest with `account: "222222222222"` is deployed with it.
  target_role_arns = { "222222222222" = module.deploy_role_production.role_arn }
}

# Not a cycle: the role trusts the functions' roles, and the functions then take this role.
module "deploy_role_production" {
  source    = "../../modules/deploy_role"
  providers = { aws = aws.production }

  name              = "ecs-gitops-deploy"
  trusted_role_arns = module.ecs_gitops.deploying_role_arns
  regions           = ["eu-central-1", "us-east-1"]
  cluster_names     = ["shop"]
  pass_role_arns    = ["arn:aws:iam::222222222222:role/shop-*"]

  # The hub's images are looked up, and pulled, from there.
  ecr_repository_arns = ["arn:aws:ecr:eu-central-1:111111111111:repository/*"]
}
