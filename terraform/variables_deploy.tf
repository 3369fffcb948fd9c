variable "notification_emails" {
  description = "E-mail addresses that get the notices; AWS asks each of them to confirm."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for email in var.notification_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "notification_emails takes addresses such as team@example.com."
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
  description = "Minutes after which a release is given up as a whole: 5 to 10080 (7 days, what CodePipeline waits)."
  type        = number
  nullable    = false
  default     = 240

  validation {
    condition     = var.execution_timeout_minutes >= 5 && var.execution_timeout_minutes <= 10080 && floor(var.execution_timeout_minutes) == var.execution_timeout_minutes
    error_message = "execution_timeout_minutes takes a whole number from 5 to 10080."
  }

  validation {
    condition     = var.execution_timeout_minutes > var.item_timeout_minutes
    error_message = "execution_timeout_minutes takes more than item_timeout_minutes (${var.item_timeout_minutes}): a release lasts longer than its services."
  }
}

variable "deregister_failed_revisions" {
  description = "Whether revisions that failed or were rolled back are deregistered, so that nothing that follows their family runs them. AWS grants ecs:DeregisterTaskDefinition only on all task definitions; deploy roles of other accounts need the same switch."
  type        = bool
  nullable    = false
  default     = false
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

variable "deploy_regions" {
  description = "Regions to deploy to; empty means the module's own."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.deploy_regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", region))])
    error_message = "deploy_regions takes names of Regions, such as us-west-2."
  }
}

variable "cluster_names" {
  description = "Clusters to deploy to; `*` matches any text. All of the account and Regions by default."
  type        = set(string)
  nullable    = false
  default     = ["*"]

  validation {
    condition     = length(var.cluster_names) > 0 && alltrue([for name in var.cluster_names : can(regex("^[A-Za-z0-9_*-]{1,255}$", name))])
    error_message = "cluster_names takes at least one name of letters, digits, hyphens, underscores and `*`."
  }
}

variable "service_names" {
  description = "Services to deploy, in any of the clusters; `*` matches any text. All by default."
  type        = set(string)
  nullable    = false
  default     = ["*"]

  validation {
    condition     = length(var.service_names) > 0 && alltrue([for name in var.service_names : can(regex("^[A-Za-z0-9_*-]{1,255}$", name))])
    error_message = "service_names takes at least one name of letters, digits, hyphens, underscores and `*`."
  }
}

variable "rule_names" {
  description = "EventBridge rules of scheduled tasks, on the default bus and on event_bus_names; `*` matches any text. All by default."
  type        = set(string)
  nullable    = false
  default     = ["*"]

  validation {
    condition     = length(var.rule_names) > 0 && alltrue([for name in var.rule_names : can(regex("^[A-Za-z0-9._*-]{1,64}$", name))])
    error_message = "rule_names takes at least one name of letters, digits, dots, hyphens, underscores and `*`."
  }
}

variable "event_bus_names" {
  description = "Event buses beside the default one whose rules are deployed to, by rule_names; `*` matches any text. None by default."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for name in var.event_bus_names : can(regex("^[A-Za-z0-9._/*-]{1,256}$", name)) && name != "default"])
    error_message = "event_bus_names takes names of letters, digits, dots, hyphens, underscores, slashes and `*`; the default bus is always one of them."
  }
}

variable "schedule_names" {
  description = "Schedules of EventBridge Scheduler, in any group; `*` matches any text. All by default."
  type        = set(string)
  nullable    = false
  default     = ["*"]

  validation {
    condition     = length(var.schedule_names) > 0 && alltrue([for name in var.schedule_names : can(regex("^[A-Za-z0-9._*-]{1,64}$", name))])
    error_message = "schedule_names takes at least one name of letters, digits, dots, hyphens, underscores and `*`."
  }
}

variable "task_definition_families" {
  description = "Task definition families that may get new revisions; `*` matches any text. All by default."
  type        = set(string)
  nullable    = false
  default     = ["*"]

  validation {
    condition     = length(var.task_definition_families) > 0 && alltrue([for name in var.task_definition_families : can(regex("^[A-Za-z0-9_*-]{1,255}$", name))])
    error_message = "task_definition_families takes at least one name of letters, digits, hyphens, underscores and `*`."
  }
}

variable "ecr_repository_arns" {
  description = "ARNs of the ECR repositories in which a release looks images up; The name may contain `*`. Empty means all of the account and Regions."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.ecr_repository_arns : can(regex("^arn:[a-z-]+:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9._/*-]+$", arn))])
    error_message = "ecr_repository_arns takes ARNs of ECR repositories (arn:aws:ecr:REGION:ACCOUNT:repository/NAME); a `*` only in the name."
  }
}
