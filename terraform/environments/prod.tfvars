# Production, for some 10,000 businesses (docs/COST.md).
project_id  = "example-vaultra-prod"
environment = "prod"
site_domain = "vaultra.com"
api_domain  = "api.vaultra.com"
alert_email = "oncall@vaultra.com"

warm_instances     = 2
monthly_budget_usd = 1000

database = {
  tier            = "db-custom-4-15360"
  disk_gb         = 100
  max_connections = 900
  pool_size       = 4
}
