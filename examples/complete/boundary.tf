# What no role of the module may ever exceed, whatever its own policy says. Many organizations have one already.
resource "aws_iam_policy" "boundary" {
  name        = "shop-releases-boundary"
  description = "Bounds the roles of ecs-gitops: no IAM beyond passing roles, no networks, no data stores"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Ceiling"
        Effect = "Allow"
        Action = [
          "cloudwatch:DescribeAlarms", "codebuild:*", "codecommit:*", "codepipeline:*", "ecr:BatchGetImage",
          "ecr:DescribePullThroughCacheRules", "ecs:*",
          "events:*", "iam:PassRole", "iam:SimulatePrincipalPolicy", "kms:*", "lambda:*", "logs:*", "s3:*", "scheduler:*",
          "secretsmanager:DescribeSecret", "sns:*", "ssm:DescribeParameters", "ssm:GetParameter", "states:*", "sts:AssumeRole", "xray:*",
        ]
        Resource = "*"
      },
      {
        Sid      = "Never"
        Effect   = "Deny"
        Action   = ["ecs:DeleteCluster", "ecs:DeleteService", "kms:ScheduleKeyDeletion", "lambda:DeleteFunction", "s3:DeleteBucket"]
        Resource = "*"
      },
    ]
  })
}
