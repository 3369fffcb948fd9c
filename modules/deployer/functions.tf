resource "aws_cloudwatch_log_group" "function" {
  for_each = local.functions

  name              = "/aws/lambda/${local.function_names[each.key]}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  for_each = local.functions

  function_name = local.function_names[each.key]
  description   = "ecs-gitops: ${each.key}"
  role          = aws_iam_role.function[each.key].arn
  handler       = "ecs_gitops.lambdas.${each.key}.handler"
  runtime       = "python3.13"
  architectures = [var.architecture]
  memory_size   = 512
  timeout       = each.value.timeout
  layers        = [var.layer_arn]
  kms_key_arn   = var.kms_key_arn

  # Each change of layer, environment, memory, timeout or any other setting is a new version. The state machine names
  # versions, so that a release keeps the code and the settings that it began with.
  publish = true

  # Lambda requires code for each function. This zip has one line of text; the handler is in the layer.
  filename         = "${path.module}/stub.zip"
  source_code_hash = filebase64sha256("${path.module}/stub.zip")
  tags             = var.tags

  environment {
    variables = merge(
      local.common_environment,
      lookup(local.environments, each.key, {}),
      each.value.assumes && length(var.ecs_api_limits) > 0 ? { ECS_GITOPS_ECS_LIMITS = local.ecs_limits } : {},
    )
  }

  logging_config {
    log_format            = "JSON"
    application_log_level = var.log_level
    system_log_level      = "WARN"
    log_group             = aws_cloudwatch_log_group.function[each.key].name
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    precondition {
      condition     = length(jsonencode(merge(local.common_environment, lookup(local.environments, each.key, {}), { ECS_GITOPS_ECS_LIMITS = local.ecs_limits }))) <= 4000
      error_message = "The environment of the function ${local.function_names[each.key]} has more than the 4 KB that Lambda takes: shorten ecs_api_limits or pipeline_name."
    }
  }

  # The first invocation needs its permissions.
  depends_on = [aws_iam_role_policy.function]
}
