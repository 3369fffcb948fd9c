locals {
  # Regions with Lambda compute: https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html#lambda.regions
  lambda_compute_regions = [
    "ap-northeast-1", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "eu-central-1",
    "eu-west-1", "sa-east-1", "us-east-1", "us-east-2", "us-west-2",
  ]
  automatic_compute = contains(local.lambda_compute_regions, local.region) ? "LAMBDA" : "EC2"
  compute           = var.build_compute == "AUTO" ? local.automatic_compute : var.build_compute

  environments = {
    LAMBDA = {
      arm64  = { type = "ARM_LAMBDA_CONTAINER", size = "BUILD_LAMBDA_1GB", image = "aws/codebuild/amazonlinux-aarch64-lambda-standard:python3.13" }
      x86_64 = { type = "LINUX_LAMBDA_CONTAINER", size = "BUILD_LAMBDA_1GB", image = "aws/codebuild/amazonlinux-x86_64-lambda-standard:python3.13" }
    }
    # Always x86_64, which every Region has; ARM is missing in many:
    # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html. The build needs only the
    # Python sources of the layer, and PyYAML works without its compiled part.
    EC2 = { for architecture in ["arm64", "x86_64"] : architecture => {
      type = "LINUX_CONTAINER", size = "BUILD_GENERAL1_SMALL", image = "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    } }
  }
  environment = local.environments[local.compute][var.architecture]
}

resource "aws_cloudwatch_log_group" "build" {
  name              = "/aws/codebuild/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_codebuild_project" "this" {
  name           = var.name
  description    = "ecs-gitops: checks ${var.manifest_path} and renders the state machine's input"
  service_role   = aws_iam_role.build.arn
  encryption_key = var.kms_key_arn
  # Lambda compute has a fixed limit of 15 minutes, and refuses both timeouts.
  build_timeout  = local.compute == "LAMBDA" ? null : 15
  queued_timeout = local.compute == "LAMBDA" ? null : 60
  tags           = var.tags

  artifacts {
    type = "CODEPIPELINE"
  }

  environment {
    type         = local.environment.type
    compute_type = local.environment.size
    image        = local.environment.image

    environment_variable {
      name  = "ECS_GITOPS_LAYER_ARN"
      value = var.layer_arn
    }

    environment_variable {
      name  = "ECS_GITOPS_LAYER_SHA256"
      value = var.layer_sha256
    }

    environment_variable {
      name  = "ECS_GITOPS_MANIFEST"
      value = var.manifest_path
    }

    environment_variable {
      name  = "ECS_GITOPS_LEDGER_BUCKET"
      value = var.ledger_bucket_name
    }

    environment_variable {
      name  = "ECS_GITOPS_ACCOUNT_ID"
      value = local.account
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.build.name
    }
  }

  source {
    type      = "CODEPIPELINE"
    buildspec = file("${path.module}/buildspec.yml")
  }

  depends_on = [aws_iam_role_policy.build]
}

resource "aws_iam_role" "build" {
  name                 = "${var.name}-build-${local.region}"
  description          = "ecs-gitops: what the build ${var.name} may do"
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
    Statement = concat(local.artifact_statements, [
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
        Sid      = "ReadCommit"
        Effect   = "Allow"
        Action   = ["codecommit:GetCommit"]
        Resource = [var.repository_arn]
      },
      {
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: inputs that are too large for an execution.
        Sid      = "StoreInputs"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["${var.ledger_bucket_arn}/work/inputs/*"]
      },
      ],
      [for arn in compact([var.ledger_kms_key_arn]) : {
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: to write.
        Sid      = "UseLedgerKey"
        Effect   = "Allow"
        Action   = ["kms:GenerateDataKey"]
        Resource = [arn]
    }])
  })
}
