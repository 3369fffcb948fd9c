resource "aws_iam_role" "function" {
  for_each = local.functions

  name                 = "${local.function_names[each.key]}-${local.region}"
  description          = "ecs-gitops: what the function ${local.function_names[each.key]} may do"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "function" {
  for_each = local.functions

  name = "function"
  role = aws_iam_role.function[each.key].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.function[each.key].arn}:*"
      }],
      local.ledger_statements[each.key],
      [for statement in [local.describe_statement] : statement if contains(["init_config", "validate_deploy"], each.key)],
      [for statement in local.failure_statements : statement if each.key == "validate_deploy"],
      var.tracing ? [local.tracing_statement] : [],
      [for arn in compact([var.kms_key_arn]) : {
        Sid      = "DecryptEnvironment"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = arn
      }],
    )
  })

  # The attachments come before a change of this policy, so that a running release never loses rights during an apply.
  depends_on = [aws_iam_role_policy_attachment.assume]
}

resource "aws_iam_role" "state_machine" {
  name                 = "${var.name}-state-machine-${local.region}"
  description          = "ecs-gitops: what the state machine ${var.name} may do"
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # The ARN is built from the name, because the state machine itself depends on this role.
      Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:states:${local.region}:${local.account}:stateMachine:${var.name}" } }
    }]
  })
}

resource "aws_iam_role_policy" "state_machine" {
  name = "state-machine"
  role = aws_iam_role.state_machine.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # All versions, not only the newest: a release that runs during an apply calls the versions before. A
          # function's own ARN would not cover its versions:
          # https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html#versioning-permissions
          Sid      = "InvokeFunctions"
          Effect   = "Allow"
          Action   = "lambda:InvokeFunction"
          Resource = sort([for function in aws_lambda_function.this : "${function.arn}:*"])
        },
        {
          Sid      = "Notify"
          Effect   = "Allow"
          Action   = "sns:Publish"
          Resource = var.topic_arn
        },
        {
          # https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html: no narrower resource is
          # supported.
          Sid    = "DeliverLogs"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
          ]
          Resource = "*"
        },
      ],
      var.tracing ? [local.tracing_statement] : [],
      [for arn in compact([var.kms_key_arn]) : {
        Sid      = "PublishEncrypted"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = arn
      }],
    )
  })
}

locals {
  # InitConfig reads whether the release that holds running.json has ended, ValidateDeploy what became of a release
  # without a notice.
  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
  describe_statement = {
    Sid      = "DescribeReleases"
    Effect   = "Allow"
    Action   = "states:DescribeExecution"
    Resource = "arn:${local.partition}:states:${local.region}:${local.account}:execution:${var.name}:*"
  }

  # For failures without a notice of the release: publish the notice, record that it was sent.
  failure_statements = concat(
    [
      {
        Sid      = "NotifyOfFailures"
        Effect   = "Allow"
        Action   = "sns:Publish"
        Resource = var.topic_arn
      },
    ],
    [for arn in compact([var.notes_bucket_arn]) : {
      # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html: If-Match needs GetObject.
      Sid      = "NoteWhatWasTold"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject"]
      Resource = "${arn}/notices/*"
    }],
    [for arn in compact([var.kms_key_arn]) : {
      # The key of the topic and the bucket.
      Sid      = "PublishEncrypted"
      Effect   = "Allow"
      Action   = "kms:GenerateDataKey"
      Resource = arn
    }],
  )

  # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html: no narrower resource is
  # supported.
  tracing_statement = {
    Sid    = "Trace"
    Effect = "Allow"
    Action = [
      "xray:GetSamplingRules",
      "xray:GetSamplingTargets",
      "xray:PutTelemetryRecords",
      "xray:PutTraceSegments",
    ]
    Resource = "*"
  }
}
