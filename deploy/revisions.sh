#!/bin/sh
# Remember which revision of each function answers, or send the traffic back to those: revisions.sh keep|restore FILE.
set -eu
file=$2
listed() { # which revision has the traffic: not always the newest, when a release was taken back
  gcloud run services list --region="$REGION" --format='value(metadata.name,status.traffic[0].revisionName)'
}
case $1 in
keep)
  listed >"$file"
  ;;
restore)
  listed | while read -r service now; do
    before=$(awk -v service="$service" '$1 == service { print $2 }' "$file")
    # A function that is new has nothing to go back to.
    if [ -n "$before" ] && [ "$before" != "$now" ]; then
      echo "$service: back to $before"
      gcloud run services update-traffic "$service" --region="$REGION" --to-revisions="$before"=100 --quiet </dev/null
    fi
  done
  ;;
*)
  echo "revisions.sh keep|restore FILE" >&2
  exit 2
  ;;
esac
