# The plan over a small catalogue (fixtures/functions.yaml), with a provider that only pretends.
mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id     = "vaultra-test"
  environment    = "staging"
  site_domain    = "vaultra.example"
  api_domain     = "api.vaultra.example"
  alert_email    = "oncall@vaultra.example"
  catalogue_file = "tests/fixtures/functions.yaml"
  dist_dir       = "tests/fixtures/zips"
  warm_instances = 2
  database       = { tier = "db-custom-4-15360", max_connections = 300, pool_size = 3 }
}

run "functions" {
  command = plan

  assert {
    condition     = toset(keys(google_cloudfunctions2_function.this)) == toset(["door-api", "desk-api", "bell-webhook", "do-work", "keep-time", "keep-letters"])
    error_message = "every entry of the catalogue becomes a function, in its name on Cloud Run"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["do-work"].build_config[0].entry_point == "do_work"
    error_message = "the function in main.py has the catalogue's name"
  }
  assert {
    condition = { for name, f in google_cloudfunctions2_function.this : name => f.service_config[0].min_instance_count } == {
      door-api = 2, desk-api = 0, bell-webhook = 2, do-work = 0, keep-time = 0, keep-letters = 0
    }
    error_message = "the catalogue says which functions stay warm, the environment how many instances of each"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["do-work"].service_config[0].max_instance_count == 20
    error_message = "without a bound of the environment, the catalogue's bound holds"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["bell-webhook"].service_config[0].max_instance_request_concurrency == 80
    error_message = "an instance takes as many requests as the catalogue says"
  }
  assert {
    condition     = { for name, f in google_cloudfunctions2_function.this : name => try(f.service_config[0].environment_variables.POOL_SIZE, "none") } == { door-api = "3", desk-api = "2", bell-webhook = "3", do-work = "3", keep-time = "none", keep-letters = "3" }
    error_message = "the pool is as large as the concurrency, and no larger than the environment allows"
  }
  assert {
    condition     = { for name, f in google_cloudfunctions2_function.this : name => f.service_config[0].environment_variables.TRUSTED_PROXIES } == { door-api = "2", desk-api = "2", bell-webhook = "2", do-work = "0", keep-time = "0", keep-letters = "0" }
    error_message = "only behind the load balancer is X-Forwarded-For believed"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["door-api"].service_config[0].environment_variables.PUBLIC_API_URL == "https://vaultra.example/api/v1"
    error_message = "browsers reach the API on the site's own origin"
  }
}

run "zips" {
  command = plan

  assert {
    condition     = google_storage_bucket_object.source["door-api"].name == "door-api/${filesha256("tests/fixtures/zips/door_api.zip")}.zip"
    error_message = "a zip is named after its content, so that only what changed is deployed again"
  }
  assert {
    condition     = google_cloudfunctions2_function.this["door-api"].build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source["door-api"].name
    error_message = "a function is built from its own zip"
  }
}

