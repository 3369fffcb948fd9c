variable "name" {
  description = "Name of the state machine, and beginning of the names of functions and roles: 3 to 32 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 32 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "layer_arn" {
  description = "ARN of the layer version with the package."
  type        = string
  nullable    = false
}

variable "architecture" {
  description = "Architecture of the functions, the layer's own: arm64 or x86_64."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture takes arm64 or x86_64."
  }
}

variable "role_arns" {
  description = "Role to assume in each account that is deployed to: account id to role ARN. The ARNs have to be known when it is planned, as those are that modules/deploy_role gives out."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.role_arns) > 0 && alltrue([for account, arn in var.role_arns : can(regex("^arn:[a-z-]+:iam::${account}:role/.+$", arn)) && can(regex("^[0-9]{12}$", account))])
    error_message = "role_arns takes at least one account id of 12 digits, each with the ARN of a role in that account."
  }
}

variable "ledger_bucket_name" {
  description = "Name of the ledger's bucket: bucket_name of modules/ledger."
  type        = string
  nullable    = false
}

variable "ledger_bucket_arn" {
  description = "ARN of that bucket."
  type        = string
  nullable    = false
}

variable "ledger_kms_key_arn" {
  description = "ARN of the KMS key that encrypts that bucket; null means S3's own encryption."
  type        = string
  default     = null

  validation {
    condition     = var.ledger_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.ledger_kms_key_arn))
    error_message = "ledger_kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "topic_arn" {
  description = "ARN of the SNS topic that gets the notices."
  type        = string
  nullable    = false
}

variable "pipeline_name" {
  description = "Name of the pipeline that starts the state machine, for links in notices, and whose failures are reported; empty if there is none."
  type        = string
  nullable    = false
  default     = ""
}

variable "notes_bucket_arn" {
  description = "ARN of the bucket where ValidateDeploy records, below notices/, which failures were reported, best the pipeline's artifact bucket, where the records expire; null for none: then an event that EventBridge delivers twice makes two notices."
  type        = string
  default     = null

  validation {
    condition     = var.notes_bucket_arn == null || can(regex("^arn:[a-z-]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.notes_bucket_arn))
    error_message = "notes_bucket_arn takes the ARN of a bucket (arn:aws:s3:::NAME), or null."
  }
}

variable "deregister_failed_revisions" {
  description = "Whether revisions that failed or were rolled back are deregistered, so that nothing that follows their family runs them. The deploy roles need the same switch."
  type        = bool
  nullable    = false
  default     = false
}

variable "execution_timeout_minutes" {
  description = "Minutes after which a release is given up as a whole: 5 to 10080 (7 days, what CodePipeline waits)."
  type        = number
  nullable    = false
  default     = 240

  validation {
    condition     = var.execution_timeout_minutes >= 5 && var.execution_timeout_minutes <= 10080 && floor(var.execution_timeout_minutes) == var.execution_timeout_minutes
    error_message = "execution_timeout_minutes takes a whole number from 5 to 10080."
  }
}

variable "max_concurrency" {
  description = "Batches that are worked on at once, one for each account and Region: 1 to 40, which is what an inline Map runs."
  type        = number
  nullable    = false
  default     = 20

  validation {
    condition     = var.max_concurrency >= 1 && var.max_concurrency <= 40 && floor(var.max_concurrency) == var.max_concurrency
    error_message = "max_concurrency takes a whole number from 1 to 40."
  }
}

variable "ecs_api_limits" {
  description = "Rates of ECS's API that AWS has raised for the accounts deployed to: bucket to calls at once (burst) and calls per second. The published ones hold for buckets that are not named: registrations 20 and 1, definitions 50 and 20, updates 50 and 5, services 100 and 20, service_deployments 50 and 20, tasks 100 and 20, tags 20 and 10."
  type        = map(object({ burst = number, per_second = number }))
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for bucket, limit in var.ecs_api_limits : contains(["registrations", "definitions", "updates", "services", "service_deployments", "tasks", "tags"], bucket) && limit.burst >= 1 && limit.per_second > 0])
    error_message = "ecs_api_limits takes registrations, definitions, updates, services, service_deployments, tasks and tags, each with a burst of at least 1 and a per_second above 0."
  }
}

variable "notify" {
  description = "Which releases send a notice: changes (those that failed, deployed something or hold something back), always (each release), or failures. A failure always sends one."
  type        = string
  nullable    = false
  default     = "changes"

  validation {
    condition     = contains(["changes", "always", "failures"], var.notify)
    error_message = "notify takes changes, always or failures."
  }
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

variable "kms_key_arn" {
  description = "ARN of the KMS key that encrypts logs and environments, and that encrypts the topic; null means AWS's own keys, and none for the topic."
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
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
