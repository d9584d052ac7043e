# Topics, the subscriptions that push to functions, what becomes of messages that fail, and the schedule.
resource "google_pubsub_topic" "work" {
  #checkov:skip=CKV_GCP_83:Messages hold ids of rows, no data of customers; Google's keys encrypt them
  for_each = local.topics

  name                       = each.value
  message_retention_duration = "604800s" # seven days to go back to with `gcloud pubsub subscriptions seek`

  lifecycle {
    precondition {
      condition     = contains([for s in local.subscriptions : s.topic], each.value)
      error_message = "Nobody reads the topic ${each.value}."
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_pubsub_subscription" "work" {
  for_each = local.subscriptions

  name                       = each.key
  topic                      = google_pubsub_topic.work[each.value.topic].id
  ack_deadline_seconds       = min(600, local.functions[each.value.function].timeout_seconds + 60)
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = 7
  }

  expiration_policy {
    ttl = "" # never
  }

  depends_on = [google_cloud_run_service_iam_member.push]
}

resource "google_pubsub_topic" "dead" {
  #checkov:skip=CKV_GCP_83:Messages hold ids of rows, no data of customers; Google's keys encrypt them
  for_each = local.subscriptions

  name                       = "${each.key}.dead"
  message_retention_duration = "604800s"

  lifecycle {
    precondition {
      condition     = length(local.collections) > 0
      error_message = "No function takes dead letters, so what fails would be lost."
    }
  }

  depends_on = [google_project_service.this]
}

# Pushes what failed seven times to the function that keeps it. It gives up on nothing: while the database is away,
# messages wait here.
resource "google_pubsub_subscription" "dead" {
  for_each = local.collections

  name                       = each.key
  topic                      = google_pubsub_topic.dead[each.value.subscription].id
  ack_deadline_seconds       = min(600, local.functions[each.value.function].timeout_seconds + 60)
  message_retention_duration = "1209600s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri

    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = google_cloudfunctions2_function.this[each.value.function].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [google_cloud_run_service_iam_member.push]
}

# Pub/Sub itself moves messages to the dead letters, and needs to be allowed to.
resource "google_pubsub_topic_iam_member" "dead_publisher" {
  for_each = local.subscriptions

  topic  = google_pubsub_topic.dead[each.key].id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_subscriber" {
  for_each = local.subscriptions

  subscription = google_pubsub_subscription.work[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

resource "google_cloud_scheduler_job" "tick" {
  for_each = local.schedules

  name      = each.key
  region    = var.region
  schedule  = each.value.cron
  time_zone = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.work[each.value.topic].id
    data       = base64encode(jsonencode({ job = each.value.job }))
  }

  retry_config {
    retry_count = 3
  }
}
