output "project_name" {
  description = "Name of the CodeBuild project that plans."
  value       = aws_codebuild_project.this.name
}

output "build_role_arn" {
  description = "ARN of the build's role: what modules/deploy_role takes as plan_trusted_role_arns."
  value       = aws_iam_role.build.arn
}

output "author_arn" {
  description = "ARN under which comments and approvals are made."
  value       = local.author_arn
}

output "protect_branch_policy_json" {
  description = "An IAM policy for people: it denies what goes around pull requests and their approval. Without it the approval is advice."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # https://docs.aws.amazon.com/codecommit/latest/userguide/how-to-conditional-branch.html: a call without the key
        # is about no branch.
        Sid    = "NoDirectChange"
        Effect = "Deny"
        Action = [
          "codecommit:CreateCommit",
          "codecommit:DeleteBranch",
          "codecommit:DeleteFile",
          "codecommit:GitPush",
          "codecommit:MergeBranchesByFastForward",
          "codecommit:MergeBranchesBySquash",
          "codecommit:MergeBranchesByThreeWay",
          "codecommit:PutFile",
        ]
        Resource = var.repository_arn
        Condition = {
          StringEqualsIfExists = { "codecommit:References" = [local.reference] }
          Null                 = { "codecommit:References" = "false" }
        }
      },
      {
        Sid    = "NoOtherApproval"
        Effect = "Deny"
        Action = [
          "codecommit:DeletePullRequestApprovalRule",
          "codecommit:OverridePullRequestApprovalRules",
          "codecommit:UpdatePullRequestApprovalRuleContent",
          "codecommit:DisassociateApprovalRuleTemplateFromRepository",
        ]
        Resource = var.repository_arn
      },
      {
        # These take no narrower resource.
        Sid    = "NoOtherTemplate"
        Effect = "Deny"
        Action = [
          "codecommit:BatchDisassociateApprovalRuleTemplateFromRepositories",
          "codecommit:DeleteApprovalRuleTemplate",
          "codecommit:UpdateApprovalRuleTemplateContent",
          "codecommit:UpdateApprovalRuleTemplateName",
        ]
        Resource = "*"
      },
      {
        # Whoever may start a build with a buildspec of their own, or change the project, has its role, and approves.
        # RetryBuild takes no such change: an event that was lost can be made up for.
        Sid      = "NoOtherBuild"
        Effect   = "Deny"
        Action   = ["codebuild:StartBuild", "codebuild:StartBuildBatch", "codebuild:UpdateProject"]
        Resource = aws_codebuild_project.this.arn
      },
      {
        # The same with a project or a rule of their own.
        Sid      = "NoOtherUseOfRoles"
        Effect   = "Deny"
        Action   = "iam:PassRole"
        Resource = [aws_iam_role.build.arn, aws_iam_role.trigger.arn]
      },
    ]
  })
}
