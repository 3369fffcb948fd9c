variable "name" {
  description = "Name of the SNS topic: letters, digits, hyphens and underscores, at most 256."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,256}$", var.name))
    error_message = "name takes 1 to 256 letters, digits, hyphens and underscores."
  }
}

variable "emails" {
  description = "E-mail addresses that get the notices; AWS asks each of them to confirm."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "emails takes addresses such as team@example.com."
  }
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the bodies of notices at rest, not their subjects and attributes, of which `result` is one; who publishes must be allowed to use it. Null: no encryption at rest."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "tags" {
  description = "Tags of the topic."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
