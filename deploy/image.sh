#!/bin/sh
# Build a job's image of dist/NAME/ and write its name, with its digest, into dist/NAME.image: image.sh migrate|operate.
# The tag is the content's hash: what is in the registry already is not built again.
set -eu
name=$1
tag="$REGION-docker.pkg.dev/$PROJECT_ID/functions/$name:$(sha256sum "dist/$name.zip" | cut -c1-16)"
if ! docker pull --quiet "$tag"; then
  docker build --quiet --tag "$tag" "dist/$name"
  docker push --quiet "$tag"
fi
docker inspect --format='{{index .RepoDigests 0}}' "$tag" >"dist/$name.image"
