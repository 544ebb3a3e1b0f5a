{{/* Live sources, and the pipelines that run by the clock. */}}

{{- define "matchday.checks.sources" -}}
{{- $known := keys .urls | sortAlpha }}
{{- range .names }}
{{- if not (has . $known) }}
{{- fail (printf "sources.names has %s, which is no source: there are %s" . (join ", " $known)) }}
{{- end }}
{{- end }}
{{- $given := list .token .existingSecret | compact }}
{{- $asked := has "football_data_org" .names }}
{{- if and $asked (not $given) }}
{{- fail "sources.names has football_data_org, which needs a token: give sources.existingSecret, a Secret with MATCHDAY_FOOTBALL_DATA_TOKEN, or sources.token" }}
{{- end }}
{{- if and $given (not $asked) }}
{{- fail "sources.token or sources.existingSecret is given, and no source that is asked takes a token: add football_data_org to sources.names, or drop the token" }}
{{- end }}
{{- if gt (len $given) 1 }}
{{- fail "sources.token and sources.existingSecret are both given: drop one of them" }}
{{- end }}
{{- end }}

{{- define "matchday.checks.recurring" -}}
{{- $recurring := .Values.pipelines.recurring }}
{{- if and $recurring.enabled (not .Values.sources.names) }}
{{- fail "pipelines.recurring.enabled takes in what sources give, and sources.names is empty: name a source, such as fpl, or set pipelines.recurring.enabled=false" }}
{{- end }}
{{- range list "ingest" "materialise" "forecast" }}
{{- include "matchday.checks.cron" (list . (get $recurring .).cron) }}
{{- end }}
{{- end }}

{{/* Five fields, from which Kubeflow's six are made: (list "ingest" CRON). */}}
{{- define "matchday.checks.cron" -}}
{{- $key := printf "pipelines.recurring.%s.cron" (index . 0) }}
{{- $fields := regexSplit "\\s+" (trim (index . 1)) -1 }}
{{- if ne (len $fields) 5 }}
{{- fail (printf "%s is %q, which has %d fields: write five, minute, hour, day, month and weekday; Kubeflow's seconds are put before them" $key (index . 1) (len (compact $fields))) }}
{{- end }}
{{- range $fields }}
{{- if not (regexMatch "^[0-9A-Za-z*/,?-]+$" .) }}
{{- fail (printf "%s has the field %q: a field is made of numbers, names, and * / , - ?" $key .) }}
{{- end }}
{{- end }}
{{- end }}
