# Whom alarms tell, and those on what is measured: what breaks a promise, and what is about to.
resource "google_monitoring_notification_channel" "email" {
  display_name = "Vaultra ${var.environment} on call"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.this]
}

locals {
  channels = [google_monitoring_notification_channel.email.id]

  subscription_metric = "resource.type = \"pubsub_subscription\" AND metric.type = \"pubsub.googleapis.com/subscription"
  database_metric     = "resource.type = \"cloudsql_database\" AND metric.type = \"cloudsql.googleapis.com/database"
  revision_metric     = "resource.type = \"cloud_run_revision\" AND metric.type = \"run.googleapis.com"

  # What is measured, and when it is too much for how long. `chapter` is a heading of docs/OPERATIONS.md.
  thresholds = {
    dead-letters = {
      title     = "Messages were given up"
      severity  = "CRITICAL"
      filter    = "${local.subscription_metric}/dead_letter_message_count\""
      aligner   = "ALIGN_DELTA"
      threshold = 0
      duration  = "0s"
      group     = ["resource.label.subscription_id"]
      chapter   = "1-messages-were-given-up"
    }
    dead-letters-wait = {
      title     = "Dead letters can't be recorded"
      severity  = "CRITICAL"
      filter    = "${local.subscription_metric}/num_undelivered_messages\" AND resource.label.subscription_id = monitoring.regex.full_match(\".*\\\\.dead\\\\..*\")"
      aligner   = "ALIGN_MIN"
      threshold = 0
      duration  = "1800s"
      group     = ["resource.label.subscription_id"]
      chapter   = "1-messages-were-given-up"
    }
    backlog-age = {
      title     = "The oldest message waits for more than ten minutes"
      severity  = "ERROR"
      filter    = "${local.subscription_metric}/oldest_unacked_message_age\""
      aligner   = "ALIGN_MAX"
      threshold = 600
      duration  = "300s"
      group     = ["resource.label.subscription_id"]
      chapter   = "2-events-wait-or-are-parked"
    }
    server-errors = {
      title     = "A function answers 5xx"
      severity  = "ERROR"
      filter    = "${local.revision_metric}/request_count\" AND metric.label.response_code_class = \"5xx\""
      aligner   = "ALIGN_RATE"
      threshold = 0.1
      duration  = "300s"
      group     = ["resource.label.service_name"]
      chapter   = "9-a-deploy-must-be-rolled-back"
    }
    database-connections = {
      title     = "More than 80 % of the database's connections are in use"
      severity  = "ERROR"
      filter    = "${local.database_metric}/postgresql/num_backends\""
      aligner   = "ALIGN_MEAN"
      threshold = 0.8 * var.database.max_connections
      duration  = "300s"
      group     = ["resource.label.database_id"]
      chapter   = "12-the-database-is-at-its-limit"
    }
    database-cpu = {
      title     = "The database's processors are busy for more than 80 %"
      severity  = "WARNING"
      filter    = "${local.database_metric}/cpu/utilization\""
      aligner   = "ALIGN_MEAN"
      threshold = 0.8
      duration  = "900s"
      group     = ["resource.label.database_id"]
      chapter   = "12-the-database-is-at-its-limit"
    }
    database-disk = {
      title     = "The database's disk is fuller than 85 %"
      severity  = "WARNING"
      filter    = "${local.database_metric}/disk/utilization\""
      aligner   = "ALIGN_MEAN"
      threshold = 0.85
      duration  = "900s"
      group     = ["resource.label.database_id"]
      chapter   = "12-the-database-is-at-its-limit"
    }
  }
}

resource "google_monitoring_alert_policy" "threshold" {
  for_each = local.thresholds

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = "REDUCE_SUM"
        group_by_fields      = each.value.group
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "docs/OPERATIONS.md#${each.value.chapter}"
  }
}
