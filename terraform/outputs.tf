# What a person or the pipeline needs to know afterwards.
output "load_balancer_ip" {
  description = "A record of both host names."
  value       = google_compute_global_address.lb.address
}

output "dns_authorizations" {
  description = "CNAME records that prove to Certificate Manager whose the names are."
  value       = { for name, d in google_certificate_manager_dns_authorization.this : name => d.dns_resource_record[0] }
}

output "secrets" {
  description = "Secrets that need a value before functions can be deployed."
  value       = sort(values(local.secret_ids))
}

output "site_bucket" {
  description = "Where the site's files go."
  value       = google_storage_bucket.site.name
}

output "stripe_webhook_url" {
  description = "Endpoint to register at Stripe."
  value       = one([for name in local.webhook_functions : "https://${var.api_domain}${local.http_functions[name].paths[0]}"])
}

output "connections" {
  description = "Connections the functions may open at once, and what the database allows."
  value       = { most = local.most_connections, allowed = var.database.max_connections }
}

output "site_url" {
  description = "Where owners go."
  value       = "https://${var.site_domain}"
}

output "api_url" {
  description = "Where other programs go."
  value       = "https://${var.api_domain}"
}
