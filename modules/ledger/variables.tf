variable "name" {
  description = "Name of the bucket, unique in the partition: 3 to 63 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit."
  }
}

variable "instance_name" {
  description = "Name of the instance that the ledger belongs to: 1 to 64 letters, digits, hyphens and underscores."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.instance_name))
    error_message = "instance_name takes 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "account_id" {
  description = "Account of the instance: that of items that name none."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id takes an account id of 12 digits."
  }
}

variable "region" {
  description = "Region of the instance: that of items that name none."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", var.region))
    error_message = "region takes the name of a Region, such as us-west-2."
  }
}

variable "role_arns" {
  description = "Role to assume in each account that is deployed to: account id to role ARN."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.role_arns) > 0 && alltrue([for account, arn in var.role_arns : can(regex("^arn:[a-z-]+:iam::${account}:role/.+$", arn)) && can(regex("^[0-9]{12}$", account))])
    error_message = "role_arns takes at least one account id of 12 digits, each with the ARN of a role in that account."
  }
}

variable "item_timeout_minutes" {
  description = "Minutes that a service's rollout may take when the manifest does not say: 1 to 1440."
  type        = number
  nullable    = false
  default     = 30

  validation {
    condition     = var.item_timeout_minutes >= 1 && var.item_timeout_minutes <= 1440 && floor(var.item_timeout_minutes) == var.item_timeout_minutes
    error_message = "item_timeout_minutes takes a whole number from 1 to 1440."
  }
}

variable "execution_timeout_minutes" {
  description = "Minutes after which a release is given up as a whole, the state machine's own: 5 to 10080 (7 days, what CodePipeline waits)."
  type        = number
  nullable    = false
  default     = 240

  validation {
    condition     = var.execution_timeout_minutes >= 5 && var.execution_timeout_minutes <= 10080 && floor(var.execution_timeout_minutes) == var.execution_timeout_minutes
    error_message = "execution_timeout_minutes takes a whole number from 5 to 10080."
  }
}

variable "release_retention_days" {
  description = "Days that the reports of releases are kept, below releases/: 30 to 3650; null means that nothing in the ledger expires, steps and old versions included."
  type        = number
  default     = 400

  validation {
    condition     = var.release_retention_days == null || try(var.release_retention_days >= 30 && var.release_retention_days <= 3650 && floor(var.release_retention_days) == var.release_retention_days, false)
    error_message = "release_retention_days takes a whole number from 30 to 3650, or null."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes the bucket with what is in it beside the settings; false makes it fail while there is anything."
  type        = bool
  nullable    = false
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the ledger; null means S3's own encryption (AES256)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "tags" {
  description = "Tags of the bucket; at most 50."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
