# A push starts the pipeline by an event, without polling.
resource "aws_cloudwatch_event_rule" "push" {
  name        = "${var.name}-push"
  description = "ecs-gitops: a push to ${var.branch} of ${var.repository_name} starts the pipeline"
  state       = "ENABLED"
  tags        = var.tags

  event_pattern = jsonencode({
    source      = ["aws.codecommit"]
    detail-type = ["CodeCommit Repository State Change"]
    resources   = [var.repository_arn]
    detail = {
      event         = ["referenceCreated", "referenceUpdated"]
      referenceType = ["branch"]
      referenceName = [var.branch]
    }
  })
}

resource "aws_cloudwatch_event_target" "push" {
  rule     = aws_cloudwatch_event_rule.push.name
  arn      = aws_codepipeline.this.arn
  role_arn = aws_iam_role.trigger.arn

  depends_on = [aws_iam_role_policy.trigger]
}

resource "aws_iam_role" "trigger" {
  name                 = "${var.name}-trigger-${local.region}"
  description          = "ecs-gitops: lets EventBridge start the pipeline ${var.name}"
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
      Sid      = "StartPipeline"
      Effect   = "Allow"
      Action   = ["codepipeline:StartPipelineExecution"]
      Resource = [aws_codepipeline.this.arn]
    }]
  })
}
