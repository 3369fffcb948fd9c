output "clone_url" {
  description = "What to clone, with git-remote-codecommit installed."
  value       = module.ecs_gitops.clone_url_grc
}

output "console_url" {
  description = "Where to watch a release."
  value       = module.ecs_gitops.console_url
}
