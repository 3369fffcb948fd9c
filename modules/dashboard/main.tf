# No data source: Region and name of the state machine stand in its ARN.
locals {
  state_machine_name = element(split(":", var.state_machine_arn), 6)
  region             = element(split(":", var.state_machine_arn), 3)

  # What the release's metrics are filed under: lambda_src/ecs_gitops/notify/metrics.py.
  release_namespace  = "EcsGitops"
  release_dimensions = { StateMachine = local.state_machine_name }
  execution_metrics  = { StateMachineArn = var.state_machine_arn }
}

# Dashboards are the account's, not the Region's: the Region in the name keeps instances in several Regions apart.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = "${var.name}-${local.region}"

  dashboard_body = jsonencode({
    start          = "-P7D"
    periodOverride = "auto"
    widgets        = local.widgets
  })
}
