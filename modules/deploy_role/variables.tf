variable "name" {
  description = "Name of the role, at most 64 letters, digits and any of +=,.@_-"
  type        = string
  nullable    = false
  default     = "ecs-gitops-deploy"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "name takes 1 to 64 letters, digits and any of +=,.@_-"
  }
}

variable "trusted_role_arns" {
  description = "ARNs of the roles that may assume this one: the deployer's output deploying_role_arns. They must exist."
  type        = set(string)
  nullable    = false

  validation {
    condition     = length(var.trusted_role_arns) > 0 && alltrue([for arn in var.trusted_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "trusted_role_arns takes at least one ARN of a role (arn:aws:iam::ACCOUNT:role/NAME), without wildcards."
  }
}

variable "pass_role_arns" {
  description = "ARNs of the task and execution roles of the task definitions, and of the roles of rules' targets, schedules and lifecycle hooks; empty when none has a role. The name may contain `*`."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.pass_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+[A-Za-z0-9+=,.@_/*-]*$", arn))])
    error_message = "pass_role_arns takes ARNs of roles (arn:aws:iam::ACCOUNT:role/NAME); a `*` only after the first letters of the name."
  }
}

variable "regions" {
  description = "Regions to deploy to; empty means the provider's own."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for region in var.regions : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", region))])
    error_message = "regions takes names of Regions, such as us-west-2."
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

variable "deregister_failed_revisions" {
  description = "Whether the role may deregister revisions, for deployers with this switched on. AWS grants ecs:DeregisterTaskDefinition only on all task definitions."
  type        = bool
  nullable    = false
  default     = false
}

variable "plan_trusted_role_arns" {
  description = "ARNs of the roles that may assume the plan role, which reads alone: modules/plan's output build_role_arn, and those of people or CI jobs that run `ecs-gitops plan`. Empty: there is no plan role."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.plan_trusted_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "plan_trusted_role_arns takes ARNs of roles (arn:aws:iam::ACCOUNT:role/NAME), without wildcards."
  }
}

variable "plan_role_name" {
  description = "Name of the plan role, at most 64 letters, digits and any of +=,.@_-"
  type        = string
  nullable    = false
  default     = "ecs-gitops-plan"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.plan_role_name))
    error_message = "plan_role_name takes 1 to 64 letters, digits and any of +=,.@_-"
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
  description = "Tags of the roles."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
