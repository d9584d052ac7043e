#!/bin/sh
# Run one of the operator's commands beside the database and print what it says: operate.sh dlq list. Wants REGION.
# Its exit status is the command's. What the command prints comes from the log, some seconds later.
set -eu
if [ $# -eq 0 ]; then
  echo "operate.sh COMMAND…, as after vaultra: operate.sh dlq list" >&2
  exit 2
fi
arguments="^;^" # what stands between the words, as gcloud reads it
between=
for word in "$@"; do
  case $word in *";"*)
    echo "A command has no semicolon." >&2
    exit 2
    ;;
  esac
  arguments="$arguments$between$word"
  between=";"
done
execution=$(gcloud run jobs execute operate --region="$REGION" --args="$arguments" --format='value(metadata.name)' --async)
logged() {
  gcloud logging read "resource.type=\"cloud_run_job\" AND labels.\"run.googleapis.com/execution_name\"=\"$execution\" AND textPayload:*" --order=asc --limit=10000 --format='value(textPayload)'
}
after=0
until logged | grep -q '^exit status [0-9]*$'; do
  if [ -n "$(gcloud run jobs executions describe "$execution" --region="$REGION" --format='value(status.completionTime)')" ]; then
    after=$((after + 1))
  fi
  if [ "$after" -gt 12 ]; then
    echo "$execution ended without a word: gcloud run jobs executions describe $execution --region=$REGION" >&2
    exit 1
  fi
  sleep "${PAUSE:-5}"
done
sleep "${PAUSE:-5}" # lines may arrive in another order than they were written
said=$(logged)
printf '%s\n' "$said" | grep -v '^exit status [0-9]*$' || true
exit "$(printf '%s\n' "$said" | sed -n 's/^exit status \([0-9]*\)$/\1/p' | tail -1)"
