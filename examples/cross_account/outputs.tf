output "clone_url" {
  description = "What to clone, with git-remote-codecommit installed."
  value       = module.ecs_gitops.clone_url_grc
}

output "deploying_role_arns" {
  description = "The roles that a deploy role in one more account has to trust."
  value       = module.ecs_gitops.deploying_role_arns
}
