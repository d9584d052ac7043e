# The job that runs an operator's commands beside the database, which no other machine reaches: deploy/operate.sh.
resource "google_service_account" "operate" {
  account_id   = "operate"
  display_name = "Runs an operator's commands"

  depends_on = [google_project_service.this]
}

locals {
  # What the commands need of the catalogue's secrets: Stripe, owners' keys, and where articles go.
  operate_secrets = setintersection(local.secrets, toset([
    "OPENAI_API_KEY",
    "PINECONE_API_KEY",
    "PINECONE_INDEX_HOST",
    "STRIPE_SECRET_KEY",
    "TOKEN_ENCRYPTION_KEYS",
  ]))

  schedule_role = "projects/${var.project_id}/roles/scheduleOperator"
}

resource "google_cloud_run_v2_job" "operate" {
  name                = "operate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.operate.email
      max_retries     = 0 # each command is safe to run again, by a person who has read what it said
      timeout         = "3600s"

      containers {
        image = var.operate_image

        dynamic "env" {
          for_each = {
            CLOUD_SQL_INSTANCE   = google_sql_database_instance.main.connection_name
            DATABASE_NAME        = google_sql_database.app.name
            DATABASE_USER        = google_sql_user.operate.name
            GOOGLE_CLOUD_PROJECT = var.project_id
            GOOGLE_CLOUD_REGION  = var.region
            POOL_SIZE            = "2"
            STRIPE_CONNECT_SCOPE = var.stripe_connect_scope
            VAULTRA_ENVIRONMENT  = var.environment
          }
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.operate_secrets
          content {
            name = env.value

            value_source {
              secret_key_ref {
                secret  = google_secret_manager_secret.this[env.value].secret_id
                version = lookup(var.secret_versions, env.value, "1")
              }
            }
          }
        }
      }

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"

        network_interfaces {
          network    = google_compute_network.main.name
          subnetwork = google_compute_subnetwork.functions.name
        }
      }
    }
  }

  depends_on = [
    google_project_iam_member.this,
    google_secret_manager_secret_iam_member.operate,
  ]
}

# Owns nothing, as the functions' users: the migration job lets it read and write rows.
resource "google_sql_user" "operate" {
  instance = google_sql_database_instance.main.name
  name     = trimsuffix(google_service_account.operate.email, ".gserviceaccount.com")
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
}

resource "google_secret_manager_secret_iam_member" "operate" {
  for_each = local.operate_secrets

  secret_id = google_secret_manager_secret.this[each.value].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.operate.member
}

# A dead letter goes back to its own topic, whichever that is.
resource "google_pubsub_topic_iam_member" "operate" {
  for_each = local.topics

  topic  = google_pubsub_topic.work[each.value].id
  role   = "roles/pubsub.publisher"
  member = google_service_account.operate.member
}

# `vaultra jobs`: look, run, pause and resume; not make, change or delete.
resource "google_project_iam_custom_role" "schedule" {
  role_id = "scheduleOperator"
  title   = "Looks at, runs, pauses and resumes jobs of the schedule"
  permissions = [
    "cloudscheduler.jobs.enable",
    "cloudscheduler.jobs.get",
    "cloudscheduler.jobs.list",
    "cloudscheduler.jobs.pause",
    "cloudscheduler.jobs.run",
  ]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "operate_schedule" {
  project = var.project_id
  role    = google_project_iam_custom_role.schedule.name
  member  = google_service_account.operate.member
}
