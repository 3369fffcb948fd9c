# Notices for what the state machine cannot tell itself: it was not reached, or it was ended from outside or by a limit.
locals {
  failures = {
    build = {
      description = "a release whose source or build failed"
      pattern = {
        source      = ["aws.codepipeline"]
        detail-type = ["CodePipeline Action Execution State Change"]
        detail = {
          pipeline = [var.name]
          state    = ["FAILED"]
          type     = { category = ["Source", "Build"] }
        }
      }
      paths = {
        pipeline  = "$.detail.pipeline"
        stage     = "$.detail.stage"
        execution = "$.detail.execution-id"
        region    = "$.region"
      }
      text = "Release FAILED in stage <stage> of pipeline <pipeline>: nothing was deployed. If it is the build, its log says what is wrong, with file and line: https://<region>.${local.console}/codesuite/codepipeline/pipelines/<pipeline>/executions/<execution>/timeline?region=<region>"
    }
    ended = {
      description = "a release that ran into its time limit or was aborted"
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [var.state_machine_arn]
          status          = ["TIMED_OUT", "ABORTED"]
        }
      }
      paths = {
        execution = "$.detail.executionArn"
        status    = "$.detail.status"
        region    = "$.region"
      }
      text = "Release <status>: the execution was ended before it could report. Services may be in the middle of a deployment: https://<region>.${local.console}/states/home?region=<region>#/v2/executions/details/<execution>"
    }
    broken = {
      # A release that failed by its own judgement sends its notice itself, and its error is one of ours. Names that begin
      # with States. are Step Functions' own, for what no Catch catches, as States.DataLimitExceeded:
      # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
      description = "a release that Step Functions gave up, as when its data or history is too large"
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [var.state_machine_arn]
          status          = ["FAILED"]
          error           = [{ prefix = "States." }]
        }
      }
      paths = {
        execution = "$.detail.executionArn"
        error     = "$.detail.error"
        region    = "$.region"
      }
      text = "Release FAILED with <error>: Step Functions gave the execution up before it could report. Services may be in the middle of a deployment: https://<region>.${local.console}/states/home?region=<region>#/v2/executions/details/<execution>"
    }
  }
}

resource "aws_cloudwatch_event_rule" "failure" {
  for_each = local.failures

  name          = "${var.name}-failed-${each.key}"
  description   = "ecs-gitops: tells of ${each.value.description}"
  state         = "ENABLED"
  event_pattern = jsonencode(each.value.pattern)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "failure" {
  for_each = local.failures

  rule = aws_cloudwatch_event_rule.failure[each.key].name
  arn  = var.topic_arn

  input_transformer {
    input_paths = each.value.paths
    # A JSON string: e-mail shows it as plain text.
    input_template = "\"${each.value.text}\""
  }
}
