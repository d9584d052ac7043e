# Alarms: what breaks a promise, what is about to, and what the code itself says is wrong.
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

# --- what the code says --------------------------------------------------------------------

locals {
  # Lines of the functions' logs that a person should know of; a test finds each message in the code.
  log_events = {
    event-dead = {
      title    = "Stripe events failed for good"
      severity = "CRITICAL"
      filter   = "jsonPayload.message=\"event.failed\" AND jsonPayload.dead=true"
      chapter  = "1-messages-were-given-up"
    }
    request-crashed = {
      title    = "A function met an error that nobody foresaw"
      severity = "ERROR"
      filter   = "jsonPayload.message=\"request.crashed\""
      chapter  = "9-a-deploy-must-be-rolled-back"
    }
    reconcile-found = {
      title    = "Stripe had events that no webhook brought"
      severity = "ERROR"
      filter   = "jsonPayload.message=\"reconcile.found\" AND jsonPayload.missed>0"
      chapter  = "3-an-account-misses-something"
    }
    sync-failed = {
      title    = "Reading an account from Stripe failed"
      severity = "WARNING"
      filter   = "jsonPayload.message=\"sync.failed\""
      chapter  = "7-stripe-is-down-or-asks-us-to-wait"
    }
    key-broken = {
      title    = "An owner's key can't be opened with any of ours"
      severity = "ERROR"
      filter   = "jsonPayload.message=\"sealed_key.broken\""
      chapter  = "10-our-encryption-key-must-be-replaced"
    }
    model-failed = {
      title    = "A model does not answer"
      severity = "WARNING"
      filter   = "jsonPayload.message=\"agent.model_failed\""
      chapter  = "15-models-are-down-or-cost-too-much"
    }
    tool-crashed = {
      title    = "A tool of the agent met an error that nobody foresaw"
      severity = "ERROR"
      filter   = "jsonPayload.message=\"tool.crashed\""
      chapter  = "9-a-deploy-must-be-rolled-back"
    }
    assistant-crashed = {
      title    = "An owner's own assistant met an error that nobody foresaw"
      severity = "ERROR"
      filter   = "jsonPayload.message=\"mcp.crashed\""
      chapter  = "9-a-deploy-must-be-rolled-back"
    }
  }
}

resource "google_logging_metric" "event" {
  for_each = local.log_events

  name   = each.key
  filter = "resource.type=\"cloud_run_revision\" AND ${each.value.filter}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "log_event" {
  for_each = local.log_events

  display_name          = each.value.title
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = local.channels

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter          = "resource.type = \"cloud_run_revision\" AND metric.type = \"logging.googleapis.com/user/${google_logging_metric.event[each.key].name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "docs/OPERATIONS.md#${each.value.chapter}"
  }
}

# --- health, from outside --------------------------------------------------------------------

locals {
  # Every function behind the load balancer tells below its own path whether it reaches the database.
  health_checks = merge(
    { site = { host = var.site_domain, path = "/", period = "60s" } },
    { for name, f in local.http_functions : name => { host = var.api_domain, path = "${f.paths[0]}/health/ready", period = "300s" } },
  )
}

resource "google_monitoring_uptime_check_config" "https" {
  for_each = local.health_checks

  display_name = each.key
  timeout      = "10s"
  period       = each.value.period

  http_check {
    path         = each.value.path
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = each.value.host }
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "uptime" {
  display_name          = "The site or a function is down"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = local.channels

  conditions {
    display_name = "Checks from more than one place fail"

    condition_threshold {
      filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "60s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["metric.label.check_id"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "docs/OPERATIONS.md#9-a-deploy-must-be-rolled-back"
  }
}

resource "google_billing_budget" "this" {
  count = var.billing_account == null ? 0 : 1

  billing_account = var.billing_account
  display_name    = "Vaultra ${var.environment}"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      currency_code = "USD"
      units         = tostring(var.monthly_budget_usd)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = local.channels
  }
}
