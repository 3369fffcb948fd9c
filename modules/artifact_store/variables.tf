variable "name" {
  description = "Name of the bucket, unique in the partition: 3 to 63 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit."
  }
}

variable "expiration_days" {
  description = "Days after which artifacts are deleted: 1 to 365; null keeps them all."
  type        = number
  default     = 30

  validation {
    condition     = var.expiration_days == null || try(var.expiration_days >= 1 && var.expiration_days <= 365 && floor(var.expiration_days) == var.expiration_days, false)
    error_message = "expiration_days takes a whole number from 1 to 365, or null."
  }
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes the bucket with what is in it; false makes it fail while there are artifacts."
  type        = bool
  nullable    = false
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts the artifacts; null means S3's own encryption (AES256)."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "tags" {
  description = "Tags of the bucket."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
