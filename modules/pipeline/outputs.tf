output "name" {
  description = "Name of the pipeline."
  value       = aws_codepipeline.this.name
}

output "arn" {
  description = "ARN of the pipeline."
  value       = aws_codepipeline.this.arn
}

output "build_project_name" {
  description = "Name of the CodeBuild project."
  value       = aws_codebuild_project.this.name
}

output "console_url" {
  description = "Page of the pipeline in the AWS console."
  value       = "https://${local.region}.${local.console}/codesuite/codepipeline/pipelines/${aws_codepipeline.this.name}/view?region=${local.region}"
}
