resource "aws_cloudwatch_log_group" "state_machine" {
  # Log groups under /aws/vendedlogs/ need no entry in a resource policy, whose size is limited.
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

locals {
  # What is retried, and how often: `$${retry_NAME}` in the definition.
  retries = {
    for name, retry in jsondecode(file("${path.module}/retries.json")) : "retry_${name}" => jsonencode(retry)
  }
}

resource "aws_sfn_state_machine" "this" {
  name     = var.name
  role_arn = aws_iam_role.state_machine.arn
  type     = "STANDARD"
  tags     = var.tags

  # Versions: an execution keeps its definition, and thereby the versions that it names, also while an apply publishes
  # new ones. A redrive does, too.
  definition = templatefile("${path.module}/state_machine.asl.json", merge(local.retries, {
    init_config_function_arn     = aws_lambda_function.this["init_config"].qualified_arn
    deploy_task_function_arn     = aws_lambda_function.this["deploy_task"].qualified_arn
    deploy_ecs_function_arn      = aws_lambda_function.this["deploy_ecs"].qualified_arn
    validate_deploy_function_arn = aws_lambda_function.this["validate_deploy"].qualified_arn
    topic_arn                    = var.topic_arn
    partition                    = local.partition
    max_concurrency              = var.max_concurrency
    timeout_seconds              = var.execution_timeout_minutes * 60
  }))

  logging_configuration {
    level                  = "ERROR"
    include_execution_data = false
    log_destination        = "${aws_cloudwatch_log_group.state_machine.arn}:*"
  }

  tracing_configuration {
    enabled = var.tracing
  }

  # Step Functions checks on creation that the role can deliver logs.
  depends_on = [aws_iam_role_policy.state_machine]
}
