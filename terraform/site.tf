# The static site: a bucket that only the load balancer's CDN is meant to read.
resource "google_storage_bucket" "site" {
  #checkov:skip=CKV_GCP_62:The CDN's own log tells what is read; nobody reads the bucket itself
  #checkov:skip=CKV_GCP_114:A website is public; the bucket holds what everybody may download
  name                        = "${var.project_id}-site"
  location                    = var.region
  uniform_bucket_level_access = true

  website {
    main_page_suffix = "index.html"
    not_found_page   = "404.html"
  }

  versioning {
    enabled = true # what a release replaced can be put back
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 5
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "site_public" {
  #checkov:skip=CKV_GCP_28:A website is public; the bucket holds what everybody may download
  bucket = google_storage_bucket.site.name
  role   = "roles/storage.legacyObjectReader" # objects by name; no listing
  member = "allUsers"
}

resource "google_compute_backend_bucket" "site" {
  name             = "site"
  bucket_name      = google_storage_bucket.site.name
  enable_cdn       = true
  compression_mode = "AUTOMATIC"

  cdn_policy {
    cache_mode                   = "USE_ORIGIN_HEADERS" # set at upload: hashed assets for a year, pages are asked for again
    negative_caching             = true
    serve_while_stale            = 86400
    request_coalescing           = true
    signed_url_cache_max_age_sec = 0
  }

  # As the local site answers (vaultra_local/site.py; a test compares them), and TLS for good.
  custom_response_headers = [
    "Content-Security-Policy: default-src 'self'; script-src 'self' 'sha256-Ya0pUYrC7nM5Cn/056TyVuEiz6dFGrzmkWzgON0pF0U=' 'sha256-eIXWvAmxkr251LJZkjniEK5LcPF3NkapbJepohwYRIc='; style-src 'self' 'sha256-vv9IoKo7BSLbWcUHr3tNmfNVmm5L/9Cfn2H6LMk7/ow='; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy: same-origin",
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=()",
    "Referrer-Policy: strict-origin-when-cross-origin",
    "Strict-Transport-Security: max-age=63072000; includeSubDomains",
    "X-Content-Type-Options: nosniff",
  ]
}