run "who_may_call" {
  command = apply

  assert {
    condition = alltrue([
      for name, f in google_cloudfunctions2_function.this :
      f.service_config[0].ingress_settings == (contains(["door-api", "desk-api", "bell-webhook"], name) ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_INTERNAL_ONLY")
    ])
    error_message = "functions without paths admit nothing from outside, the others the load balancer only"
  }
  assert {
    condition     = toset(keys(google_cloud_run_service_iam_member.public)) == toset(["door-api", "desk-api", "bell-webhook"])
    error_message = "anonymous calls are for functions with paths only"
  }
  assert {
    condition     = toset(keys(google_cloud_run_service_iam_member.push)) == toset(["do-work", "keep-time", "keep-letters"])
    error_message = "all others are called by Pub/Sub's identity"
  }
  assert {
    condition     = alltrue([for m in google_cloud_run_service_iam_member.push : m.member != "allUsers"])
    error_message = "nobody anonymous calls an internal function"
  }
}

run "least_privilege" {
  command = apply

  assert {
    condition     = toset(keys(google_service_account.function)) == toset(keys(google_cloudfunctions2_function.this))
    error_message = "one identity per function"
  }
  assert {
    condition = toset(keys(google_project_iam_member.this)) == toset(concat(
      flatten([for name in ["door-api", "desk-api", "bell-webhook", "do-work", "keep-letters"] : ["${name}.roles/cloudsql.client", "${name}.roles/cloudsql.instanceUser"]]),
      ["do-work.roles/cloudtrace.agent", "migrate.roles/cloudsql.client", "migrate.roles/cloudsql.instanceUser"],
      ["operate.roles/cloudsql.client", "operate.roles/cloudsql.instanceUser"],
      ["build.roles/logging.logWriter", "build.roles/artifactregistry.writer", "build.roles/storage.objectViewer"],
    ))
    error_message = "the database and traces for those that use them, and nothing else for the whole project"
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.reader)) == toset(["JWT_SECRET.door-api", "JWT_SECRET.desk-api", "STRIPE_SECRET_KEY.desk-api", "BELL_SECRET.bell-webhook"])
    error_message = "a function reads its own secrets only"
  }
  assert {
    condition     = toset(keys(google_pubsub_topic_iam_member.publisher)) == toset(["work-due.door-api", "work-due.bell-webhook", "tick.keep-time", "work-due.keep-time"])
    error_message = "a function publishes to its own topics only"
  }
  assert {
    condition     = toset(keys(google_sql_user.function)) == toset(["door-api", "desk-api", "bell-webhook", "do-work", "keep-letters"])
    error_message = "a database user for those that use the database"
  }
  assert {
    condition     = alltrue([for user in google_sql_user.function : user.type == "CLOUD_IAM_SERVICE_ACCOUNT" && user.password == null])
    error_message = "no database password exists"
  }
  assert {
    condition     = alltrue([for role in google_project_iam_member.deploy : !contains(["roles/owner", "roles/editor"], role.role)])
    error_message = "the pipeline owns nothing as a whole"
  }
  assert {
    condition     = strcontains(google_project_iam_member.deploy_gives_roles.condition[0].expression, "'roles/cloudsql.client'") && !strcontains(google_project_iam_member.deploy_gives_roles.condition[0].expression, "roles/owner")
    error_message = "the pipeline can give away the roles of this tree only"
  }
}

run "operators" {
  command = apply

  assert {
    condition     = google_cloud_run_v2_job.operate.template[0].template[0].max_retries == 0 && google_cloud_run_v2_job.operate.template[0].template[0].service_account == google_service_account.operate.email
    error_message = "a command runs once, as the operator's own account"
  }
  assert {
    condition     = { for e in google_cloud_run_v2_job.operate.template[0].template[0].containers[0].env : e.name => e.value_source[0].secret_key_ref[0].version if length(e.value_source) > 0 } == { STRIPE_SECRET_KEY = "1" }
    error_message = "the secrets that commands need, of those that the catalogue has, in their version"
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.operate)) == toset(["STRIPE_SECRET_KEY"])
    error_message = "an operator's job does not read what signs people in"
  }
  assert {
    condition     = toset(keys(google_pubsub_topic_iam_member.operate)) == toset(["work-due", "tick"])
    error_message = "a dead letter can go back to its topic, whichever that is"
  }
  assert {
    condition     = alltrue([for p in google_project_iam_custom_role.schedule.permissions : contains(["enable", "get", "list", "pause", "run"], split(".", p)[2])])
    error_message = "jobs are looked at, run, paused and resumed; not made or deleted"
  }
  assert {
    condition     = google_sql_user.operate.type == "CLOUD_IAM_SERVICE_ACCOUNT" && google_sql_user.operate.database_roles == null
    error_message = "the operator's user owns nothing and has no password"
  }
  assert {
    condition     = contains(google_cloud_run_v2_job.migrate.template[0].template[0].containers[0].args, google_sql_user.operate.name)
    error_message = "the migration job lets the operator's user use the tables"
  }
  assert {
    condition     = strcontains(google_project_iam_member.deploy_gives_roles.condition[0].expression, "'projects/vaultra-test/roles/scheduleOperator'")
    error_message = "the pipeline may give the operator's role away"
  }
}

run "traces" {
  command = plan

  assert {
    condition     = { for name, f in google_cloudfunctions2_function.this : name => try(f.service_config[0].environment_variables.OTEL_TRACES, "none") } == { door-api = "none", desk-api = "none", bell-webhook = "none", do-work = "gcp", keep-time = "none", keep-letters = "none" }
    error_message = "those trace that the catalogue says use traces"
  }
}

