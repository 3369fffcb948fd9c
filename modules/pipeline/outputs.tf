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
  value       = "https://${local.region}.${lookup(local.consoles, local.partition, "console.aws.amazon.com")}/codesuite/codepipeline/pipelines/${aws_codepipeline.this.name}/view?region=${local.region}"
}

locals {
  consoles = {
    aws        = "console.aws.amazon.com"
    aws-cn     = "console.amazonaws.cn"
    aws-us-gov = "console.amazonaws-us-gov.com"
  }
}
