# The widgets, row by row. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
locals {
  # Widths, of 24 columns.
  height = 6

  # Widgets of the metrics that releases write.
  release_widgets = [
    {
      type = "metric"
      properties = {
        title  = "Releases"
        stat   = "Sum"
        period = 300
        metrics = [for name in ["Releases", "FailedReleases"] :
          [local.release_namespace, name, "StateMachine", local.state_machine_name]
        ]
      }
    },
    {
      type = "metric"
      properties = {
        title  = "Seconds from start to report"
        period = 300
        metrics = [for stat in ["p50", "p95", "Maximum"] :
          [local.release_namespace, "Duration", "StateMachine", local.state_machine_name, { stat = stat, label = stat }]
        ]
        annotations = {
          horizontal = [{ label = "alarm", value = var.long_release_minutes * 60 }]
        }
      }
    },
  ]
  item_widgets = [
    {
      type = "metric"
      properties = {
        title   = "Items"
        stat    = "Sum"
        period  = 300
        stacked = true
        metrics = [for name in ["Deployed", "Unchanged", "FailedItems", "RolledBackItems", "SkippedItems", "HeldItems"] :
          [local.release_namespace, name, "StateMachine", local.state_machine_name]
        ]
      }
    },
  ]

  rows = [
    concat(
      [{
        type = "alarm"
        properties = {
          title  = "Alarms"
          alarms = sort([for alarm in local.alarms : alarm.arn])
        }
      }],
      [for widget in local.release_widgets : widget if var.release_metrics],
      [for text in ["Releases write no metrics: `metrics = false`. What came of each is in its notice and in the execution's output."] : {
        type       = "text"
        properties = { markdown = text }
      } if !var.release_metrics],
    ),
    concat(
      [for widget in local.item_widgets : widget if var.release_metrics],
      [
        {
          type = "metric"
          properties = {
            title  = "Executions that did not succeed, transitions that were throttled"
            stat   = "Sum"
            period = 300
            metrics = [for name in ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"] :
              ["AWS/States", name, "StateMachineArn", var.state_machine_arn]
            ]
          }
        },
      ],
      [for name in compact([var.pipeline_name]) : {
        type = "metric"
        properties = {
          title   = "Failed pipeline executions"
          stat    = "Sum"
          period  = 300
          metrics = [["AWS/CodePipeline", "FailedPipelineExecutions", "PipelineName", name]]
        }
      }],
    ),
    [for name, stat in { Errors = "Sum", Throttles = "Sum", Duration = "Maximum" } : {
      type                      = "metric"
      properties = {
        title  = "Functions: ${name}"
        stat   = stat
        period = 300
        metrics = [for key, function in var.function_names :
          ["AWS/Lambda", name, "FunctionName", function, { label = key }]
        ]
      }
    }],
  ]

  widgets = flatten([for y, row in local.rows : [for x, widget in row : {
    type   = widget.type
    x      = x * floor(24 / length(row))
    y      = y * local.height
    width  = floor(24 / length(row))
    height = local.height
    properties = merge(
      widget.properties,
      { for key, value in { region = local.region, view = "timeSeries" } : key => value if widget.type == "metric" },
    )
  }]])
}
