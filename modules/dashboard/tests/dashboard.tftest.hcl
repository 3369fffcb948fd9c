mock_provider "aws" {
  source = "../../tests/terraform/mocks"
}

variables {
  name              = "shop"
  state_machine_arn = "arn:aws:states:eu-central-1:111111111111:stateMachine:shop-releases"
  pipeline_name     = "shop-pipeline"
  function_names = {
    init_config     = "shop-init-config"
    deploy_task     = "shop-deploy-task"
    deploy_ecs      = "shop-deploy-ecs"
    validate_deploy = "shop-validate-deploy"
  }
}

run "every_metric_can_be_drawn" {
  # Its metrics: name, then each dimension's name and value.
  assert {
    condition = alltrue(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for metric in try(widget.properties.metrics, []) :
        length(metric) >= 4 && contains(["EcsGitops", "AWS/States", "AWS/Lambda", "AWS/CodePipeline"], metric[0]) && alltrue([
          for text in slice(metric, 0, 4) : can(regex("^\\S+$", text))
        ])
      ]
    ]))
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets :
      length(widget.properties.title) > 0 && (
        widget.type == "alarm"
        ? length(widget.properties.alarms) == 8
        : widget.properties.region == "eu-central-1" && widget.properties.period == 300 && length(widget.properties.metrics) > 0
      )
    ])
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition = toset(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for metric in try(widget.properties.metrics, []) : "${metric[0]} ${metric[1]} ${metric[2]}=${metric[3]}"
      ]
      ])) == setunion(
      toset([for name in ["Releases", "FailedReleases", "Duration", "Deployed", "Unchanged", "FailedItems", "RolledBackItems", "SkippedItems", "HeldItems"] :
        "EcsGitops ${name} StateMachine=shop-releases"
      ]),
      toset([for name in ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"] :
        "AWS/States ${name} StateMachineArn=arn:aws:states:eu-central-1:111111111111:stateMachine:shop-releases"
      ]),
      toset(flatten([for name in ["Errors", "Throttles", "Duration"] : [
        for function in ["shop-init-config", "shop-deploy-task", "shop-deploy-ecs", "shop-validate-deploy"] :
        "AWS/Lambda ${name} FunctionName=${function}"
      ]])),
      toset(["AWS/CodePipeline FailedPipelineExecutions PipelineName=shop-pipeline"]),
    )
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition = [
      for metric in one([
        for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget if widget.properties.title == "Seconds from start to report"
      ]).properties.metrics : metric[4].stat
    ] == ["p50", "p95", "Maximum"]
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }
}

run "widgets_do_not_overlap" {
  # Each of the fields that a widget covers belongs to it alone.
  assert {
    condition = length(flatten([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
        for x in range(widget.x, widget.x + widget.width) : [for y in range(widget.y, widget.y + widget.height) : "${x} ${y}"]
      ]
      ])) == length(distinct(flatten([
        for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : [
          for x in range(widget.x, widget.x + widget.width) : [for y in range(widget.y, widget.y + widget.height) : "${x} ${y}"]
        ]
    ])))
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition = alltrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.width > 0 && widget.x + widget.width <= 24
    ])
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }
}

run "a_state_machine_without_a_pipeline_has_no_pipeline_widget" {
  variables {
    pipeline_name = ""
  }

  assert {
    condition     = !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "AWS/CodePipeline")
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition = [
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : "${widget.x}+${widget.width}" if widget.y == 6
    ] == ["0+12", "12+12"]
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }
}

run "without_metrics_it_says_so_and_keeps_what_step_functions_and_lambda_count" {
  variables {
    release_metrics = false
  }

  assert {
    condition     = !strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "EcsGitops") && strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "AWS/States")
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition     = [for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : startswith(widget.properties.markdown, "Releases write no metrics") if widget.type == "text"] == [true]
    error_message = aws_cloudwatch_dashboard.this.dashboard_body
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.release) == ["release-aborted", "release-failed", "release-timed-out"]
    error_message = jsonencode(keys(aws_cloudwatch_metric_alarm.release))
  }
}

