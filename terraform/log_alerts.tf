# Alarms on what the code says itself, in a line of its log.
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
