#!/bin/sh
# Bring a project to what terraform/ says: apply.sh [terraform's arguments].
# Wants ENVIRONMENT, dist/migrate.image and dist/operate.image.
set -eu
migrate=$(cat dist/migrate.image)
operate=$(cat dist/operate.image)
export TF_IN_AUTOMATION=1
terraform -chdir=terraform init -input=false -backend-config="environments/$ENVIRONMENT.gcs.tfbackend"
terraform -chdir=terraform apply -input=false -auto-approve \
  -var-file="environments/$ENVIRONMENT.tfvars" -var="migrate_image=$migrate" -var="operate_image=$operate" "$@"
terraform -chdir=terraform output -json >dist/outputs.json
