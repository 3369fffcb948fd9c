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

variable "deploying_role_arns" {
  description = "The instance's output deploying_role_arns: the roles that deploy to this account."
  type        = set(string)
  nullable    = false
}

variable "pass_role_arns" {
  description = "ARNs of the roles of task definitions, rules and schedules."
  type        = set(string)
  nullable    = false
  default     = []
}

variable "cluster_names" {
  description = "Clusters that are deployed to, and read."
  type        = set(string)
  nullable    = false
  default     = ["*"]
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
