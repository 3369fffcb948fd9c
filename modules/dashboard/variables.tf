variable "name" {
  description = "Beginning of the names of dashboard and alarms: 3 to 32 lower-case letters, digits and hyphens; the entry module's own name is a good one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 32 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
  }
}

variable "state_machine_arn" {
  description = "ARN of the state machine whose releases are watched."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:states:[a-z0-9-]+:[0-9]{12}:stateMachine:[^:]+$", var.state_machine_arn))
    error_message = "state_machine_arn takes the ARN of a state machine (arn:aws:states:REGION:ACCOUNT:stateMachine:NAME)."
  }
}

variable "function_names" {
  description = "Functions to watch: the key of each function (such as init_config) to its name; an output of the entry module."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.function_names) > 0 && alltrue([for key, name in var.function_names : can(regex("^[a-z][a-z0-9_]{0,31}$", key)) && can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "function_names takes at least one key of lower-case letters, digits and underscores, each with the name of a function."
  }
}

variable "pipeline_name" {
  description = "Name of the pipeline that starts the state machine; empty leaves its widget out."
  type        = string
  nullable    = false
  default     = ""

  validation {
    condition     = can(regex("^[A-Za-z0-9.@_-]{0,100}$", var.pipeline_name))
    error_message = "pipeline_name takes the name of a pipeline, or an empty text."
  }
}

variable "alarm_topic_arns" {
  description = "ARNs of SNS topics that an alarm notifies, at most 5; each must let cloudwatch.amazonaws.com publish. Empty: alarms have a state and notify nobody."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = length(var.alarm_topic_arns) <= 5 && alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "alarm_topic_arns takes at most 5 ARNs of SNS topics (arn:aws:sns:REGION:ACCOUNT:NAME)."
  }
}

variable "failed_releases_threshold" {
  description = "Failed releases within failed_releases_minutes from which on the alarm goes off: 1 to 1000."
  type        = number
  nullable    = false
  default     = 1

  validation {
    condition     = var.failed_releases_threshold >= 1 && var.failed_releases_threshold <= 1000 && floor(var.failed_releases_threshold) == var.failed_releases_threshold
    error_message = "failed_releases_threshold takes a whole number from 1 to 1000."
  }
}

variable "failed_releases_minutes" {
  description = "Minutes in which failed releases are counted together: 1 to 1440."
  type        = number
  nullable    = false
  default     = 5

  validation {
    condition     = var.failed_releases_minutes >= 1 && var.failed_releases_minutes <= 1440 && floor(var.failed_releases_minutes) == var.failed_releases_minutes
    error_message = "failed_releases_minutes takes a whole number from 1 to 1440."
  }
}

variable "function_failures_threshold" {
  description = "Errors and throttles of one function within function_failures_minutes from which on its alarm goes off: 1 to 100000. A call that AWS did not take is an error that Step Functions tries again, so 1 is noisy."
  type        = number
  nullable    = false
  default     = 5

  validation {
    condition     = var.function_failures_threshold >= 1 && var.function_failures_threshold <= 100000 && floor(var.function_failures_threshold) == var.function_failures_threshold
    error_message = "function_failures_threshold takes a whole number from 1 to 100000."
  }
}

variable "function_failures_minutes" {
  description = "Minutes in which a function's errors and throttles are counted together: 1 to 1440."
  type        = number
  nullable    = false
  default     = 15

  validation {
    condition     = var.function_failures_minutes >= 1 && var.function_failures_minutes <= 1440 && floor(var.function_failures_minutes) == var.function_failures_minutes
    error_message = "function_failures_minutes takes a whole number from 1 to 1440."
  }
}

variable "long_release_minutes" {
  description = "Minutes from which on a release is a long one: 1 to 10080. It is known when the release ends; a release that does not end runs into execution_timeout_minutes."
  type        = number
  nullable    = false
  default     = 60

  validation {
    condition     = var.long_release_minutes >= 1 && var.long_release_minutes <= 10080 && floor(var.long_release_minutes) == var.long_release_minutes
    error_message = "long_release_minutes takes a whole number from 1 to 10080."
  }
}

variable "release_metrics" {
  description = "Whether releases write their metrics: the entry module's metrics. False leaves the widgets and the alarm out that are drawn from them; what Step Functions and Lambda count stays."
  type        = bool
  nullable    = false
  default     = true
}

variable "tags" {
  description = "Tags of the alarms; a dashboard takes none."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
