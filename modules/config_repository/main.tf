resource "aws_codecommit_repository" "this" {
  repository_name = var.name
  description     = var.description
  kms_key_id      = var.kms_key_arn
  tags            = var.tags
}
