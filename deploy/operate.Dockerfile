# The operator's job, built of dist/operate.zip: runs one command of `vaultra`, and says how it ended.
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY vaultra vaultra
COPY vaultra_local vaultra_local
COPY knowledge knowledge
RUN useradd --system operate
USER operate
# The last line is what deploy/operate.sh waits for in the log.
ENTRYPOINT ["sh", "-c", "python -m vaultra_local.operate \"$@\"; status=$?; echo \"exit status $status\"; exit $status", "operate"]
