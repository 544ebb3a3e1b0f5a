#!/bin/sh
# Installs what the chart stands on into the cluster that kubectl points to, each by its version:
#   sh k8s/prerequisites.sh                  all of it
#   sh k8s/prerequisites.sh gateway kserve   some: cert-manager, gateway, kserve, pipelines
# It can be run again; what is there is upgraded to these versions.
set -eu
cd "$(dirname "$0")"

CERT_MANAGER=v1.17.0
ENVOY_GATEWAY=v1.9.1  # its chart brings the CRDs of the Gateway API
KSERVE=v0.20.0
PIPELINES=2.14.3

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'prerequisites: %s\n' "$*" >&2; exit 1; }

for program in kubectl helm; do
  command -v "$program" >/dev/null || fail "$program is not on PATH: install it, then run this again."
done
kubectl version >/dev/null 2>&1 || fail "kubectl reaches no cluster: start one (kind create cluster --config k8s/kind.yaml)."

# chart RELEASE NAMESPACE ADDRESS VERSION OPTION...
chart() {
  release=$1 namespace=$2 address=$3 version=$4
  shift 4
  helm upgrade --install "$release" "$address" --version "$version" \
    --namespace "$namespace" --create-namespace --wait --timeout 10m "$@"
}

cert_manager() {
  say "cert-manager $CERT_MANAGER"
  chart cert-manager cert-manager oci://quay.io/jetstack/charts/cert-manager "$CERT_MANAGER" --set crds.enabled=true
}

gateway() {
  say "Gateway API and Envoy Gateway $ENVOY_GATEWAY"
  chart eg envoy-gateway-system oci://docker.io/envoyproxy/gateway-helm "$ENVOY_GATEWAY"
  kubectl create namespace kserve --dry-run=client -o yaml | kubectl apply -f -
  kubectl apply -f gateway.yaml
}

kserve() {
  say "KServe $KSERVE"
  chart kserve-crd kserve oci://ghcr.io/kserve/charts/kserve-crd "$KSERVE"
  chart kserve kserve oci://ghcr.io/kserve/charts/kserve-resources "$KSERVE" \
    --set kserve.controller.deploymentMode=Standard \
    --set kserve.controller.gateway.disableIstioVirtualHost=true \
    --set kserve.controller.gateway.ingressGateway.enableGatewayApi=true \
    --set kserve.controller.gateway.ingressGateway.kserveGateway=kserve/kserve-ingress-gateway
}

pipelines() {
  say "Kubeflow Pipelines $PIPELINES"
  address=github.com/kubeflow/pipelines/manifests/kustomize
  kubectl apply -k "$address/cluster-scoped-resources?ref=$PIPELINES"
  kubectl wait --for=condition=Established --timeout=60s crd/applications.app.k8s.io
  kubectl apply -k "$address/env/platform-agnostic?ref=$PIPELINES"
  kubectl -n kubeflow rollout status deployment/ml-pipeline --timeout=10m
  # Argo looks at a workflow every ten seconds, and a step of a pipeline takes two looks.
  kubectl -n kubeflow set env deployment/workflow-controller DEFAULT_REQUEUE_TIME=1s
}

[ $# -gt 0 ] || set -- cert-manager gateway kserve pipelines
for part in "$@"; do
  case $part in
    cert-manager) cert_manager ;;
    gateway | kserve | pipelines) "$part" ;;
    *) fail "there is no $part: say cert-manager, gateway, kserve or pipelines." ;;
  esac
done
