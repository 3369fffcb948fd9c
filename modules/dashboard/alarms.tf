locals {
  # One entry per alarm, each on a metric of Step Functions. For failed releases too, because the release's own metric
  # misses one that failed before its report.
  execution_alarms = {
    release-failed = {
      description = "A release failed. The notice and the execution's output say why."
      namespace   = "AWS/States"
      metric      = "ExecutionsFailed"
      dimensions  = local.execution_metrics
      statistic   = "Sum"
      period      = var.failed_releases_minutes * 60
      threshold   = var.failed_releases_threshold
    }
    release-timed-out = {
      description = "A release ran into its time limit. Rollouts go on in ECS; release again to watch them."
      namespace   = "AWS/States"
      metric      = "ExecutionsTimedOut"
      dimensions  = local.execution_metrics
      statistic   = "Sum"
      period      = 300
      threshold   = 1
    }
    release-aborted = {
      description = "Somebody stopped a release. Rollouts go on in ECS; release again to watch them."
      namespace   = "AWS/States"
      metric      = "ExecutionsAborted"
      dimensions  = local.execution_metrics
      statistic   = "Sum"
      period      = 300
      threshold   = 1
    }
  }

  # Only the release's own metrics have this.
  release_alarms = {
    release-long = {
      description = "A release took ${var.long_release_minutes} minutes or longer."
      namespace   = local.release_namespace
      metric      = "Duration"
      dimensions  = local.release_dimensions
      statistic   = "Maximum"
      period      = 300
      threshold   = var.long_release_minutes * 60
    }
  }

  metric_alarms = merge(
    local.execution_alarms,
    { for key, alarm in local.release_alarms : key => alarm if var.release_metrics },
  )

  alarms = merge(
    { for key, alarm in aws_cloudwatch_metric_alarm.release : key => alarm },
    { for key, alarm in aws_cloudwatch_metric_alarm.function : key => alarm },
  )
}

resource "aws_cloudwatch_metric_alarm" "release" {
  for_each = local.metric_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "ecs-gitops: ${each.value.description}"
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = var.function_names

  alarm_name          = "${var.name}-${replace(each.key, "_", "-")}-failing"
  alarm_description   = "ecs-gitops: the function ${each.value} fails or is throttled more often than Step Functions' retries account for."
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.function_failures_threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  tags                = var.tags

  metric_query {
    id          = "failures"
    expression  = "FILL(errors, 0) + FILL(throttles, 0)"
    label       = "errors and throttles"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { errors = "Errors", throttles = "Throttles" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/Lambda"
        metric_name = metric_query.value
        dimensions  = { FunctionName = each.value }
        stat        = "Sum"
        period      = var.function_failures_minutes * 60
      }
    }
  }
}
