{{/* What the pods of all roles have in common. Takes (dict "root" $ "role" ROLE "values" VALUES). */}}
{{- define "homerun.pod.metadata" -}}
labels:
  {{- include "homerun.labels" . | nindent 2 }}
  {{- with .values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include "homerun.config" . | sha256sum }}
  prometheus.io/scrape: "true"
  prometheus.io/port: "9090"
  prometheus.io/path: /metrics
  {{- with .values.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Takes the root. */}}
{{- define "homerun.pod.security" -}}
securityContext:
  runAsNonRoot: true
  {{- range $name, $id := .Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $id) }}
  {{ $name }}: {{ int64 $id }}
  {{- end }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "homerun.pod.scheduling" -}}
serviceAccountName: {{ include "homerun.name" . }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
{{ include "homerun.pod.security" .root }}
{{- if and (eq .role "api") (include "homerun.storage" .root) }}
  {{- /* A new volume belongs to root. */}}
  {{- with .root.Values.podSecurityContext.runAsGroup }}
  fsGroup: {{ int64 . }}
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if eq .role "node" }}
{{- /* One on every node anyway. */}}
{{- else if .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
{{- else }}
{{- /* With one replica too, where it says nothing: another number of them must not restart those that run. */}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "homerun.selector" . | nindent 8 }}
{{- end }}
{{- end }}

{{- define "homerun.pod.container" -}}
name: {{ .role }}
image: {{ include "homerun.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args: [{{ .role }}]
env:
  - name: HOMERUN_CONFIG
    value: /etc/homerun/config.json
  - name: POD_NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  - name: POD_NAMESPACE
    valueFrom:
      fieldRef:
        fieldPath: metadata.namespace
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  {{- /* One arena, trimmed early: glibc would keep what each of Node's threads has freed, some 10 MB a process. */}}
  - name: MALLOC_ARENA_MAX
    value: "1"
  - name: MALLOC_TRIM_THRESHOLD_
    value: "131072"
  {{- /* The space for young objects would grow to 128 MB with the events of a thousand pods that start, and stay so large. The
  memory of the controller is what it has cached, in old space, which gets most of the limit. Where the Admin API needs both,
  V8 would collect everything for each request. The node's role computes next to nothing, and every node pays for its memory:
  the compilers alone are 8 MB. */}}
  - name: NODE_OPTIONS
    {{- if eq .role "node" }}
    value: --jitless --max-semi-space-size=1 --max-old-space-size=24
    {{- else if has .role (list "controller" "api") }}
    value: --max-old-space-size-percentage=50 --max-semi-space-size=4
    {{- else if eq .role "webhook" }}
    value: --max-semi-space-size=4
    {{- else }}
    value: --max-semi-space-size=2
    {{- end }}
  {{- with .values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
securityContext:
  {{- if eq .role "node" }}
  {{- /* Runtimes keep the results of network plugins for root alone. Without capabilities root reads what is its own. */}}
  runAsNonRoot: false
  runAsUser: 0
  runAsGroup: 0
  {{- end }}
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- with .values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
livenessProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  {{- /* A webhook starts within a second, and people's deploys may wait for it. */}}
  periodSeconds: {{ ternary 1 2 (eq .role "webhook") }}
  timeoutSeconds: 2
{{- end }}

{{- define "homerun.pod.configVolume" -}}
- name: config
  configMap:
    name: {{ include "homerun.name" . }}
{{- end }}
