# A request to the deployed branch is planned when it is opened and with each push to its branch; every open request is
# planned again with each push to the deployed branch. Only the request's number leaves the event: its title and its
# description are written by whoever opened it.
locals {
  triggers = {
    request = {
      description = "a pull request to ${var.branch} is planned"
      pattern = {
        source      = ["aws.codecommit"]
        detail-type = ["CodeCommit Pull Request State Change"]
        resources   = [var.repository_arn]
        detail = {
          event                = ["pullRequestCreated", "pullRequestSourceBranchUpdated"]
          destinationReference = [local.reference]
        }
      }
      number = "<number>"
    }
    push = {
      description = "a push to ${var.branch} plans its open pull requests again"
      pattern = {
        source      = ["aws.codecommit"]
        detail-type = ["CodeCommit Repository State Change"]
        resources   = [var.repository_arn]
        detail = {
          event         = ["referenceUpdated"]
          referenceType = ["branch"]
          referenceName = [var.branch]
        }
      }
      number = "all"
    }
  }
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.triggers

  name          = "${var.name}-plan-${each.key}"
  description   = "ecs-gitops: ${each.value.description}"
  state         = "ENABLED"
  event_pattern = jsonencode(each.value.pattern)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.triggers

  rule     = aws_cloudwatch_event_rule.this[each.key].name
  arn      = aws_codebuild_project.this.arn
  role_arn = aws_iam_role.trigger.arn

  # Members of StartBuild's request. The mark <number> is EventBridge's, and jsonencode would escape it.
  input_transformer {
    input_paths    = { number = "$.detail.pullRequestId" }
    input_template = "{\"environmentVariablesOverride\":[{\"name\":\"ECS_GITOPS_PULL_REQUEST\",\"type\":\"PLAINTEXT\",\"value\":\"${each.value.number}\"}]}"
  }

  depends_on = [aws_iam_role_policy.trigger]
}

resource "aws_iam_role" "trigger" {
  name                 = "${var.name}-plan-trigger-${local.region}"
  description          = "ecs-gitops: lets EventBridge start builds of ${var.name}-plan"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "trigger" {
  name = "trigger"
  role = aws_iam_role.trigger.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartBuild"
      Effect   = "Allow"
      Action   = ["codebuild:StartBuild"]
      Resource = [aws_codebuild_project.this.arn]
    }]
  })
}
