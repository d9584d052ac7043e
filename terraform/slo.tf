# The promises of 30 days, measured at the load balancer, and an alarm when one is being spent too fast.
locals {
  api_functions = setsubtract(keys(local.http_functions), local.webhook_functions)

  lb_requests = {
    for kind, names in { api = local.api_functions, webhooks = local.webhook_functions } :
    kind => "resource.type = \"https_lb_rule\" AND resource.label.backend_target_name = one_of(${join(", ", [for name in names : jsonencode(name)])})"
  }

  # `milliseconds` null: an answer counts as good when it is not 5xx; else when it is that fast.
  objectives = {
    api-answers      = { title = "99.5 % of API requests are not answered 5xx", kind = "api", goal = 0.995, milliseconds = null }
    api-is-fast      = { title = "95 % of API requests take at most 400 ms", kind = "api", goal = 0.95, milliseconds = 400 }
    webhooks-answer  = { title = "99.9 % of webhooks are not answered 5xx", kind = "webhooks", goal = 0.999, milliseconds = null }
    webhooks-in-time = { title = "99 % of webhooks take at most 500 ms", kind = "webhooks", goal = 0.99, milliseconds = 500 }
  }

  # A month's allowance gone in two days.
  burn_rate = 14.4
}

resource "google_monitoring_custom_service" "this" {
  for_each = local.lb_requests

  service_id   = each.key
  display_name = "Vaultra ${each.key}"

  depends_on = [google_project_service.this]
}

resource "google_monitoring_slo" "this" {
  for_each = local.objectives

  service             = google_monitoring_custom_service.this[each.value.kind].service_id
  slo_id              = each.key
  display_name        = each.value.title
  goal                = each.value.goal
  rolling_period_days = 30

  request_based_sli {
    dynamic "good_total_ratio" {
      for_each = each.value.milliseconds == null ? [1] : []
      content {
        total_service_filter = "${local.lb_requests[each.value.kind]} AND metric.type = \"loadbalancing.googleapis.com/https/request_count\""
        bad_service_filter   = "${local.lb_requests[each.value.kind]} AND metric.type = \"loadbalancing.googleapis.com/https/request_count\" AND metric.label.response_code_class = 500"
      }
    }

    dynamic "distribution_cut" {
      for_each = each.value.milliseconds == null ? [] : [each.value.milliseconds]
      content {
        distribution_filter = "${local.lb_requests[each.value.kind]} AND metric.type = \"loadbalancing.googleapis.com/https/total_latencies\""

        range {
          max = distribution_cut.value
        }
      }
    }
  }
}

# A long window, so that a hiccup does not wake anybody, and a short one, so that the alarm ends with its cause.
resource "google_monitoring_alert_policy" "burn_rate" {
  for_each = local.objectives

  display_name          = "Spent too fast: ${each.value.title}"
  combiner              = "AND"
  severity              = "CRITICAL"
  notification_channels = local.channels

  dynamic "conditions" {
    for_each = ["3600s", "300s"]
    content {
      display_name = "over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.this[each.key].name}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = local.burn_rate
        duration        = "0s"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "docs/OPERATIONS.md#9-a-deploy-must-be-rolled-back"
  }
}
