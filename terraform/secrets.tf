# The containers of secrets and who may read them. Values never pass through Terraform: they are added with
# `gcloud secrets versions add` before the functions exist, so that none ever runs with a placeholder.
locals {
  secret_ids = { for name in local.secrets : name => lower(replace(name, "_", "-")) }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secret_ids

  secret_id = each.value

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.secret_readers

  secret_id = google_secret_manager_secret.this[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.function].member
}