run "secrets" {
  command = plan

  variables {
    secret_versions = { JWT_SECRET = "3" }
  }

  assert {
    condition     = { for name, secret in google_secret_manager_secret.this : name => secret.secret_id } == { JWT_SECRET = "jwt-secret", STRIPE_SECRET_KEY = "stripe-secret-key", BELL_SECRET = "bell-secret" }
    error_message = "one container per secret that the catalogue names"
  }
  assert {
    condition     = { for s in google_cloudfunctions2_function.this["desk-api"].service_config[0].secret_environment_variables : s.key => s.version } == { JWT_SECRET = "3", STRIPE_SECRET_KEY = "1" }
    error_message = "versions are pinned: a secret changes when somebody says so"
  }
}

run "messages" {
  command = apply

  assert {
    condition     = toset(keys(google_pubsub_subscription.work)) == toset(["work-due.do-work", "tick.keep-time"])
    error_message = "a subscription per topic function"
  }
  assert {
    condition     = { for name, s in google_pubsub_subscription.work : name => s.ack_deadline_seconds } == { "work-due.do-work" = 600, "tick.keep-time" = 120 }
    error_message = "a delivery is given up a minute after the function must have ended"
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.work : s.dead_letter_policy[0].max_delivery_attempts == 7 && s.expiration_policy[0].ttl == ""])
    error_message = "seven attempts, and no subscription expires"
  }
  assert {
    condition     = toset(keys(google_pubsub_topic.dead)) == toset(keys(google_pubsub_subscription.work))
    error_message = "every subscription has its dead letters"
  }
  assert {
    condition     = { for name, s in google_pubsub_subscription.dead : name => length(s.dead_letter_policy) } == { "work-due.do-work.dead.keep-letters" = 0, "tick.keep-time.dead.keep-letters" = 0 }
    error_message = "somebody takes every dead letter, and never gives up on it"
  }
  assert {
    condition = { for name, job in google_cloud_scheduler_job.tick : name => [job.schedule, base64decode(job.pubsub_target[0].data), job.time_zone] } == {
      every-hour = ["0 * * * *", "{\"job\":\"every_hour\"}", "Etc/UTC"], every-night = ["0 2 * * *", "{\"job\":\"every_night\"}", "Etc/UTC"]
    }
    error_message = "the schedule puts the job's name on its function's topic"
  }
}

run "edge" {
  command = apply

  assert {
    condition     = toset(keys(google_compute_backend_service.function)) == toset(["door-api", "desk-api", "bell-webhook"])
    error_message = "a backend per function with paths"
  }
  assert {
    condition = { for matcher in google_compute_url_map.https.path_matcher : matcher.name => toset(flatten([for rule in matcher.path_rule : rule.paths])) } == {
      for host in ["site", "api"] : host => toset([
        "/api/v1/door", "/api/v1/door/*", "/api/v1/health", "/api/v1/health/*", "/api/v1/desk", "/api/v1/desk/*", "/api/v1/webhooks/bell", "/api/v1/webhooks/bell/*",
      ])
    }
    error_message = "both hosts route the catalogue's paths, and what is below them"
  }
  assert {
    condition     = { for matcher in google_compute_url_map.https.path_matcher : matcher.name => matcher.default_service } == { site = google_compute_backend_bucket.site.id, api = google_compute_backend_service.function["door-api"].id }
    error_message = "everything else is the site's, and on the API's host an error in JSON"
  }
  assert {
    condition     = toset(flatten([for rule in google_compute_url_map.https.host_rule : rule.hosts])) == toset(["vaultra.example", "api.vaultra.example"])
    error_message = "both names are served"
  }
  assert {
    condition     = google_compute_url_map.redirect.default_url_redirect[0].https_redirect
    error_message = "plain HTTP is sent to HTTPS"
  }
  assert {
    condition     = google_compute_ssl_policy.modern.min_tls_version == "TLS_1_2"
    error_message = "TLS 1.2 at least"
  }
  assert {
    condition     = one([for rule in google_compute_security_policy.api.rule : rule.priority if strcontains(try(rule.match[0].expr[0].expression, ""), "/api/v1/webhooks/")]) < one([for rule in google_compute_security_policy.api.rule : rule.priority if strcontains(try(rule.match[0].expr[0].expression, ""), "cve-canary")])
    error_message = "webhooks pass before the firewall reads customers' text, and before people's limit"
  }
  assert {
    condition     = output.stripe_webhook_url == "https://api.vaultra.example/api/v1/webhooks/bell"
    error_message = "the address to register at Stripe"
  }
  assert {
    condition     = one([for s in google_sql_database_instance.main.settings : one([for ip in s.ip_configuration : ip.ipv4_enabled])]) == false
    error_message = "the database has no public address"
  }
}

