output "name" {
  description = "Name of the parameter: /ecs-gitops/NAME."
  value       = aws_ssm_parameter.this.name
}
