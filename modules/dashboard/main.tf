# No data source is needed: the ARN has the Region and the name of the state machine.
locals {
  state_machine_name = element(split(":", var.state_machine_arn), 6)
  region             = element(split(":", var.state_machine_arn), 3)

  # The namespace of the releases' metrics, as in lambda_src/ecs_gitops/notify/metrics.py.
  release_namespace  = "EcsGitops"
  release_dimensions = { StateMachine = local.state_machine_name }
  execution_metrics  = { StateMachineArn = var.state_machine_arn }
}

# A dashboard belongs to the account, not to a Region. With the Region in the name, instances in several Regions do not
# collide.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name}-${local.region}"

  dashboard_body = jsonencode({
    start          = "-P7D"
    periodOverride = "auto"
    widgets        = local.widgets
  })
}
