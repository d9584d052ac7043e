#!/bin/sh
# Try the plan with a provider that only pretends: over a small catalogue, and over ours with the zips that were built.
set -eu
cd terraform
terraform fmt -check -recursive
terraform init -backend=false -input=false
terraform validate
terraform test
terraform test -test-directory=product_tests -var-file="environments/$ENVIRONMENT.tfvars"
