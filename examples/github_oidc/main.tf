# The role with which the action of this repository plans pull requests on GitHub. It reads alone.
data "aws_caller_identity" "current" {}

# Partition, by an attribute that provider 5.x and 6.x both have. This makes no call.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  partition = data.aws_service.ecs.partition
  issuer    = "token.actions.githubusercontent.com"
}

# One for each account. Where there is one already, import it: an account takes one provider of an issuer.
# https://docs.github.com/en/actions/security-for-github-actions/security-hardening-your-deployments/configuring-openid-connect-in-amazon-web-services
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

# The workflow's own role. It may do nothing but assume the plan role, whose trust policy names roles.
resource "aws_iam_role" "workflow" {
  name                 = "${var.name}-github"
  description          = "ecs-gitops: pull requests of ${var.github_repository} are planned with it"
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        # Pull requests of this repository, and nothing else of it.
        "${local.issuer}:sub" = "repo:${var.github_repository}:pull_request"
      } }
    }]
  })
}

resource "aws_iam_role_policy" "workflow" {
  name = "plan"
  role = aws_iam_role.workflow.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "AssumePlanRole"
        Effect   = "Allow"
        Action   = "sts:AssumeRole"
        Resource = [for account in sort(keys(var.plan_role_arns)) : var.plan_role_arns[account]]
        }, {
        Sid      = "FindInstance"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = "arn:${local.partition}:ssm:${data.aws_service.ecs.region}:${data.aws_caller_identity.current.account_id}:parameter/ecs-gitops/${var.name}"
        }, {
        Sid      = "ReadMemory"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = ["${var.ledger_bucket_arn}/settings/instance.json", "${var.ledger_bucket_arn}/targets/*"]
        }, {
        Sid      = "SeeWhatIsAbsent"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = var.ledger_bucket_arn
      }],
      [for arn in compact([var.kms_key_arn]) : {
        Sid      = "LedgerKey"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = arn
      }],
    )
  })
}
