# The one page to look at.
locals {
  # title, what is measured, how it becomes one number per minute, and by what it is told apart
  charts = [
    ["Requests per second, by function", "${local.revision_metric}/request_count\"", "ALIGN_RATE", "resource.label.service_name"],
    ["5xx per second, by function", "${local.revision_metric}/request_count\" AND metric.label.response_code_class = \"5xx\"", "ALIGN_RATE", "resource.label.service_name"],
    ["Time to answer, 99th percentile, ms", "${local.revision_metric}/request_latencies\"", "ALIGN_PERCENTILE_99", "resource.label.service_name"],
    ["Instances, by function", "${local.revision_metric}/container/instance_count\"", "ALIGN_MAX", "resource.label.service_name"],
    ["Messages that wait", "${local.subscription_metric}/num_undelivered_messages\"", "ALIGN_MAX", "resource.label.subscription_id"],
    ["Age of the oldest message, s", "${local.subscription_metric}/oldest_unacked_message_age\"", "ALIGN_MAX", "resource.label.subscription_id"],
    ["Messages given up", "${local.subscription_metric}/dead_letter_message_count\"", "ALIGN_DELTA", "resource.label.subscription_id"],
    ["Database connections (${var.database.max_connections} at most)", "${local.database_metric}/postgresql/num_backends\"", "ALIGN_MEAN", "resource.label.database_id"],
    ["Database processors", "${local.database_metric}/cpu/utilization\"", "ALIGN_MEAN", "resource.label.database_id"],
    ["Memory, by function, 99th percentile", "${local.revision_metric}/container/memory/utilizations\"", "ALIGN_PERCENTILE_99", "resource.label.service_name"],
  ]
  charts_in_a_row = 2
}

resource "google_monitoring_dashboard" "main" {
  dashboard_json = jsonencode({
    displayName = "Vaultra ${var.environment}"
    mosaicLayout = {
      columns = 12
      tiles = [
        for number, chart in local.charts : {
          xPos   = (number % local.charts_in_a_row) * 6
          yPos   = floor(number / local.charts_in_a_row) * 4
          width  = 6
          height = 4
          widget = {
            title = chart[0]
            xyChart = {
              dataSets = [{
                plotType = "LINE"
                timeSeriesQuery = {
                  timeSeriesFilter = {
                    filter = chart[1]
                    aggregation = {
                      alignmentPeriod    = "60s"
                      perSeriesAligner   = chart[2]
                      crossSeriesReducer = startswith(chart[2], "ALIGN_PERCENTILE") ? "REDUCE_MAX" : "REDUCE_SUM"
                      groupByFields      = [chart[3]]
                    }
                  }
                }
              }]
            }
          }
        }
      ]
    }
  })

  depends_on = [google_project_service.this]
}
