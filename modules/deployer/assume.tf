# The rights to assume the deploy roles, one role per account. Many do not fit into a role's inline policies (10,240
# characters). So they are managed policies of at most 6,144 characters, and a role can have ten of them:
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
locals {
  policy_characters    = 6144
  policies_for_a_role  = 10
  assume_arns          = sort(distinct(values(var.role_arns)))
  characters_of_a_list = [for arn in local.assume_arns : length(jsonencode(arn)) + 1]
  longest_arn          = max(local.characters_of_a_list...)

  # The next policy begins when the ARNs before it fill one. The unused rest of each is shorter than the longest ARN.
  characters_for_arns = local.policy_characters - length(jsonencode(local.assume_statement)) - local.longest_arn
  pages = [for index, arn in local.assume_arns :
    floor(sum(concat([0], slice(local.characters_of_a_list, 0, index))) / local.characters_for_arns)
  ]
  listed_arns = [for page in range(max(local.pages...) + 1) :
    [for index, arn in local.assume_arns : arn if local.pages[index] == page]
  ]

  # If the list is too long: one pattern for all accounts, if the roles have the same name. It allows accounts that are
  # not in the list, but only roles of that name, and each role's trust policy decides.
  role_paths       = distinct([for arn in local.assume_arns : regex("^arn:[a-z-]+:iam::[0-9]{12}:(role/.+)$", arn)[0]])
  is_listed        = length(local.listed_arns) <= local.policies_for_a_role
  is_one_pattern   = !local.is_listed && length(local.role_paths) == 1
  assume_resources = local.is_one_pattern ? [["arn:${local.partition}:iam::*:${local.role_paths[0]}"]] : local.listed_arns

  assume_statement = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AssumeDeployRoles"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = []
    }]
  }
}

resource "aws_iam_policy" "assume" {
  count = min(length(local.assume_resources), local.policies_for_a_role)

  name        = "${var.name}-assume-${count.index}-${local.region}"
  description = "ecs-gitops: the deploy roles that the functions of ${var.name} may assume, part ${count.index + 1}"
  tags        = var.tags

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [merge(local.assume_statement.Statement[0], { Resource = local.assume_resources[count.index] })]
  })

  lifecycle {
    precondition {
      condition     = local.is_listed || local.is_one_pattern
      error_message = "role_arns has ${length(local.assume_arns)} roles, which take ${length(local.listed_arns)} policies of ${local.policy_characters} characters; a role takes ${local.policies_for_a_role}. Give the deploy roles of all accounts the same name: then one pattern stands for all of them."
    }
  }
}

resource "aws_iam_role_policy_attachment" "assume" {
  for_each = {
    for pair in setproduct([for key, function in local.functions : key if function.assumes], range(length(aws_iam_policy.assume))) :
    "${pair[0]}/${pair[1]}" => { function = pair[0], part = pair[1] }
  }

  role       = aws_iam_role.function[each.value.function].name
  policy_arn = aws_iam_policy.assume[each.value.part].arn
}
