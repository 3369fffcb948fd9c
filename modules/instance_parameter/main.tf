locals {
  content = jsonencode(merge(var.parts, { schemaVersion = 1, name = var.name }))
}

# Where the parts of an instance are. A tool needs to know only the instance's name, and reads the rest here.
resource "aws_ssm_parameter" "this" {
  name        = "/ecs-gitops/${var.name}"
  description = "ecs-gitops: where the parts of the instance ${var.name} are"
  type        = "String"
  tier        = "Standard"
  tags        = var.tags

  # Not a secret, so a plan may show it.
  insecure_value = local.content

  lifecycle {
    precondition {
      condition     = length(local.content) <= 4096
      error_message = "The parts take ${length(local.content)} characters; a parameter of the standard tier has at most 4096."
    }
  }
}
