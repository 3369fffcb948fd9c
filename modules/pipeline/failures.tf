# Failures that the state machine cannot report: the pipeline did not start it, or somebody or a limit ended it.
# ValidateDeploy gets all of them (lambda_src/ecs_gitops/notify/pipeline_failure.py). It checks whether there is an
# execution, how it ended and whether its notice was sent, so that each failure has exactly one notice.
locals {
  failures = {
    pipeline = {
      description = "a source, a build or a start of the state machine that failed"
      pattern = {
        source      = ["aws.codepipeline"]
        detail-type = ["CodePipeline Action Execution State Change"]
        # Not CANCELED: somebody stopped the pipeline on purpose. Not superseded executions: those are not failures.
        detail = {
          pipeline = [var.name]
          state    = ["FAILED"]
        }
      }
    }
    execution = {
      description = "a release that ended without a notice, or whose notice could not be sent"
      pattern = {
        source      = ["aws.states"]
        detail-type = ["Step Functions Execution Status Change"]
        detail = {
          stateMachineArn = [var.state_machine_arn]
          status          = ["FAILED", "TIMED_OUT", "ABORTED"]
        }
      }
    }
  }
}

resource "aws_cloudwatch_event_rule" "failure" {
  for_each = local.failures

  name          = "${var.name}-failed-${each.key}"
  description   = "ecs-gitops: reports ${each.value.description}"
  state         = "ENABLED"
  event_pattern = jsonencode(each.value.pattern)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "failure" {
  for_each = local.failures

  rule = aws_cloudwatch_event_rule.failure[each.key].name
  # Without a version, so always the newest code: the event comes after a release, and the function reads how an
  # execution ended, whichever version ran it. A permission is for one version, so with versions an apply would take it
  # away from an event that is being retried.
  arn = var.failure_function_arn

  depends_on = [aws_lambda_permission.failure]
}

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions
resource "aws_lambda_permission" "failure" {
  for_each = local.failures

  statement_id  = "${var.name}-failed-${each.key}"
  action        = "lambda:InvokeFunction"
  function_name = var.failure_function_arn
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.failure[each.key].arn
}
