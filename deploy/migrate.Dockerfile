# The migration job, built of dist/migrate.zip: brings the schema up to date
# while the product runs, then lets the functions use its tables.
FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY vaultra vaultra
RUN useradd --system migrate
USER migrate
# Arguments are the functions' database users.
ENTRYPOINT ["sh", "-c", "python -m vaultra.db.migrate_online && exec python -m vaultra.db.grants \"$@\"", "migrate"]
