# Which Terraform, which provider, where the state lies.
terraform {
  required_version = ">= 1.11, < 2.0"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.31, < 8.0" # 7.21: Direct VPC egress for functions; 7.31: all_traffic_on_latest_revision is honoured
    }
  }

  # bucket and prefix come from environments/<environment>.gcs.tfbackend
  backend "gcs" {}
}

provider "google" {
  project               = var.project_id
  region                = var.region
  billing_project       = var.project_id
  user_project_override = true # budgets ask for a quota project

  default_labels = {
    app         = "vaultra"
    environment = var.environment
    managed_by  = "terraform"
  }
}

data "google_project" "this" {
  project_id = var.project_id
}
