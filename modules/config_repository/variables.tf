variable "name" {
  description = "Name of the CodeCommit repository: letters, digits, dots, hyphens and underscores, at most 100."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{1,100}$", var.name)) && !endswith(var.name, ".git")
    error_message = "name takes 1 to 100 letters, digits, dots, hyphens and underscores, and does not end in .git."
  }
}

variable "description" {
  description = "What the repository is for, shown in the console."
  type        = string
  nullable    = false
  default     = "Desired state of ECS services and scheduled tasks; what is pushed here is deployed."

  validation {
    condition     = length(var.description) <= 1000
    error_message = "description takes at most 1000 characters."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the repository; null means AWS's own key for CodeCommit."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "tags" {
  description = "Tags of the repository."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
