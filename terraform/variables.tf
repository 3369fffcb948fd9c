variable "name" {
  description = "Name of this instance; everything it makes begins with it. 3 to 24 lower-case letters, digits and hyphens. Instances in one account take different names."
  type        = string
  nullable    = false
  default     = "ecs-gitops"

  validation {
    # 24 leaves room for the account and the Region in the bucket's name, and for the longest role name.
    condition     = can(regex("^[a-z][a-z0-9-]{1,22}[a-z0-9]$", var.name))
    error_message = "name takes 3 to 24 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen."
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

variable "target_role_arns" {
  description = "Other accounts that are deployed to: account id to the ARN of the role that modules/deploy_role made there."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for account, arn in var.target_role_arns : can(regex("^[0-9]{12}$", account)) && can(regex("^arn:[a-z-]+:iam::${account}:role/.+$", arn))])
    error_message = "target_role_arns takes account ids of 12 digits, each with the ARN of a role in that account."
  }

  validation {
    condition     = !contains(keys(var.target_role_arns), data.aws_caller_identity.current.account_id)
    error_message = "target_role_arns takes other accounts only: this module creates the role of this account."
  }
}

variable "repository_name" {
  description = "Name of the CodeCommit repository; NAME-config when null."
  type        = string
  default     = null

  validation {
    condition     = var.repository_name == null || can(regex("^[A-Za-z0-9._-]{1,100}$", var.repository_name))
    error_message = "repository_name takes 1 to 100 letters, digits, dots, hyphens and underscores, or null."
  }
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

variable "pipeline_execution_mode" {
  description = "What a push does while a release is going on: QUEUED waits, SUPERSEDED replaces the one that waits, PARALLEL starts beside it, and is refused while that one runs."
  type        = string
  nullable    = false
  default     = "QUEUED"

  validation {
    condition     = contains(["QUEUED", "SUPERSEDED", "PARALLEL"], var.pipeline_execution_mode)
    error_message = "pipeline_execution_mode takes QUEUED, SUPERSEDED or PARALLEL."
  }
}

variable "build_compute" {
  description = "What the build runs on: LAMBDA (starts faster, ten Regions), EC2 (x86_64 in every Region), or AUTO for LAMBDA where the Region has it."
  type        = string
  nullable    = false
  default     = "AUTO"

  validation {
    condition     = contains(["AUTO", "LAMBDA", "EC2"], var.build_compute)
    error_message = "build_compute takes AUTO, LAMBDA or EC2."
  }
}

variable "plan_pull_requests" {
  description = "Whether pull requests to the branch are planned: a comment says what their merge would do. A request that is opened or pushed to runs a build of about a minute."
  type        = bool
  nullable    = false
  default     = false
}

variable "require_plan_approval" {
  description = "Whether a pull request can be merged only with the approval that a good plan gives. It binds people with the output protect_branch_policy_json alone."
  type        = bool
  nullable    = false
  default     = false

  validation {
    condition     = !var.require_plan_approval || var.plan_pull_requests
    error_message = "require_plan_approval takes true only with plan_pull_requests = true: without plans nothing would be approved."
  }
}

variable "plan_trusted_role_arns" {
  description = "ARNs of further roles that may assume the role that plans read this account with: of people, or of CI jobs that run `ecs-gitops plan`, such as the workflow's role of examples/github_oidc. They have to exist."
  type        = set(string)
  nullable    = false
  default     = []

  validation {
    condition     = alltrue([for arn in var.plan_trusted_role_arns : can(regex("^arn:[a-z-]+:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$", arn))])
    error_message = "plan_trusted_role_arns takes ARNs of roles (arn:aws:iam::ACCOUNT:role/NAME), without wildcards."
  }
}

variable "target_plan_role_arns" {
  description = "The roles that plans read other accounts with: account id to the ARN that modules/deploy_role gave there as plan_role_arn. Items in other accounts are NOT_CHECKED in plans of pull requests."
  type        = map(string)
  nullable    = false
  default     = {}

  validation {
    condition     = alltrue([for account, arn in var.target_plan_role_arns : can(regex("^[0-9]{12}$", account)) && can(regex("^arn:[a-z-]+:iam::${account}:role/.+$", arn))])
    error_message = "target_plan_role_arns takes account ids of 12 digits, each with the ARN of a role in that account."
  }
}
