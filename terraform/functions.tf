# Every entry of the catalogue, deployed from its own zip.
resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:What is read here are our own builds; Cloud Audit Logs name who changes them
  name                        = "${var.project_id}-function-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  depends_on = [google_project_service.this]
}

# Named after its content: an unchanged zip is an unchanged object, and its function is not deployed again.
resource "google_storage_bucket_object" "source" {
  for_each = local.functions

  bucket         = google_storage_bucket.source.name
  name           = "${each.key}/${try(filesha256("${var.dist_dir}/${each.value.entry_point}.zip"), "missing")}.zip"
  source         = "${var.dist_dir}/${each.value.entry_point}.zip"
  source_md5hash = try(filemd5("${var.dist_dir}/${each.value.entry_point}.zip"), null)

  lifecycle {
    create_before_destroy = true

    precondition {
      condition     = fileexists("${var.dist_dir}/${each.value.entry_point}.zip")
      error_message = "${var.dist_dir}/${each.value.entry_point}.zip is missing; run `vaultra package`."
    }
  }
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:Google's keys encrypt it; it holds public packages and our own code, no data of customers
  repository_id = "functions"
  location      = var.region
  format        = "DOCKER"

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_cloudfunctions2_function" "this" {
  for_each = local.functions

  name        = each.key
  description = each.value.about
  location    = var.region

  build_config {
    runtime           = var.runtime
    entry_point       = each.value.entry_point
    service_account   = google_service_account.build.id
    docker_repository = google_artifact_registry_repository.images.id

    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.source[each.key].name
      }
    }

    automatic_update_policy {} # security updates of the runtime, without a deploy
  }

  service_config {
    service_account_email            = google_service_account.function[each.key].email
    ingress_settings                 = length(each.value.paths) > 0 ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY"
    available_memory                 = each.value.memory
    available_cpu                    = "1" # with less, an instance serves one request at once
    timeout_seconds                  = each.value.timeout_seconds
    max_instance_request_concurrency = each.value.concurrency
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    all_traffic_on_latest_revision   = true

    direct_vpc_egress = "VPC_EGRESS_PRIVATE_RANGES_ONLY"
    direct_vpc_network_interface {
      network    = google_compute_network.main.name
      subnetwork = google_compute_subnetwork.functions.name
    }

    environment_variables = merge(
      {
        GOOGLE_CLOUD_PROJECT = var.project_id
        LOG_LEVEL            = var.log_level
        MAIL_FROM            = var.mail_from
        PUBLIC_API_URL       = "https://${var.site_domain}/api/v1" # the address that browsers use
        SITE_URL             = "https://${var.site_domain}"
        STRIPE_CONNECT_SCOPE = var.stripe_connect_scope
        TRUSTED_PROXIES      = length(each.value.paths) > 0 ? "2" : "0" # what the load balancer writes: the caller, itself
        VAULTRA_ENVIRONMENT  = var.environment
      },
      each.value.uses_db ? {
        CLOUD_SQL_INSTANCE = google_sql_database_instance.main.connection_name
        DATABASE_NAME      = google_sql_database.app.name
        DATABASE_USER      = google_sql_user.function[each.key].name
        POOL_SIZE          = tostring(each.value.pool_size)
      } : {},
      each.value.asks_models && var.llm_provider != null ? { LLM_PROVIDER = var.llm_provider } : {},
      each.value.uses_trace ? { OTEL_TRACES = "gcp", OTEL_TRACES_SHARE = tostring(var.traces_share) } : {},
    )

    dynamic "secret_environment_variables" {
      for_each = toset(each.value.secrets)
      content {
        key        = secret_environment_variables.value
        project_id = var.project_id
        secret     = google_secret_manager_secret.this[secret_environment_variables.value].secret_id
        version    = lookup(var.secret_versions, secret_environment_variables.value, "1")
      }
    }
  }

  depends_on = [
    google_project_iam_member.this,
    google_secret_manager_secret_iam_member.reader,
  ]
}
