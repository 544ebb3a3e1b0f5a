#!/bin/sh
# Prints new passwords of a trial installation as KEY=VALUE lines, for a Secret that an overlay makes:
#   sh k8s/credentials.sh > k8s/overlays/dev/credentials.env
# Keep the file: the database keeps its first password.
set -eu

namespace=${1:-matchday}
password() { LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 32; }

redis=$(password)
database=$(password)
cat <<ENV
MATCHDAY_ONLINE_STORE=redis://:$redis@matchday-redis.$namespace.svc:6379/0
REDIS_PASSWORD=$redis
MLFLOW_BACKEND_STORE_URI=postgresql://mlflow:$database@matchday-database.$namespace.svc:5432/mlflow
POSTGRES_PASSWORD=$database
AWS_ACCESS_KEY_ID=$(password)
AWS_SECRET_ACCESS_KEY=$(password)
MLFLOW_TRACKING_USERNAME=matchday
MLFLOW_TRACKING_PASSWORD=$(password)
MLFLOW_FLASK_SERVER_SECRET_KEY=$(password)
ENV
