# Staging: the same tree, small, cold and without a standby.
project_id  = "example-vaultra-staging"
environment = "staging"
site_domain = "staging.vaultra.com"
api_domain  = "api.staging.vaultra.com"
alert_email = "oncall@vaultra.com"

warm_instances     = 0
max_instances      = 2
monthly_budget_usd = 150

database = {
  tier                = "db-custom-1-3840"
  high_availability   = false
  deletion_protection = false
  max_connections     = 200
  pool_size           = 2
  backups             = 7
}
