#!/bin/bash
# Makes PGDATA where there is none, with POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, then starts the server:
# docker-entrypoint.sh postgres [OPTION...]
set -euo pipefail

[ "${1:-}" = postgres ] || exec "$@"
: "${PGDATA:?is where the database lives}"
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

# PostgreSQL wants to know its user by name, and a container may run under any number.
if ! getent passwd "$(id -u)" >/dev/null; then
  names=${PGDATA%/*}/.names
  mkdir -p "$names"
  echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" > "$names/passwd"
  echo "postgres:x:$(id -g):" > "$names/group"
  export LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=$names/passwd NSS_WRAPPER_GROUP=$names/group
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  : "${POSTGRES_PASSWORD:?is needed to make a database}"
  # Made beside and moved, so that a start that was interrupted leaves nothing that passes for a database.
  made=$PGDATA.made
  rm -rf "$made"
  mkdir -p "$made"
  chmod 700 "$made"
  initdb --pgdata "$made" --username "$user" --pwfile <(printf '%s\n' "$POSTGRES_PASSWORD") --encoding UTF8 \
    --auth-local trust --auth-host scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >> "$made/pg_hba.conf"
  echo "listen_addresses = '*'" >> "$made/postgresql.conf"
  [ "$database" = postgres ] || postgres --single -j -D "$made" postgres >/dev/null <<< "CREATE DATABASE \"$database\";"
  rmdir "$PGDATA" 2>/dev/null || true
  mv -T "$made" "$PGDATA"
fi
exec "$@"