run "alarms" {
  command = plan

  assert {
    condition     = toset(keys(google_monitoring_uptime_check_config.https)) == toset(["site", "door-api", "desk-api", "bell-webhook"])
    error_message = "the site and every function with paths are asked from outside"
  }
  assert {
    condition     = google_monitoring_uptime_check_config.https["desk-api"].http_check[0].path == "/api/v1/desk/health/ready"
    error_message = "health is asked below the function's own path"
  }
  assert {
    condition     = length(google_monitoring_alert_policy.burn_rate) == 4 && length(google_monitoring_slo.this) == 4
    error_message = "every objective has its alarm"
  }
  assert {
    condition     = strcontains(google_monitoring_slo.this["webhooks-answer"].request_based_sli[0].good_total_ratio[0].total_service_filter, "one_of(\"bell-webhook\")")
    error_message = "webhooks have objectives of their own"
  }
  assert {
    condition     = strcontains(google_monitoring_slo.this["api-is-fast"].request_based_sli[0].distribution_cut[0].distribution_filter, "one_of(\"desk-api\", \"door-api\")")
    error_message = "the site's files don't count as API requests"
  }
  assert {
    condition     = google_monitoring_alert_policy.threshold["database-connections"].conditions[0].condition_threshold[0].threshold_value == 240
    error_message = "80 % of what the database allows"
  }
  assert {
    condition     = length(google_billing_budget.this) == 0
    error_message = "no budget without a billing account"
  }
}

run "budget" {
  command = plan

  variables {
    billing_account = "000000-000000-000000"
  }

  assert {
    condition     = length(google_billing_budget.this[0].threshold_rules) == 4
    error_message = "half, nine tenths, all, forecast"
  }
}

run "a_push_deploys" {
  command = plan

  variables {
    repository = "projects/p/locations/us-central1/connections/c/repositories/vaultra"
  }

  assert {
    condition     = google_cloudbuild_trigger.main[0].filename == "cloudbuild.yaml" && google_cloudbuild_trigger.main[0].repository_event_config[0].push[0].branch == "^main$"
    error_message = "only the main branch is deployed"
  }
}

# door 11 × 3, desk 5 × (2 + 1), bell 11 × 3, do-work 21 × 3, keep-letters 3 × 3, and 10: 163 of at most 0.8 × 204.
run "connections_that_just_fit" {
  command = plan

  variables {
    database = { tier = "db-custom-4-15360", max_connections = 204, pool_size = 3 }
  }

  assert {
    condition     = output.connections.most == 163
    error_message = "pool × (most instances + one more while deploying), and what the platform needs"
  }
}

run "connections_that_do_not_fit" {
  command = plan

  variables {
    database = { tier = "db-custom-4-15360", max_connections = 203, pool_size = 3 }
  }

  expect_failures = [google_sql_database_instance.main]
}

run "fewer_instances_make_them_fit" {
  command = plan

  variables {
    max_instances = 2
    database      = { tier = "db-custom-1-3840", max_connections = 72, pool_size = 3 }
  }

  assert {
    condition     = output.connections.most == 3 * (3 + 3 + 3 + 3 + 3) + 10 && google_cloudfunctions2_function.this["do-work"].service_config[0].max_instance_count == 2
    error_message = "the environment bounds the catalogue's instances"
  }
}

run "no_zip" {
  command = plan

  variables {
    dist_dir = "tests/fixtures/none"
  }

  expect_failures = [google_storage_bucket_object.source]
}

run "a_topic_that_nobody_reads" {
  command = plan

  variables {
    catalogue_file = "tests/fixtures/unread.yaml"
  }

  expect_failures = [google_pubsub_topic.work]
}

run "nobody_takes_dead_letters" {
  command = plan

  variables {
    catalogue_file = "tests/fixtures/uncollected.yaml"
  }

  expect_failures = [google_pubsub_topic.dead]
}

run "an_unknown_environment" {
  command = plan

  variables {
    environment = "production"
  }

  expect_failures = [var.environment]
}
