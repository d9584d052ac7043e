#!/bin/sh
# Look every deployed dependency up among the known holes, and fail unless every one was really looked up.
set -eu
mkdir -p dist
.venv/bin/python -m vaultra_local.audit list >dist/deployed.txt
python -m venv dist/audit
dist/audit/bin/pip install --quiet --disable-pip-version-check pip-audit==2.10.1
# Its exit status says nothing: it is 0 where nothing could be looked up, too.
dist/audit/bin/pip-audit --requirement dist/deployed.txt --no-deps --disable-pip --format json --output dist/audit.json || true
.venv/bin/python -m vaultra_local.audit judge dist/audit.json
