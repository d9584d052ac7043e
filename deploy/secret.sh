#!/bin/sh
# Replace a secret that may hold several values: secret.sh begin|end SECRET [--dry-run]. Nothing is printed of a value.
#
#   begin  adds a version with a new value before the old one; the new one comes from standard input
#   end    adds a version with the new value alone
#
# After each: the version it tells goes into secret_versions of the tfvars, and the release is deployed. Safe twice.
set -eu
step=${1:-} secret=${2:-} dry=${3:-}
case "$step $secret $dry" in
"begin "?*" " | "end "?*" " | "begin "?*" --dry-run" | "end "?*" --dry-run") ;;
*)
  echo "secret.sh begin|end SECRET [--dry-run]" >&2
  exit 2
  ;;
esac
held=$(gcloud secrets versions access latest --secret="$secret")
case $held in *,*) several=yes ;; *) several=no ;; esac
if { [ "$step" = begin ] && [ "$several" = yes ]; } || { [ "$step" = end ] && [ "$several" = no ]; }; then
  echo "$secret: nothing to do, the latest version holds $([ "$several" = yes ] && echo two values || echo one value)"
  exit 0
fi
if [ "$dry" = --dry-run ]; then
  echo "$secret: would add a version with $([ "$step" = begin ] && echo two values || echo one value)"
  exit 0
fi
if [ "$step" = begin ]; then
  read -r value || test -n "$value" || true # the line may lack its end
  case $value in "" | *,*)
    echo "$secret: one value on one line is wanted" >&2
    exit 1
    ;;
  esac
  added=$(printf '%s,%s' "$value" "$held" | gcloud secrets versions add "$secret" --data-file=- --format='value(name)')
else
  added=$(printf '%s' "${held%%,*}" | gcloud secrets versions add "$secret" --data-file=- --format='value(name)')
fi
echo "$secret: version ${added##*/}"
