output "name" {
  description = "Name of the repository."
  value       = aws_codecommit_repository.this.repository_name
}

output "arn" {
  description = "ARN of the repository."
  value       = aws_codecommit_repository.this.arn
}

output "clone_url_http" {
  description = "Clone URL for HTTPS, with Git credentials of an IAM user or the AWS credential helper."
  value       = aws_codecommit_repository.this.clone_url_http
}

output "clone_url_ssh" {
  description = "Clone URL for SSH."
  value       = aws_codecommit_repository.this.clone_url_ssh
}

output "clone_url_grc" {
  description = "Clone URL for git-remote-codecommit, which signs with AWS credentials."
  # The Region is the fourth part of the ARN.
  value = "codecommit::${split(":", aws_codecommit_repository.this.arn)[3]}://${aws_codecommit_repository.this.repository_name}"
}
