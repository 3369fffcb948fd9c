data "aws_caller_identity" "current" {}

# Region and partition, by attributes that provider 5.x and 6.x both have: those of aws_region are deprecated in 6.x or
# absent from 5.x. This makes no call.
data "aws_service" "ecs" {
  service_id = "ecs"
}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_service.ecs.partition
  region    = data.aws_service.ecs.region

  reference = "refs/heads/${var.branch}"

  # CodeCommit knows by the session's ARN who comments and approves, so the name is always the same. The program has it
  # too: lambda_src/ecs_gitops/cli/review.py.
  session_name = "ecs-gitops-plan"
  author_arn   = "arn:${local.partition}:sts::${local.account}:assumed-role/${aws_iam_role.review.name}/${local.session_name}"
}

resource "aws_cloudwatch_log_group" "build" {
  name              = "/aws/codebuild/${var.name}-plan"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_codebuild_project" "this" {
  name           = "${var.name}-plan"
  description    = "ecs-gitops: plans pull requests to ${var.branch} of ${var.repository_name}"
  service_role   = aws_iam_role.build.arn
  encryption_key = var.kms_key_arn
  build_timeout  = 15
  queued_timeout = 60
  # A request that is pushed to all the time takes no more than this from the account's limits.
  concurrent_build_limit = 2
  tags                   = var.tags

  artifacts {
    type = "NO_ARTIFACTS"
  }

  environment {
    # Git is on this image, and it is in every Region:
    # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
    type         = "LINUX_CONTAINER"
    compute_type = "BUILD_GENERAL1_SMALL"
    image        = "aws/codebuild/amazonlinux-x86_64-standard:5.0"

    dynamic "environment_variable" {
      for_each = {
        ECS_GITOPS_LAYER_ARN       = var.layer_arn
        ECS_GITOPS_LAYER_SHA256    = var.layer_sha256
        ECS_GITOPS_NAME            = var.instance_name
        ECS_GITOPS_REPOSITORY      = var.repository_name
        ECS_GITOPS_CLONE_URL       = var.clone_url_http
        ECS_GITOPS_BRANCH          = var.branch
        ECS_GITOPS_MANIFEST        = var.manifest_path
        ECS_GITOPS_REVIEW_ROLE_ARN = aws_iam_role.review.arn
        ECS_GITOPS_PLAN_ROLE_ARNS  = jsonencode(var.plan_role_arns)
        ECS_GITOPS_APPROVES        = tostring(var.require_plan_approval)
      }

      content {
        name  = environment_variable.key
        value = environment_variable.value
      }
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build.name
    }
  }

  source {
    type      = "NO_SOURCE"
    buildspec = file("${path.module}/buildspec.yml")
  }

  depends_on = [aws_iam_role_policy.build]
}
