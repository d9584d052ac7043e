#!/bin/sh
# Put the site's files into its bucket, or put back what was there: site.sh upload|restore BUCKET. Wants frontend/dist.
#
# Whoever has an old page open still finds its assets: those have their content's hash in their names and are never
# deleted. Pages come last, when everything they name is there.
set -eu
bucket="gs://$2"
before=dist/site-before
assets='_astro/.*'
pages='.*\.html$'
not_pages='.*(?<!\.html)$'
for_ever='public,max-age=31536000,immutable'
ask_again='public,max-age=0,must-revalidate'

pages_last() { # FOLDER: what pages fetch, then the pages; then what is no more goes
  gcloud storage rsync "$1" "$bucket" --recursive --exclude="$assets,$pages" --cache-control="$ask_again"
  gcloud storage rsync "$1" "$bucket" --recursive --exclude="$assets,$not_pages" --cache-control="$ask_again"
  gcloud storage rsync "$1" "$bucket" --recursive --exclude="$assets" --delete-unmatched-destination-objects
}

case $1 in
upload)
  mkdir -p "$before"
  gcloud storage rsync "$bucket" "$before" --recursive --exclude="$assets"
  gcloud storage rsync frontend/dist/_astro "$bucket"/_astro --recursive --cache-control="$for_ever"
  pages_last frontend/dist
  ;;
restore)
  pages_last "$before"
  ;;
*)
  echo "site.sh upload|restore BUCKET" >&2
  exit 2
  ;;
esac
