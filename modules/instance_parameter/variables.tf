variable "name" {
  description = "Name of the instance; the parameter is /ecs-gitops/NAME. Letters, digits, hyphens and underscores, at most 64."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name takes 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "parts" {
  description = "What the instance consists of: name of a part, in camelCase, to its name, ARN or address. No secrets: the parameter is not encrypted."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for part, value in var.parts : can(regex("^[a-z][A-Za-z0-9]*$", part)) && !contains(["schemaVersion", "name"], part)])
    error_message = "parts takes names in camelCase, other than schemaVersion and name."
  }
}

variable "tags" {
  description = "Tags of the parameter; at most 50."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = length(var.tags) <= 50
    error_message = "tags takes at most 50 tags."
  }
}
