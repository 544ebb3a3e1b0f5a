# MLflow takes the database of its users from a file alone, in which a percent sign is written twice.
umask 077
cat > "$MLFLOW_AUTH_CONFIG_PATH" <<INI
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = $(printf %s "$MLFLOW_BACKEND_STORE_URI" | sed 's/%/%%/g')
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
INI
exec mlflow server --app-name basic-auth --host 0.0.0.0 --port 5000 \
  --workers {{ .Values.mlflow.workers }} --uvicorn-opts '--log-level warning' \
  --serve-artifacts --artifacts-destination s3://{{ .Values.bucket.name }}/mlflow \
  --allowed-hosts '{{ include "matchday.mlflow.hosts" . }}'
