{{/* How clients of Kafka find and trust the brokers: variables, and the files that those name. */}}

{{/* HOST:PORT of each broker, with commas: the chart's own, or yours. Nothing where there is none. */}}
{{- define "matchday.kafka.brokers" -}}
{{- if .Values.kafka.enabled -}}
{{ include "matchday.fullname" . }}-kafka.{{ .Release.Namespace }}.svc:9092
{{- else -}}
{{ join "," .Values.kafka.brokers }}
{{- end }}
{{- end }}

{{/* Of what logs predictions, or reads that log. */}}
{{- define "matchday.env.kafka" -}}
- name: MATCHDAY_SERVING_PREDICTIONS
  value: kafka://{{ include "matchday.kafka.brokers" . }}
{{- include "matchday.env.kafka.security" . }}
{{- end }}

{{/* Of what streams: the same brokers, for every address that names none. */}}
{{- define "matchday.env.kafka.stream" -}}
- name: MATCHDAY_KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "matchday.kafka.brokers" . }}
{{- include "matchday.env.kafka.security" . }}
{{- end }}

{{- define "matchday.env.kafka.security" -}}
{{- with .Values.kafka }}
{{- if ne .securityProtocol "PLAINTEXT" }}
- name: MATCHDAY_KAFKA_SECURITY_PROTOCOL
  value: {{ .securityProtocol }}
{{- end }}
{{- if hasPrefix "SASL" .securityProtocol }}
- name: MATCHDAY_KAFKA_SASL_MECHANISM
  value: {{ .saslMechanism }}
{{ include "matchday.env" (list .existingSecret "MATCHDAY_KAFKA_SASL_USERNAME" "MATCHDAY_KAFKA_SASL_PASSWORD") }}
{{- end }}
{{- if hasSuffix "SSL" .securityProtocol }}
- name: MATCHDAY_KAFKA_SSL_CHECK_HOSTNAME
  value: {{ .tls.checkHostname | quote }}
{{- with .tls.caSecret }}
- name: MATCHDAY_KAFKA_SSL_CA_FILE
  value: /etc/kafka/ca.crt
{{- end }}
{{- if .tls.clientSecret }}
- name: MATCHDAY_KAFKA_SSL_CERT_FILE
  value: /etc/kafka/tls.crt
- name: MATCHDAY_KAFKA_SSL_KEY_FILE
  value: /etc/kafka/tls.key
{{- with .existingSecret }}
- name: MATCHDAY_KAFKA_SSL_KEY_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ . }}
      key: MATCHDAY_KAFKA_SSL_KEY_PASSWORD
      optional: true
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* The certificates; nothing where no Secret has any. */}}
{{- define "matchday.kafka.volume" -}}
{{- with .Values.kafka.tls }}
{{- if or .caSecret .clientSecret }}
- name: kafka
  projected:
    sources:
      {{- if .caSecret }}
      - secret:
          name: {{ .caSecret }}
          items:
            - key: {{ .caKey }}
              path: ca.crt
      {{- end }}
      {{- if .clientSecret }}
      - secret:
          name: {{ .clientSecret }}
          items:
            - key: {{ .certificateKey }}
              path: tls.crt
            - key: {{ .privateKeyKey }}
              path: tls.key
      {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "matchday.kafka.mount" -}}
{{- if include "matchday.kafka.volume" . }}
- name: kafka
  mountPath: /etc/kafka
  readOnly: true
{{- end }}
{{- end }}
