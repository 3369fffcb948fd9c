# Requests to the branch can be merged when the plan was approved: by the review role's session, and by nobody else.
# https://docs.aws.amazon.com/codecommit/latest/userguide/approval-rule-templates.html
resource "aws_codecommit_approval_rule_template" "this" {
  count = var.require_plan_approval ? 1 : 0

  name        = "${var.name}-plan"
  description = "ecs-gitops: the plan of the merge has to be good"

  content = jsonencode({
    Version               = "2018-11-08"
    DestinationReferences = [local.reference]
    Statements = [{
      Type                    = "Approvers"
      NumberOfApprovalsNeeded = 1
      ApprovalPoolMembers     = [local.author_arn]
    }]
  })
}

resource "aws_codecommit_approval_rule_template_association" "this" {
  count = var.require_plan_approval ? 1 : 0

  approval_rule_template_name = aws_codecommit_approval_rule_template.this[0].name
  repository_name             = var.repository_name
}
