variable "name" {
  description = "Beginning of the names of the build project, rules and roles: 3 to 24 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "instance_name" {
  description = "Name of the instance whose settings and memory a plan takes into account: the name of its parameter, without /ecs-gitops/."
  type        = string
  nullable    = false
}

variable "repository_name" {
  description = "Name of the CodeCommit repository with the manifest."
  type        = string
  nullable    = false
}

variable "repository_arn" {
  description = "ARN of that repository."
  type        = string
  nullable    = false
}

variable "clone_url_http" {
  description = "Clone URL of that repository for HTTPS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https?://[^\\s'\"]+$", var.clone_url_http))
    error_message = "clone_url_http takes an address that begins with https://, such as https://git-codecommit.us-west-2.amazonaws.com/v1/repos/shop-config."
  }
}

variable "branch" {
  description = "Branch whose pushes are deployed: requests to it are planned."
  type        = string
  nullable    = false
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]{0,249}$", var.branch))
    error_message = "branch takes a branch's name, such as main or release/prod, without refs/heads/."
  }
}

variable "manifest_path" {
  description = "Path of the manifest in the repository."
  type        = string
  nullable    = false
  default     = "deployment.yaml"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\\.ya?ml$", var.manifest_path)) && !strcontains(var.manifest_path, "..") && length(var.manifest_path) <= 180
    error_message = "manifest_path takes a path in the repository of at most 180 characters that ends in .yaml or .yml, such as deployment.yaml or prod/deployment.yaml."
  }
}

variable "plan_role_arns" {
  description = "The role that may read each account: account id to the ARN that modules/deploy_role gives as plan_role_arn. Items in other accounts are NOT_CHECKED."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for account, arn in var.plan_role_arns : can(regex("^[0-9]{12}$", account)) && can(regex("^arn:[a-z-]+:iam::${account}:role/.+$", arn))])
    error_message = "plan_role_arns takes account ids of 12 digits, each with the ARN of a role in that account."
  }
}

variable "require_plan_approval" {
  description = "Whether a request can be merged only with the approval that a good plan gives. It binds people with protect_branch_policy_json alone."
  type        = bool
  nullable    = false
  default     = false
}

variable "layer_arn" {
  description = "ARN of the layer version that the build runs."
  type        = string
  nullable    = false
}

variable "layer_sha256" {
  description = "SHA-256 of the layer in Base64: what the build fetches has to have it."
  type        = string
  nullable    = false
}

variable "ledger_bucket_arn" {
  description = "ARN of the instance's ledger bucket."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "Days that logs are kept, one of CloudWatch's steps (1 to 3653); 0 keeps them for ever."
  type        = number
  nullable    = false
  default     = 90

  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days takes 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key of the log and of the ledger; null for AWS's own keys."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the policy that bounds the roles; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn takes the ARN of an IAM policy (arn:aws:iam::ACCOUNT:policy/NAME), or null."
  }
}

variable "tags" {
  description = "Tags of all resources of this module."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
