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

  # The supported partitions (terraform/README.md), each with the domain of its console.
  consoles = {
    aws        = "console.aws.amazon.com"
    aws-us-gov = "console.amazonaws-us-gov.com"
    aws-eusc   = "console.amazonaws-eusc.eu"
  }
  console = lookup(local.consoles, local.partition, local.consoles.aws)

  # The rights on the bucket, and on its key if it has one, of every role that reads or writes artifacts.
  artifact_statements = concat(
    [{
      Sid      = "Artifacts"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
      Resource = ["${var.artifact_bucket_arn}/*"]
      }, {
      # Both services check Region, owner and versioning of a bucket before they use it.
      Sid      = "ArtifactBucket"
      Effect   = "Allow"
      Action   = ["s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning"]
      Resource = [var.artifact_bucket_arn]
    }],
    [for arn in compact([var.kms_key_arn]) : {
      Sid      = "ArtifactKey"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource = [arn]
    }],
  )
}

resource "aws_codepipeline" "this" {
  name           = var.name
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = var.execution_mode
  tags           = var.tags

  artifact_store {
    type     = "S3"
    location = var.artifact_bucket_name

    dynamic "encryption_key" {
      for_each = compact([var.kms_key_arn])

      content {
        id   = encryption_key.value
        type = "KMS"
      }
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeCommit"
      version          = "1"
      namespace        = "SourceVariables"
      output_artifacts = ["source"]

      configuration = {
        RepositoryName       = var.repository_name
        BranchName           = var.branch
        PollForSourceChanges = "false"
      }
    }
  }

  stage {
    name = "Build"

    action {
      name             = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source"]
      output_artifacts = ["deployment"]

      configuration = {
        ProjectName = aws_codebuild_project.this.name
        EnvironmentVariables = jsonencode([
          { name = "ECS_GITOPS_REPOSITORY", type = "PLAINTEXT", value = "#{SourceVariables.RepositoryName}" },
          { name = "ECS_GITOPS_BRANCH", type = "PLAINTEXT", value = "#{SourceVariables.BranchName}" },
          { name = "ECS_GITOPS_COMMIT_ID", type = "PLAINTEXT", value = "#{SourceVariables.CommitId}" },
        ])
      }
    }
  }

  stage {
    name = "Deploy"

    action {
      name            = "Deploy"
      category        = "Invoke"
      owner           = "AWS"
      provider        = "StepFunctions"
      version         = "1"
      input_artifacts = ["deployment"]

      configuration = {
        StateMachineArn     = var.state_machine_arn
        InputType           = "FilePath"
        Input               = "deployment.json"
        ExecutionNamePrefix = "release"
      }
    }
  }

  lifecycle {
    precondition {
      condition     = contains(keys(local.consoles), local.partition)
      error_message = "The partition ${local.partition} is not supported: ${join(", ", keys(local.consoles))} are. In aws-cn, CodePipeline has no Step Functions action."
    }
  }

  depends_on = [aws_iam_role_policy.pipeline]
}

resource "aws_iam_role" "pipeline" {
  name                 = "${var.name}-pipeline-${local.region}"
  description          = "ecs-gitops: what the pipeline ${var.name} may do"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codepipeline.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "pipeline"
  role = aws_iam_role.pipeline.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.artifact_statements, [
      {
        # https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-CodeCommit.html
        Sid      = "Source"
        Effect   = "Allow"
        Action   = ["codecommit:CancelUploadArchive", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:GetUploadArchiveStatus", "codecommit:UploadArchive"]
        Resource = [var.repository_arn]
      },
      {
        Sid      = "Build"
        Effect   = "Allow"
        Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
        Resource = [aws_codebuild_project.this.arn]
      },
      {
        # https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-StepFunctions.html
        Sid      = "Deploy"
        Effect   = "Allow"
        Action   = ["states:DescribeStateMachine", "states:StartExecution"]
        Resource = [var.state_machine_arn]
      },
      {
        Sid      = "WatchDeploy"
        Effect   = "Allow"
        Action   = ["states:DescribeExecution"]
        Resource = ["${replace(var.state_machine_arn, ":stateMachine:", ":execution:")}:*"]
      },
    ])
  })
}
