# Health, looked at from outside: the site, and every function behind the load balancer.
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
