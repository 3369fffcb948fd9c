variable "name" {
  description = "Name of the instance."
  type        = string
  nullable    = false
  default     = "ecs-gitops"
}

variable "github_repository" {
  description = "The repository with the manifest, OWNER/NAME."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository takes OWNER/NAME, such as shop/config."
  }
}

variable "ledger_bucket_arn" {
  description = "ARN of the instance's ledger bucket."
  type        = string
  nullable    = false
}

variable "plan_role_arns" {
  description = "The roles that plans read with: account id to ARN. Of the instance's account it is the output plan_role_arn, and of others that of modules/deploy_role there."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.plan_role_arns) > 0 && alltrue([for account, arn in var.plan_role_arns : can(regex("^[0-9]{12}$", account)) && can(regex("^arn:[a-z-]+:iam::${account}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "plan_role_arns takes account ids of 12 digits, each with the ARN of a role in that account."
  }
}

variable "kms_key_arn" {
  description = "ARN of the ledger's KMS key; null where it has none."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the roles."
  type        = map(string)
  nullable    = false
  default     = {}
}
