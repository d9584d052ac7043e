# functions.yaml, turned into what everything else loops over. Nothing here names a function.
locals {
  catalogue = yamldecode(file(var.catalogue_file))

  functions = {
    for key, entry in local.catalogue : replace(key, "_", "-") => {
      entry_point       = key
      about             = entry.about
      paths             = try(entry.trigger.http, [])
      topic             = try(entry.trigger.topic, null)
      takes_dead        = try(entry.trigger.dead_letters, null) != null
      publishes         = try(entry.publishes, [])
      secrets           = try(entry.secrets, [])
      schedule          = try(entry.schedule, [])
      uses_db           = contains(entry.uses, "db")
      uses_trace        = contains(entry.uses, "trace")
      asks_models       = contains(entry.uses, "openai")
      memory            = entry.size.memory
      timeout_seconds   = entry.size.timeout_seconds
      concurrency       = entry.concurrency
      min_instances     = entry.size.min_instances > 0 ? var.warm_instances : 0
      max_instances     = min(entry.size.max_instances, coalesce(var.max_instances, entry.size.max_instances))
      pool_size         = min(entry.concurrency, var.database.pool_size)
      extra_connections = contains(entry.uses, "stripe") ? 1 : 0 # owners' keys are read apart: services.key_engine
    }
  }

  http_functions = { for name, f in local.functions : name => f if length(f.paths) > 0 }

  # Stripe signs what it sends here, and sends it from few addresses.
  webhooks_prefix   = "/api/v1/webhooks/"
  webhook_functions = [for name, f in local.http_functions : name if startswith(f.paths[0], local.webhooks_prefix)]

  topics = toset(concat(compact([for f in local.functions : f.topic]), flatten([for f in local.functions : f.publishes])))

  # "<topic>.<function>", as the local broker names them.
  subscriptions = {
    for name, f in local.functions : "${f.topic}.${name}" => { topic = f.topic, function = name } if f.topic != null
  }

  # "<topic>.<function>.dead.<collector>"
  collections = merge([
    for name, f in local.functions : {
      for key in keys(local.subscriptions) : "${key}.dead.${name}" => { subscription = key, function = name }
    } if f.takes_dead
  ]...)

  publishers = merge([
    for name, f in local.functions : {
      for topic in f.publishes : "${topic}.${name}" => { topic = topic, function = name }
    }
  ]...)

  schedules = merge([
    for name, f in local.functions : {
      for item in f.schedule : replace(item.job, "_", "-") => { job = item.job, cron = item.cron, topic = f.topic }
    }
  ]...)

  secrets = toset(flatten([for f in local.functions : f.secrets]))

  secret_readers = merge([
    for name, f in local.functions : {
      for secret in f.secrets : "${secret}.${name}" => { secret = secret, function = name }
    }
  ]...)

  # Every instance of every function open at once, one more of each while it is being deployed, the migration job, an
  # operator's, and what Cloud SQL needs for itself.
  most_connections = sum([
    for f in local.functions : f.uses_db ? (f.max_instances + 1) * (f.pool_size + f.extra_connections) : 0
  ]) + 10
}
