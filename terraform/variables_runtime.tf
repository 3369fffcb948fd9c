variable "architecture" {
  description = "Architecture of functions, layer and a build on Lambda compute: arm64 or x86_64. A build on EC2 compute is x86_64."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture takes arm64 or x86_64."
  }
}

variable "layer_zip" {
  description = "Path of the layer's zip file; null means what `make layer` builds in the folder of this module's source."
  type        = string
  default     = null
}

variable "metrics" {
  description = "Whether each release writes its metrics to CloudWatch, at most 0.30 USD a month for each of nine; without them modules/dashboard takes release_metrics = false."
  type        = bool
  nullable    = false
  default     = true
}

variable "tracing" {
  description = "Whether functions and state machine send traces to X-Ray."
  type        = bool
  nullable    = false
  default     = false
}

variable "log_level" {
  description = "Level of the functions' logs: DEBUG, INFO, WARN or ERROR. No level logs secrets."
  type        = string
  nullable    = false
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level takes DEBUG, INFO, WARN or ERROR."
  }
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

variable "artifact_expiration_days" {
  description = "Days after which artifacts are deleted: 1 to 365; null keeps them all."
  type        = number
  default     = 30

  validation {
    condition     = var.artifact_expiration_days == null || try(var.artifact_expiration_days >= 1 && var.artifact_expiration_days <= 365 && floor(var.artifact_expiration_days) == var.artifact_expiration_days, false)
    error_message = "artifact_expiration_days takes a whole number from 1 to 365, or null."
  }
}

variable "artifact_force_destroy" {
  description = "Whether `terraform destroy` deletes the artifact bucket with what is in it; false makes it fail while there are artifacts."
  type        = bool
  nullable    = false
  default     = false
}

variable "release_retention_days" {
  description = "Days that the ledger keeps the reports of releases: 30 to 3650; null means that nothing in the ledger expires, steps and old versions included."
  type        = number
  default     = 400

  validation {
    condition     = var.release_retention_days == null || try(var.release_retention_days >= 30 && var.release_retention_days <= 3650 && floor(var.release_retention_days) == var.release_retention_days, false)
    error_message = "release_retention_days takes a whole number from 30 to 3650, or null."
  }
}

variable "ledger_force_destroy" {
  description = "Whether `terraform destroy` deletes the ledger's bucket with what is in it; false makes it fail while there is more than the settings."
  type        = bool
  nullable    = false
  default     = false
}

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts repository, artifacts, ledger, logs, environments and the bodies of notices; its policy must let the services use it (see the README). Null means AWS's own keys, and none for notices."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "permissions_boundary_arn" {
  description = "ARN of the permissions boundary of every role in this module; null for none."
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
    # AWS allows 50 tags, and the module adds two.
    condition     = length(var.tags) <= 48
    error_message = "tags takes at most 48 tags."
  }

  validation {
    condition     = alltrue([for key, value in var.tags : can(regex("^[A-Za-z0-9 _.:/=+@-]{1,128}$", key)) && !startswith(lower(key), "aws:") && can(regex("^[A-Za-z0-9 _.:/=+@-]{0,256}$", value))])
    error_message = "tags takes keys of 1 to 128 and values of at most 256 letters, digits, spaces and _.:/=+@-; no key begins with aws:."
  }
}
