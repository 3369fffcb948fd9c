variable "name" {
  description = "Name of the layer: letters, digits, hyphens and underscores, at most 64."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "name takes 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "layer_zip" {
  description = "Path of the layer's zip file, which `make layer` builds."
  type        = string
  nullable    = false
}

variable "architecture" {
  description = "Architecture that the zip is built for: arm64 or x86_64."
  type        = string
  nullable    = false
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture takes arm64 or x86_64."
  }
}
