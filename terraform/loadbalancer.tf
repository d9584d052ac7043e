# One address for the site and the API: TLS, routing by the catalogue's paths, Cloud Armor.
resource "google_compute_global_address" "lb" {
  name = "vaultra"

  depends_on = [google_project_service.this]
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = local.http_functions

  name                  = each.key
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = google_cloudfunctions2_function.this[each.key].name
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_backend_service" "function" {
  for_each = local.http_functions

  name                  = each.key
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.api.id

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1 # every request has its own line in the function's log
  }
}

# Rules are asked from the lowest number; a throttle that lets pass ends the asking.
resource "google_compute_security_policy" "api" {
  name = "api"
  type = "CLOUD_ARMOR"

  rule {
    priority    = 100
    action      = "throttle"
    description = "Webhooks: signed, in bursts, from few addresses, with customers' free text inside"

    match {
      expr {
        expression = "request.path.startsWith('${local.webhooks_prefix}')"
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute.webhooks
        interval_sec = 60
      }
    }
  }

  # No rules against SQL injection: owners write free text, and every statement has bound parameters.
  rule {
    priority    = 500
    action      = "deny(403)"
    description = "Known holes, log4j's among them"

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  rule {
    priority    = 510
    action      = "deny(403)"
    description = "Programs that look for holes"

    match {
      expr {
        expression = "evaluatePreconfiguredWaf('scannerdetection-v33-stable', {'sensitivity': 1})"
      }
    }
  }

  rule {
    priority    = 900
    action      = "throttle"
    description = "People and their programs"

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.requests_per_minute.people
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    action      = "allow"
    description = "The rule that every policy must end with"

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.this]
}

# --- routing -------------------------------------------------------------------------------

locals {
  # Both hosts send the catalogue's paths to functions; they differ in what answers everything else: on the API's own
  # host, the function that serves the API's health, so that an unknown address gets an error in JSON.
  health_path = "/api/v1/health"
  hosts = {
    site = { domain = var.site_domain, otherwise = google_compute_backend_bucket.site.id }
    api = {
      domain    = var.api_domain
      otherwise = one([for name, f in local.http_functions : google_compute_backend_service.function[name].id if contains(f.paths, local.health_path)])
    }
  }
}

resource "google_compute_url_map" "https" {
  name            = "vaultra"
  default_service = google_compute_backend_bucket.site.id

  dynamic "host_rule" {
    for_each = local.hosts
    content {
      hosts        = [host_rule.value.domain]
      path_matcher = host_rule.key
    }
  }

  dynamic "path_matcher" {
    for_each = local.hosts
    content {
      name            = path_matcher.key
      default_service = path_matcher.value.otherwise

      dynamic "path_rule" {
        for_each = local.http_functions
        content {
          paths   = flatten([for path in path_rule.value.paths : [path, "${path}/*"]])
          service = google_compute_backend_service.function[path_rule.key].id
        }
      }
    }
  }
}

resource "google_compute_url_map" "redirect" {
  name = "https-redirect"

  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }

  depends_on = [google_project_service.this]
}

# --- certificates: proved by DNS records, so that they are valid before the names point here -----------------

locals {
  domains = { site = var.site_domain, api = var.api_domain }
}

resource "google_certificate_manager_dns_authorization" "this" {
  for_each = local.domains

  name   = each.key
  domain = each.value

  depends_on = [google_project_service.this]
}

resource "google_certificate_manager_certificate" "this" {
  for_each = local.domains

  name = each.key

  managed {
    domains            = [each.value]
    dns_authorizations = [google_certificate_manager_dns_authorization.this[each.key].id]
  }
}

resource "google_certificate_manager_certificate_map" "this" {
  name = "vaultra"

  depends_on = [google_project_service.this]
}

resource "google_certificate_manager_certificate_map_entry" "this" {
  for_each = local.domains

  name         = each.key
  map          = google_certificate_manager_certificate_map.this.name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.this[each.key].id]
}

resource "google_compute_ssl_policy" "modern" {
  name            = "modern"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.this]
}

resource "google_compute_target_https_proxy" "this" {
  name            = "vaultra"
  url_map         = google_compute_url_map.https.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.this.id}"
  ssl_policy      = google_compute_ssl_policy.modern.id
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "https-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "https" {
  name                  = "https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.lb.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this.id
}

resource "google_compute_global_forwarding_rule" "http" {
  name                  = "http"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.lb.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}
