variable "name" {
  description = "Name of the pipeline and of the build project, and beginning of the names of rules and roles: 3 to 32 lower-case letters, digits and hyphens."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 32 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
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

variable "branch" {
  description = "Branch whose pushes are deployed."
  type        = string
  nullable    = false
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._/-]{0,254}$", var.branch))
    error_message = "branch takes a branch's name, such as main or release/prod, without refs/heads/."
  }
}

variable "manifest_path" {
  description = "Path of the manifest in the repository."
  type        = string
  nullable    = false
  default     = "deployment.yaml"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*\\.ya?ml$", var.manifest_path)) && !strcontains(var.manifest_path, "..") && !contains(split("/", var.manifest_path), ".git") && length(var.manifest_path) <= 180
    error_message = "manifest_path takes a path in the repository of at most 180 characters that ends in .yaml or .yml, such as deployment.yaml or prod/deployment.yaml."
  }
}

variable "artifact_bucket_name" {
  description = "Name of the bucket for the pipeline's artifacts."
  type        = string
  nullable    = false
}

variable "artifact_bucket_arn" {
  description = "ARN of that bucket."
  type        = string
  nullable    = false
}

variable "ledger_bucket_name" {
  description = "Name of the ledger's bucket, for inputs that are too large for an execution."
  type        = string
  nullable    = false
}

variable "ledger_bucket_arn" {
  description = "ARN of that bucket."
  type        = string
  nullable    = false
}

variable "ledger_kms_key_arn" {
  description = "ARN of the KMS key that encrypts that bucket; null means a key of AWS's own."
  type        = string
  default     = null

  validation {
    condition     = var.ledger_kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.ledger_kms_key_arn))
    error_message = "ledger_kms_key_arn takes the ARN of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID), or null."
  }
}

variable "state_machine_arn" {
  description = "ARN of the state machine that the pipeline starts."
  type        = string
  nullable    = false
}

variable "failure_function_arn" {
  description = "ARN of the function that reports failures for which no release could send a notice: modules/deployer's validate_deploy."
  type        = string
  nullable    = false
}

variable "layer_arn" {
  description = "ARN of the layer version that checks the manifest: the one that the functions run."
  type        = string
  nullable    = false
}

variable "layer_sha256" {
  description = "SHA-256 of that layer's zip file, base64-encoded."
  type        = string
  nullable    = false
}

variable "execution_mode" {
  description = "What a push does while a release is going on: QUEUED waits, SUPERSEDED replaces the one that waits, PARALLEL starts beside it, and is refused while that one runs."
  type        = string
  nullable    = false
  default     = "QUEUED"

  validation {
    condition     = contains(["QUEUED", "SUPERSEDED", "PARALLEL"], var.execution_mode)
    error_message = "execution_mode takes QUEUED, SUPERSEDED or PARALLEL."
  }
}

variable "build_compute" {
  description = "What the build runs on: LAMBDA (starts faster, ten Regions), EC2 (x86_64), or AUTO for LAMBDA where the Region has it."
  type        = string
  nullable    = false
  default     = "AUTO"

  validation {
    condition     = contains(["AUTO", "LAMBDA", "EC2"], var.build_compute)
    error_message = "build_compute takes AUTO, LAMBDA or EC2."
  }
}

variable "architecture" {
  description = "Architecture of a build on Lambda compute, best the layer's own: arm64 or x86_64. EC2 compute is x86_64 with either."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture takes arm64 or x86_64."
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
  description = "ARN of the KMS key that encrypts artifacts, bucket and logs; null means AWS's own keys."
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
