#!/bin/sh
# Prints an authority, and certificates of the store, the servers and their clients, for kubectl:
#   sh manifests/make-certificates.sh ocr-dev kubeflow | kubectl create -f -
# The first namespace is the installation's; all of them get the ConfigMap ocr-ca and the Secret
# ocr-triton-client. The authority's key is kept nowhere: for other certificates run this again, with
# `kubectl replace`, and restart the pods.
set -eu
[ $# -ge 1 ] || { echo "Usage: make-certificates.sh NAMESPACE [STEPS-NAMESPACE…]" >&2; exit 2; }
[ ! -t 1 ] || { echo "Pipe the keys on: … | kubectl create -f -" >&2; exit 2; }
for namespace; do
    printf '%s\n' "$namespace" | grep -qxE '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?' \
        || { echo "'$namespace' is no name of a namespace. Check the arguments." >&2; exit 2; }
done
DAYS=${DAYS:-825}
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
installation=$1

run_openssl() { openssl "$@" 2>openssl.log || { cat openssl.log >&2; exit 1; }; }
indented() { sed 's/^/    /' "$1"; }
labels='labels: {app.kubernetes.io/part-of: ocr-pipelines}'

run_openssl req -x509 -newkey rsa:3072 -nodes -keyout ca.key -out ca.crt -days "$DAYS" \
    -subj "/CN=ocr-pipelines" -addext "basicConstraints=critical,CA:true,pathlen:0" \
    -addext "keyUsage=critical,keyCertSign"

# certify FILE PURPOSE NAME…: FILE.key and FILE.crt, for those names
certify() {
    file=$1 purpose=$2 names=
    shift 2
    for name; do names="$names,DNS:$name"; done
    run_openssl req -newkey rsa:3072 -nodes -keyout "$file.key" -out "$file.csr" -subj "/CN=$1"
    printf '%s\n' "subjectAltName=${names#,}" "basicConstraints=critical,CA:false" \
        "extendedKeyUsage=$purpose" >extensions
    run_openssl x509 -req -in "$file.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$DAYS" -sha256 \
        -extfile extensions -out "$file.crt"
}

# service NAME: what a Service is called in the cluster
service() { echo "$1 $1.$installation $1.$installation.svc $1.$installation.svc.cluster.local"; }

# secret NAME NAMESPACE FILE: a certificate with its key, and the authority
secret() {
    printf -- '---\napiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\n'
    printf 'metadata: {name: %s, namespace: %s, %s}\nstringData:\n' "$1" "$2" "$labels"
    printf '  ca.crt: |\n%s\n  tls.crt: |\n%s\n  tls.key: |\n%s\n' \
        "$(indented ca.crt)" "$(indented "$3.crt")" "$(indented "$3.key")"
}

# shellcheck disable=SC2046 # names have no spaces
certify store serverAuth $(service seaweedfs)
# shellcheck disable=SC2046
certify triton serverAuth $(service triton) $(service triton-each) localhost
certify client clientAuth ocr-triton-client
secret ocr-store-tls "$installation" store
secret ocr-triton-tls "$installation" triton
for namespace; do
    secret ocr-triton-client "$namespace" client
    printf -- '---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ocr-ca, namespace: %s, %s}\ndata:\n  ca.crt: |\n%s\n' \
        "$namespace" "$labels" "$(indented ca.crt)"
done
