# Cloud SQL for PostgreSQL: private, reached with IAM only; no database password exists.
resource "google_sql_database_instance" "main" {
  #checkov:skip=CKV_GCP_108:Clients come from one private network by address; asking DNS for names would delay each connection
  #checkov:skip=CKV2_GCP_13:A line per statement would cost more than the database; Query Insights has durations by statement
  name                = "vaultra-${var.environment}"
  region              = var.region
  database_version    = "POSTGRES_18" # what the tests run on
  deletion_protection = var.database.deletion_protection

  settings {
    tier                        = var.database.tier
    edition                     = var.database.edition # Postgres 16 and later default to ENTERPRISE_PLUS, which refuses db-custom tiers
    availability_type           = var.database.high_availability ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.database.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.database.deletion_protection

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.main.id
      ssl_mode        = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED" # the connector brings one, good for an hour
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "01:00" # before the daily jobs
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = var.database.backups
      }
    }

    insights_config {
      query_insights_enabled = true
    }

    maintenance_window {
      day          = 7
      hour         = 5
      update_track = "stable"
    }

    database_flags {
      name  = "cloudsql.iam_authentication"
      value = "on"
    }
    database_flags {
      name  = "max_connections"
      value = tostring(var.database.max_connections)
    }
    database_flags {
      name  = "log_min_duration_statement"
      value = "-1" # no statement is logged with its values; Query Insights has those without
    }
    database_flags {
      name  = "log_min_messages"
      value = "warning"
    }
    database_flags {
      name  = "log_min_error_statement"
      value = "error"
    }
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }
    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }
    database_flags {
      name  = "log_connections"
      value = "on"
    }
    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
    database_flags {
      name  = "log_duration"
      value = "off"
    }
    database_flags {
      name  = "log_hostname"
      value = "off"
    }
    database_flags {
      name  = "log_statement"
      value = "ddl"
    }
    database_flags {
      name  = "cloudsql.enable_pgaudit"
      value = "on"
    }
  }

  lifecycle {
    precondition {
      condition     = local.most_connections <= 0.8 * var.database.max_connections
      error_message = "The functions may open ${local.most_connections} connections, which is more than 80 % of max_connections (${var.database.max_connections}). Lower max_instances or pool_size, or raise max_connections and the memory it takes."
    }
  }

  depends_on = [google_service_networking_connection.services]
}

resource "google_sql_database" "app" {
  name     = "vaultra"
  instance = google_sql_database_instance.main.name
}

# A function's user owns nothing: the migration job lets it read and write rows (vaultra.db.grants).
resource "google_sql_user" "function" {
  for_each = { for name, f in local.functions : name => f if f.uses_db }

  instance = google_sql_database_instance.main.name
  name     = trimsuffix(google_service_account.function[each.key].email, ".gserviceaccount.com")
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
}

resource "google_sql_user" "migrate" {
  instance       = google_sql_database_instance.main.name
  name           = trimsuffix(google_service_account.migrate.email, ".gserviceaccount.com")
  type           = "CLOUD_IAM_SERVICE_ACCOUNT"
  database_roles = ["cloudsqlsuperuser"] # makes the tables, and the role that functions are in
}
