# What differs between environments; environments/<environment>.tfvars sets it.

variable "project_id" {
  description = "The project that holds one environment and nothing else."
  type        = string
}

variable "environment" {
  description = "staging or prod."
  type        = string

  validation {
    condition     = contains(["staging", "prod"], var.environment)
    error_message = "environment must be staging or prod."
  }
}

variable "region" {
  description = "Where functions, database, topics and buckets are."
  type        = string
  default     = "us-central1"
}

variable "site_domain" {
  description = "Host name of the site; it serves the API below /api/v1, too."
  type        = string
}

variable "api_domain" {
  description = "Host name of the API for other programs, such as Stripe's webhooks."
  type        = string
}

variable "catalogue_file" {
  description = "The catalogue of functions; tests name a smaller one."
  type        = string
  default     = "../functions/functions.yaml"
}

variable "dist_dir" {
  description = "Folder with one <function>.zip per function, as `vaultra package` writes it."
  type        = string
  default     = "../dist"
}

variable "migrate_image" {
  description = "Image of the migration job with its digest; Google's sample until the first one is built."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/job"
}

variable "operate_image" {
  description = "Image of the operator's job with its digest; Google's sample until the first one is built."
  type        = string
  default     = "us-docker.pkg.dev/cloudrun/container/job"
}

variable "runtime" {
  description = "Runtime of every function: the Python that the tests run."
  type        = string
  default     = "python311"
}

variable "warm_instances" {
  description = "Instances that never end, for each function that the catalogue keeps warm; 0 keeps none warm."
  type        = number
  default     = 2
}

variable "max_instances" {
  description = "Upper bound of instances of one function, where the catalogue allows more; null: as the catalogue says."
  type        = number
  default     = null
}

variable "database" {
  description = "Cloud SQL's size and protection. `pool_size`: connections that one instance of a function holds at most, and calls it works on at once."
  type = object({
    tier                = string
    edition             = optional(string, "ENTERPRISE")
    high_availability   = optional(bool, true)
    disk_gb             = optional(number, 20)
    max_connections     = number
    pool_size           = optional(number, 4)
    deletion_protection = optional(bool, true)
    backups             = optional(number, 14)
  })

  validation {
    condition     = var.database.pool_size >= 1
    error_message = "A function needs at least one connection."
  }
}

variable "secret_versions" {
  description = "Version in use of each secret, by its name in the catalogue; 1 when not named. Raise a number to roll a secret."
  type        = map(string)
  default     = {}
}

variable "stripe_connect_scope" {
  description = "What owners are asked for at Stripe: read_only, or read_write where the client is a platform's."
  type        = string
  default     = "read_only"

  validation {
    condition     = contains(["read_only", "read_write"], var.stripe_connect_scope)
    error_message = "stripe_connect_scope must be read_only or read_write."
  }
}

variable "mail_from" {
  description = "Who our mails come from: an address with or without a name."
  type        = string
  default     = "Vaultra <hello@vaultra.com>"
}

variable "log_level" {
  description = "DEBUG, INFO, WARNING or ERROR."
  type        = string
  default     = "INFO"
}

variable "traces_share" {
  description = "Share of the requests whose trace is kept, from 0 to 1."
  type        = number
  default     = 0.1

  validation {
    condition     = var.traces_share >= 0 && var.traces_share <= 1
    error_message = "traces_share is from 0 to 1."
  }
}

variable "llm_provider" {
  description = "Who answers first: openai, ollama, or embedded, which asks no model at all; null: whoever is set up."
  type        = string
  default     = null

  validation {
    condition     = var.llm_provider == null ? true : contains(["openai", "ollama", "embedded"], var.llm_provider)
    error_message = "llm_provider must be openai, ollama or embedded."
  }
}

variable "requests_per_minute" {
  description = "Requests of one address and minute before Cloud Armor answers 429; Stripe's webhooks have their own."
  type        = object({ people = optional(number, 300), webhooks = optional(number, 30000) })
  default     = {}
}

variable "alert_email" {
  description = "Where alarms go."
  type        = string
}

variable "billing_account" {
  description = "Billing account of the budget; null sets none."
  type        = string
  default     = null
}

variable "monthly_budget_usd" {
  description = "The budget. Alarms at half, nine tenths, all, and when the forecast passes it."
  type        = number
  default     = 500
}

variable "repository" {
  description = "Connected repository of Cloud Build (projects/…/connections/…/repositories/…) whose main branch is deployed; null: by hand."
  type        = string
  default     = null
}
