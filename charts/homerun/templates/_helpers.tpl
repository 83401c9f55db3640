{{/*
Homerun can be installed once in a cluster, so its names are fixed. Each takes (dict "root" $ "role" ROLE). Names that others
have chosen, and namespaces, are quoted: they may be numbers.
*/}}
{{- define "homerun.name" -}}homerun-{{ .role }}{{- end }}

{{- define "homerun.selector" -}}
app.kubernetes.io/name: homerun
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "homerun.labels" -}}
{{ include "homerun.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Takes also "name", "namespace", and "annotations" that come before those of the values. */}}
{{- define "homerun.metadata" -}}
name: {{ .name | default (include "homerun.name" .) }}
{{- if not .clusterWide }}
namespace: {{ .namespace | default .root.Release.Namespace | quote }}
{{- end }}
labels:
  {{- include "homerun.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (.annotations | default dict) .root.Values.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "homerun.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "homerun.caMounted" -}}
{{- with .Values.registry.ca }}{{ if or .configMap .secret }}true{{ end }}{{ end }}
{{- end }}

{{/* Whether the gateways serve HTTPS. */}}
{{- define "homerun.tls" -}}
{{- with .Values.gateway.tls }}{{ if or .secrets .namespace }}true{{ end }}{{ end }}
{{- end }}

{{/* Whether certificates are asked for. */}}
{{- define "homerun.issues" -}}
{{- with .Values.gateway.tls }}
{{- if (.issuer | default dict).name }}
{{- if not .namespace }}
{{- fail (printf "gateway.tls.namespace is empty; with gateway.tls.issuer.name (%q) it must be the namespace for certificates, which the gateways read." .issuer.name) }}
{{- end }}
{{- print "true" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
The Pod Security Standard of this namespace, where it allows no pod to see a folder of its node: then there is no node role.
*/}}
{{- define "homerun.nodeForbidden" -}}
{{- $labels := (lookup "v1" "Namespace" "" .Release.Namespace | default dict).metadata | default dict | dig "labels" dict }}
{{- $level := get ($labels | default dict) "pod-security.kubernetes.io/enforce" }}
{{- if has $level (list "baseline" "restricted") }}{{ $level }}{{ end }}
{{- end }}

{{- define "homerun.nodeEnabled" -}}
{{- with .Values.node }}{{ if and .enabled (not (include "homerun.nodeForbidden" $)) }}true{{ end }}{{ end }}
{{- end }}

{{/* The roles that this installation has, separated by spaces. */}}
{{- define "homerun.roles" -}}
controller webhook gateway{{ if .Values.metadata.enabled }} metadata{{ end }}{{ if include "homerun.nodeEnabled" . }} node{{ end }}{{ if (.Values.api | default dict).enabled }} api{{ end }}
{{- end }}

{{/*
Rules of files/rbac as a ClusterRole, and its binding to a role's account: in each of "namespaces", or in the whole cluster
when there are none. Takes also "rules", the file's name; nothing where there is no such file.
*/}}
{{- define "homerun.grant" -}}
{{- $rules := .root.Files.Get (printf "files/rbac/%s.yaml" .rules) }}
{{- $name := include "homerun.name" (dict "role" .rules) }}
{{- if $rules }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  {{- include "homerun.metadata" (dict "root" .root "role" .role "name" $name "clusterWide" true) | nindent 2 }}
rules:
  {{- $rules | nindent 2 }}
{{- range $namespace := .namespaces | default (list "") }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "RoleBinding" "ClusterRoleBinding" (ne $namespace "") }}
metadata:
  {{- include "homerun.metadata" (dict "root" $.root "role" $.role "name" $name "namespace" $namespace "clusterWide" (eq $namespace "")) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ $name }}
subjects:
  - kind: ServiceAccount
    name: {{ include "homerun.name" (dict "role" $.role) }}
    namespace: {{ $.root.Release.Namespace | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* The whole configuration (operator/config/schema.ts): values of the same name, and what the chart itself decides. */}}
{{- define "homerun.wholeConfig" -}}
{{- $config := pick .Values "namespaces" "domain" "urlTemplate" "urlScheme" "clusterDomain" "logLevel" "strict" "serviceAccounts" "autoscaler" "build" "instance" "jobs" "startup" "traffic" "revisionHistory" }}
{{- $registry := omit .Values.registry "ca" "pullSecretNamespaces" }}
{{- if include "homerun.caMounted" . }}
{{- $registry = set $registry "caFile" "/etc/homerun-ca/ca.crt" }}
{{- end }}
{{- $gateway := pick .Values.gateway "threads" "drainSeconds" "accessLog" "tracing" "limits" }}
{{- $tls := .Values.gateway.tls }}
{{- $publicPort := and (eq .Values.gateway.service.type "NodePort") $tls.nodePort | default $tls.port }}
{{- $tls = merge (pick $tls "secrets" "namespace" "redirect") (dict "publicPort" $publicPort) }}
{{- $certificates := dict "namespace" "" "issuer" (dict "name" "") }}
{{- if include "homerun.issues" . }}
{{- $certificates = dict "namespace" .Values.gateway.tls.namespace "issuer" .Values.gateway.tls.issuer }}
{{- end }}
{{- $gateway = merge $gateway (dict "tlsPort" 8443 "tls" $tls "certificates" $certificates) }}
{{- $gateway = merge $gateway (dict "port" 8080 "internalService" (include "homerun.name" (dict "role" "gateway-internal")) "internalPort" 8081 "gatewayPort" 8082) }}
{{- $gatewayApi := dict "parentRefs" list }}
{{- with (.Values.gatewayApi | default dict).parentRefs }}
{{- $gatewayApi = dict "parentRefs" . "namespace" $.Release.Namespace "service" (include "homerun.name" (dict "role" "gateway")) "port" $.Values.gateway.service.port }}
{{- end }}
{{- $metadata := pick .Values.metadata "enabled" "region" "projectId" "projectNumbers" "linkLocal" "workloadIdentity" }}
{{- $metadata = merge $metadata (dict "service" (include "homerun.name" (dict "role" "metadata")) "port" 8080) }}
{{- $gateways := printf "%s.%s.svc.%s." (include "homerun.name" (dict "role" "gateway-pods")) .Release.Namespace .Values.clusterDomain }}
{{- $node := merge (pick (.Values.node | default dict) "cniResults") (dict "gateways" $gateways) }}
{{- $webhook := dict "service" (include "homerun.name" (dict "role" "webhook")) "port" 8443 }}
{{- $api := pick (.Values.api | default dict) "host" "tlsSecret" "plainHttp" "issuers" }}
{{- $storage := dict }}
{{- if include "homerun.storage" . }}
{{- $storage = dict "projectMiB" .Values.api.storage.projectMiB }}
{{- if include "homerun.s3" . }}
{{- $storage = set $storage "s3" (pick .Values.api.storage.s3 "endpoint" "bucket" "region" "timeoutSeconds") }}
{{- else }}
{{- $storage = set $storage "folder" "/var/lib/homerun/sources" }}
{{- end }}
{{- end }}
{{- $servicePort := ((.Values.api | default dict).service | default dict).port | default 443 }}
{{- $api = merge $api (dict "service" (include "homerun.name" (dict "role" "api")) "port" 8443 "servicePort" $servicePort "storage" $storage) }}
{{- $source := dict "image" (include "homerun.image" .) "imagePullPolicy" .Values.image.pullPolicy "namespace" .Release.Namespace }}
{{- with .Values.podSecurityContext.runAsUser }}
{{- $source = set $source "runAsUser" . }}
{{- end }}
{{- $chart := dict "api" $api "source" $source "registry" $registry "gateway" $gateway "gatewayApi" $gatewayApi "invoker" (.Values.invoker | default dict) "metadata" $metadata "webhook" $webhook "node" $node "adminPort" 9090 }}
{{- merge $config $chart | mustToJson }}
{{- end }}

{{/* Whether the Admin API keeps sources. */}}
{{- define "homerun.storage" -}}
{{- $api := .Values.api | default dict }}
{{- if and $api.enabled ($api.storage | default dict).enabled }}true{{ end }}
{{- end }}

{{/* Whether that is in a store that speaks S3, and not on a volume. */}}
{{- define "homerun.s3" -}}
{{- $s3 := (.Values.api.storage | default dict).s3 | default dict }}
{{- if and (include "homerun.storage" .) $s3.endpoint }}
{{- range $name := list "bucket" "secret" }}
{{- if not (get $s3 $name) }}
{{- fail (printf "api.storage.s3.%s is empty; with api.storage.s3.endpoint it must be set" $name) }}
{{- end }}
{{- end -}}
true
{{- end }}
{{- end }}

{{/* The configuration file of a role: what it reads of the whole, so that no other value restarts it. */}}
{{- define "homerun.config" -}}
{{- $whole := include "homerun.wholeConfig" .root | mustFromJson }}
{{- $config := dict }}
{{- range .root.Files.Get (printf "files/config/%s.yaml" .role) | fromYamlArray }}
{{- $path := splitList "." . }}
{{- $section := first $path }}
{{- if eq (len $path) 1 }}
{{- $config = set $config $section (get $whole $section) }}
{{- else }}
{{- $part := pick (get $whole $section) (last $path) }}
{{- $config = set $config $section (merge (get $config $section | default dict) $part) }}
{{- end }}
{{- end }}
{{- $config | mustToPrettyJson }}
{{- end }}
