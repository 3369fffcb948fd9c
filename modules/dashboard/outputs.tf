output "dashboard_name" {
  description = "Name of the dashboard, with the Region at its end."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "dashboard_arn" {
  description = "ARN of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_arn
}

output "alarm_arns" {
  description = "ARN of each alarm: release-failed, release-timed-out, release-aborted, release-long (with release_metrics), and one for each key of function_names."
  value       = { for key, alarm in local.alarms : key => alarm.arn }
}
