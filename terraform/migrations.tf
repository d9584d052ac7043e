# The job that brings the database's schema up to date and lets the functions and the operator use it; the pipeline runs it.
resource "google_cloud_run_v2_job" "migrate" {
  name                = "migrate"
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = google_service_account.migrate.email
      max_retries     = 0 # a migration that failed is for a person
      timeout         = "1800s"

      containers {
        image = var.migrate_image
        args  = sort(concat([for user in google_sql_user.function : user.name], [google_sql_user.operate.name]))

        env {
          name  = "CLOUD_SQL_INSTANCE"
          value = google_sql_database_instance.main.connection_name
        }
        env {
          name  = "DATABASE_NAME"
          value = google_sql_database.app.name
        }
        env {
          name  = "DATABASE_USER"
          value = google_sql_user.migrate.name
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

  depends_on = [google_project_iam_member.this]
}
