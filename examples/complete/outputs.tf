output "clone_url" {
  description = "What to clone, with git-remote-codecommit installed."
  value       = module.ecs_gitops.clone_url_grc
}

output "console_url" {
  description = "Where to watch a release."
  value       = module.ecs_gitops.console_url
}

output "topic_arn" {
  description = "Where other subscribers, such as a chat channel, get the notices."
  value       = module.ecs_gitops.topic_arn
}

output "deploy_role_arn" {
  description = "The role that deploys."
  value       = module.ecs_gitops.deploy_role_arn
}

output "on_call_topic_arn" {
  description = "Where a pager or a chat channel gets the alarms."
  value       = aws_sns_topic.on_call.arn
}

output "dashboard_name" {
  description = "The dashboard in CloudWatch."
  value       = module.dashboard.dashboard_name
}