run "alarms_tell_what_went_wrong" {
  variables {
    alarm_topic_arns            = ["arn:aws:sns:eu-central-1:111111111111:on-call"]
    failed_releases_threshold   = 2
    failed_releases_minutes     = 60
    function_failures_threshold = 3
    function_failures_minutes   = 10
    long_release_minutes        = 45
    tags                        = { Team = "shop" }
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.release : alarm.alarm_name =>
      "${alarm.namespace} ${alarm.metric_name} ${jsonencode(alarm.dimensions)} ${alarm.statistic}/${alarm.period} >= ${alarm.threshold}"
      } == {
      shop-release-failed    = "AWS/States ExecutionsFailed {\"StateMachineArn\":\"arn:aws:states:eu-central-1:111111111111:stateMachine:shop-releases\"} Sum/3600 >= 2"
      shop-release-timed-out = "AWS/States ExecutionsTimedOut {\"StateMachineArn\":\"arn:aws:states:eu-central-1:111111111111:stateMachine:shop-releases\"} Sum/300 >= 1"
      shop-release-aborted   = "AWS/States ExecutionsAborted {\"StateMachineArn\":\"arn:aws:states:eu-central-1:111111111111:stateMachine:shop-releases\"} Sum/300 >= 1"
      shop-release-long      = "EcsGitops Duration {\"StateMachine\":\"shop-releases\"} Maximum/300 >= 2700"
    }
    error_message = jsonencode(aws_cloudwatch_metric_alarm.release)
  }

  assert {
    condition = { for key, alarm in aws_cloudwatch_metric_alarm.function : alarm.alarm_name => [
      for query in alarm.metric_query : one([for metric in query.metric : "${metric.metric_name} ${metric.dimensions.FunctionName} ${metric.stat}/${metric.period}"]) if query.id != "failures"
      ] } == {
      for function in ["init-config", "deploy-task", "deploy-ecs", "validate-deploy"] :
      "shop-${function}-failing" => ["Errors shop-${function} Sum/600", "Throttles shop-${function} Sum/600"]
    }
    error_message = jsonencode(aws_cloudwatch_metric_alarm.function)
  }

  assert {
    condition = alltrue([for alarm in aws_cloudwatch_metric_alarm.function :
      alarm.threshold == 3
      && [for query in alarm.metric_query : query.expression if query.return_data == true] == ["FILL(errors, 0) + FILL(throttles, 0)"]
    ])
    error_message = jsonencode(aws_cloudwatch_metric_alarm.function)
  }

  assert {
    condition = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.release), values(aws_cloudwatch_metric_alarm.function)) :
      alarm.comparison_operator == "GreaterThanOrEqualToThreshold"
      && alarm.evaluation_periods == 1
      && alarm.treat_missing_data == "notBreaching"
      && alarm.alarm_actions == toset(["arn:aws:sns:eu-central-1:111111111111:on-call"])
      && alarm.tags == tomap({ Team = "shop" })
      && startswith(alarm.alarm_description, "ecs-gitops: ")
    ])
    error_message = "An alarm has no actions, other actions, or takes silence for a failure."
  }

  assert {
    condition = keys(output.alarm_arns) == [
      "deploy_ecs", "deploy_task", "init_config", "release-aborted", "release-failed", "release-long", "release-timed-out", "validate_deploy",
    ]
    error_message = jsonencode(output.alarm_arns)
  }
}

run "tells_nobody_by_default" {
  command = plan

  assert {
    condition = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.release), values(aws_cloudwatch_metric_alarm.function)) :
      length(alarm.alarm_actions) == 0
    ])
    error_message = "An alarm has actions."
  }

  # Dashboards are the account's: the name has the Region.
  assert {
    condition     = output.dashboard_name == "shop-eu-central-1"
    error_message = output.dashboard_name
  }
}

run "refuses_values_that_are_none" {
  command = plan

  variables {
    name                        = "Shop"
    pipeline_name               = "a b"
    alarm_topic_arns            = ["on-call@example.com"]
    failed_releases_threshold   = 0
    failed_releases_minutes     = 1441
    function_failures_threshold = 1.5
    function_failures_minutes   = 0
    long_release_minutes        = 10081
    function_names              = {}
  }

  expect_failures = [
    var.name,
    var.pipeline_name,
    var.alarm_topic_arns,
    var.failed_releases_threshold,
    var.failed_releases_minutes,
    var.function_failures_threshold,
    var.function_failures_minutes,
    var.long_release_minutes,
    var.function_names,
  ]
}

run "refuses_what_is_no_state_machine" {
  command = plan

  variables {
    state_machine_arn = "arn:aws:states:eu-central-1:111111111111:execution:shop:one"
  }

  expect_failures = [var.state_machine_arn]
}
