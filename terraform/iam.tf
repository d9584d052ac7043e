# One identity per function, and what each may do.
resource "google_service_account" "function" {
  for_each = local.functions

  account_id   = "fn-${each.key}"
  display_name = "Function ${each.key}"
  description  = each.value.about

  lifecycle {
    precondition {
      condition     = length("fn-${each.key}") <= 30
      error_message = "A service account's id has at most 30 characters; fn-${each.key} has more. Choose a shorter name for the function."
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_service_account" "build" {
  account_id   = "function-build"
  display_name = "Builds the functions' images"

  depends_on = [google_project_service.this]
}

resource "google_service_account" "push" {
  account_id   = "pubsub-push"
  display_name = "Signs what Pub/Sub pushes to functions"

  depends_on = [google_project_service.this]
}

resource "google_service_account" "migrate" {
  account_id   = "db-migrate"
  display_name = "Migrates the database"

  depends_on = [google_project_service.this]
}

locals {
  database_roles = ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]

  project_roles = merge(
    merge([
      for name, f in local.functions : {
        for role in concat(f.uses_trace ? ["roles/cloudtrace.agent"] : [], f.uses_db ? local.database_roles : []) :
        "${name}.${role}" => { role = role, member = google_service_account.function[name].member }
      }
    ]...),
    { for role in local.database_roles : "migrate.${role}" => { role = role, member = google_service_account.migrate.member } },
    { for role in local.database_roles : "operate.${role}" => { role = role, member = google_service_account.operate.member } },
    { for role in ["roles/logging.logWriter", "roles/artifactregistry.writer", "roles/storage.objectViewer"] :
    "build.${role}" => { role = role, member = google_service_account.build.member } },
  )

  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_project_iam_member" "this" {
  for_each = local.project_roles

  project = var.project_id
  role    = each.value.role
  member  = each.value.member
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishers

  topic  = google_pubsub_topic.work[each.value.topic].id
  role   = "roles/pubsub.publisher"
  member = google_service_account.function[each.value.function].member
}

# Callers of HTTP functions come through the load balancer without a Google identity; the code asks who they are.
resource "google_cloud_run_service_iam_member" "public" {
  #checkov:skip=CKV_GCP_102:Only the load balancer reaches these functions, and their own code signs people in
  for_each = local.http_functions

  location = var.region
  service  = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = "allUsers"
}

# All others are called by Pub/Sub's identity only.
resource "google_cloud_run_service_iam_member" "push" {
  for_each = { for name, f in local.functions : name => f if length(f.paths) == 0 }

  location = var.region
  service  = google_cloudfunctions2_function.this[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.push.member
}
