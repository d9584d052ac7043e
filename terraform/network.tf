# One private network: functions reach the database over it, everything else over Google's own.
resource "google_compute_network" "main" {
  #checkov:skip=CKV2_GCP_18:Nothing listens in this network; without rules, nothing comes in
  name                    = "vaultra"
  auto_create_subnetworks = false

  depends_on = [google_project_service.this]
}

# Direct VPC egress takes about two addresses per instance; /22 holds some 500 instances.
resource "google_compute_subnetwork" "functions" {
  name                     = "functions"
  network                  = google_compute_network.main.id
  region                   = var.region
  ip_cidr_range            = "10.10.0.0/22"
  private_ip_google_access = true

  log_config {
    aggregation_interval = "INTERVAL_10_MIN"
    flow_sampling        = 0.1
  }
}

resource "google_compute_global_address" "services" {
  name          = "private-services"
  network       = google_compute_network.main.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  network                 = google_compute_network.main.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services.name]
  deletion_policy         = "ABANDON" # Google keeps the peering for days after the last database is gone
}
