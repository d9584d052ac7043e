# Who runs cloudbuild.yaml, what that identity may do, and the push that starts it.
resource "google_service_account" "deploy" {
  account_id   = "deploy"
  display_name = "Runs cloudbuild.yaml"

  depends_on = [google_project_service.this]
}

locals {
  deploy_roles = toset([
    "roles/artifactregistry.admin",
    "roles/certificatemanager.owner",
    "roles/cloudbuild.builds.editor",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudsql.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/logging.configWriter",
    "roles/logging.logWriter",
    "roles/logging.viewer", # deploy/operate.sh prints from the log
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
  ])

  # Who gets roles for the whole project from this tree gets one of these; the pipeline can give no others away.
  given_roles = distinct(concat([for grant in local.project_roles : grant.role], tolist(local.deploy_roles), [local.schedule_role]))
}

resource "google_project_iam_member" "deploy" {
  #checkov:skip=CKV_GCP_49:The pipeline makes the accounts of new functions
  for_each = local.deploy_roles

  project = var.project_id
  role    = each.value
  member  = google_service_account.deploy.member
}

resource "google_project_iam_member" "deploy_gives_roles" {
  project = var.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.deploy.member

  condition {
    title      = "only the roles of this tree"
    expression = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in local.given_roles : "'${role}'"])}])"
  }
}

# Deploying a function that runs as an account needs leave to act as that account.
resource "google_service_account_iam_member" "deploy_acts_as" {
  for_each = merge(
    google_service_account.function,
    { build = google_service_account.build, push = google_service_account.push, migrate = google_service_account.migrate, operate = google_service_account.operate },
  )

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy.member
}

resource "google_cloudbuild_trigger" "main" {
  count = var.repository == null ? 0 : 1

  name            = "deploy-${var.environment}"
  location        = var.region
  filename        = "cloudbuild.yaml"
  service_account = google_service_account.deploy.id
  substitutions   = { _ENV = var.environment }

  repository_event_config {
    repository = var.repository

    push {
      branch = "^main$"
    }
  }
}
