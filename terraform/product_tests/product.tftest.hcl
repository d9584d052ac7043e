# The real catalogue and the real zips, with a provider that only pretends. After `vaultra package`, for each environment:
#   terraform test -test-directory=product_tests -var-file=environments/prod.tfvars
mock_provider "google" {
  source = "./tests/mocks"
}

run "everything" {
  command = apply

  assert {
    condition     = toset([for f in google_cloudfunctions2_function.this : f.build_config[0].entry_point]) == toset(keys(yamldecode(file("../functions/functions.yaml"))))
    error_message = "every function of functions.yaml is deployed, and nothing else"
  }
  assert {
    condition     = alltrue([for name, object in google_storage_bucket_object.source : !strcontains(object.name, "missing")])
    error_message = "every function has its zip"
  }
  assert {
    condition     = length(google_pubsub_subscription.dead) == length(google_pubsub_subscription.work)
    error_message = "one function keeps the dead letters of every subscription"
  }
  assert {
    condition     = output.connections.most <= 0.8 * output.connections.allowed
    error_message = "the connections fit"
  }
}
