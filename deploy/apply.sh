#!/bin/sh
# Bring a project to what terraform/ says: apply.sh [terraform's arguments]. Wants ENVIRONMENT and dist/migrate.image.
set -eu
image=$(cat dist/migrate.image)
export TF_IN_AUTOMATION=1
terraform -chdir=terraform init -input=false -backend-config="environments/$ENVIRONMENT.gcs.tfbackend"
terraform -chdir=terraform apply -input=false -auto-approve \
  -var-file="environments/$ENVIRONMENT.tfvars" -var="migrate_image=$image" "$@"
terraform -chdir=terraform output -json >dist/outputs.json
