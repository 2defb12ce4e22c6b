#!/bin/sh
# Prints an authority and a certificate of the store, for kubectl:
#   sh make-certificates.sh ocr-dev kubeflow | kubectl create -f -
# The first namespace is the installation's; all of them get the ConfigMap ocr-ca. The authority's key is
# kept nowhere: for another certificate run this again, with `kubectl replace`, and restart the pods.
set -eu
[ $# -ge 1 ] || { echo "Usage: make-certificates.sh NAMESPACE [STEPS-NAMESPACE…]" >&2; exit 2; }
[ ! -t 1 ] || { echo "Pipe the keys on: … | kubectl create -f -" >&2; exit 2; }
DAYS=${DAYS:-825}
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
name="seaweedfs.$1"
openssl req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.crt -days "$DAYS" -subj "/CN=ocr-pipelines $1" \
    -addext "basicConstraints=critical,CA:true,pathlen:0" -addext "keyUsage=critical,keyCertSign" 2>openssl.log \
    || { cat openssl.log >&2; exit 1; }
openssl req -newkey rsa:3072 -nodes -keyout tls.key -out tls.csr -subj "/CN=$name" 2>openssl.log
printf '%s\n' "subjectAltName=DNS:seaweedfs,DNS:$name,DNS:$name.svc,DNS:$name.svc.cluster.local" \
    "basicConstraints=critical,CA:false" "extendedKeyUsage=serverAuth" >extensions
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days "$DAYS" -sha256 \
    -extfile extensions -out tls.crt 2>openssl.log
indented() { sed 's/^/    /' "$1"; }
labels='labels: {app.kubernetes.io/part-of: ocr-pipelines}'
printf 'apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: {name: ocr-store-tls, namespace: %s, %s}\nstringData:\n' "$1" "$labels"
printf '  tls.crt: |\n%s\n  tls.key: |\n%s\n' "$(indented tls.crt)" "$(indented tls.key)"
for namespace; do
    printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ocr-ca, namespace: %s, %s}\ndata:\n  ca.crt: |\n%s\n' \
        "$namespace" "$labels" "$(indented ca.crt)"
done
