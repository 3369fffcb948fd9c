# The build's own role fetches commits and assumes the others. It can neither comment nor read what runs.
resource "aws_iam_role" "build" {
  name                 = "${var.name}-plan-build-${local.region}"
  description          = "ecs-gitops: what the build ${var.name}-plan may do"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "build" {
  name = "build"
  role = aws_iam_role.build.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Log"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = ["${aws_cloudwatch_log_group.build.arn}:*"]
        },
        {
          Sid      = "FetchLayer"
          Effect   = "Allow"
          Action   = ["lambda:GetLayerVersion"]
          Resource = [var.layer_arn]
        },
        {
          Sid      = "FetchCommits"
          Effect   = "Allow"
          Action   = ["codecommit:GitPull"]
          Resource = [var.repository_arn]
        },
        {
          Sid      = "FindInstance"
          Effect   = "Allow"
          Action   = ["ssm:GetParameter"]
          Resource = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/ecs-gitops/${var.instance_name}"]
        },
        {
          Sid      = "ReadMemory"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["${var.ledger_bucket_arn}/settings/instance.json", "${var.ledger_bucket_arn}/targets/*"]
        },
        {
          # Without it an object that is absent looks like one that may not be read.
          Sid      = "SeeWhatIsAbsent"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = [var.ledger_bucket_arn]
        },
        {
          # Plans that a comment has no room for.
          Sid      = "KeepPlans"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = ["${var.ledger_bucket_arn}/plans/*"]
        },
        {
          Sid      = "AssumeRoles"
          Effect   = "Allow"
          Action   = ["sts:AssumeRole"]
          Resource = sort(concat([aws_iam_role.review.arn], values(var.plan_role_arns)))
        },
      ],
      [for arn in compact([var.kms_key_arn]) : {
        Sid      = "LedgerKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [arn]
      }],
    )
  })
}

# Comments and approves, under one session name. The ARN of the build's role is made of its parts: the policies of the
# two roles name each other.
resource "aws_iam_role" "review" {
  name                 = "${var.name}-review-${local.region}"
  description          = "ecs-gitops: comments on pull requests of ${var.repository_name}"
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.build.arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:RoleSessionName" = local.session_name } }
    }]
  })
}

resource "aws_iam_role_policy" "review" {
  name = "review"
  role = aws_iam_role.review.name

  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "Review"
      Effect = "Allow"
      Action = concat(
        [
          "codecommit:GetCommentsForPullRequest",
          "codecommit:GetPullRequest",
          "codecommit:ListPullRequests",
          "codecommit:PostCommentForPullRequest",
          "codecommit:UpdateComment",
        ],
        var.require_plan_approval ? ["codecommit:UpdatePullRequestApprovalState"] : [],
      )
      Resource = [var.repository_arn]
    }]
  })
}
