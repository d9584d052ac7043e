#!/bin/sh
# Build the migration job's image of dist/migrate/ and write its name, with its digest, into dist/migrate.image.
# The tag is the content's hash: what is in the registry already is not built again.
set -eu
tag="$REGION-docker.pkg.dev/$PROJECT_ID/functions/migrate:$(sha256sum dist/migrate.zip | cut -c1-16)"
if ! docker pull --quiet "$tag"; then
  docker build --quiet --tag "$tag" dist/migrate
  docker push --quiet "$tag"
fi
docker inspect --format='{{index .RepoDigests 0}}' "$tag" >dist/migrate.image
