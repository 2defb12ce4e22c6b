#!/bin/sh
# Fills /opt for an image, in the stage that builds it:
#   install.sh packages LOCK   every package of a lock file, by digest, into /opt/venv
#   install.sh project         this project into /opt/ocr, a layer of its own: it changes most
set -eu
VENV=/opt/venv
PYTHON=$VENV/bin/python

# Where the base image has Paddle already (one of Paddle's GPU images), the environment sees that
# one and the lock's is left out; then their versions have to be equal.
base_paddle() {
    python3 -c 'from importlib.metadata import version as v
try: print(v("paddlepaddle-gpu"))
except Exception: print(v("paddlepaddle"))' 2>/dev/null || true
}

locked() { # locked NAME LOCK: the version that the lock pins
    sed -n "s/^$1==\([^ ]*\).*/\1/p" "$2"
}

without() { # without NAME LOCK: the lock without one package and its digests
    awk -v name="$1==" 'index($0, name) == 1 {skip = 1; next} /^[^ ]/ {skip = 0} !skip' "$2"
}

packages() {
    python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' ||
        { echo "The base image needs Python 3.11 or 3.12 as python3." >&2; exit 1; }
    found=$(base_paddle) wanted=$(locked paddlepaddle "$1")
    if [ -n "$found" ] && [ -n "$wanted" ]; then
        [ "$found" = "$wanted" ] ||
            { echo "The base image has Paddle $found, the lock $wanted." >&2; exit 1; }
        python3 -m venv --without-pip --system-site-packages $VENV
        without paddlepaddle "$1" > /tmp/lock.txt
    else
        python3 -m venv --without-pip $VENV
        cp "$1" /tmp/lock.txt
    fi
    python3 -m pip --python $PYTHON install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r /tmp/lock.txt
    site=$($PYTHON -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    trim "$site"
    echo /opt/ocr > "$site/ocr.pth" # where `project` puts the code
}

trim() { # what is in wheels and no step reads: headers, test data, packages' own tests
    rm -rf "$1/paddle/include" "$1/onnx/backend/test" "$1/Crypto/SelfTest"
    find "$1" -type d \( -name tests -o -name test \) \
        \( -path "$1/numpy/*" -o -path "$1/onnx/*" -o -path "$1/networkx/*" \) \
        -prune -exec rm -rf {} +
}

project() {
    python3 -m venv --without-pip /tmp/build
    python3 -m pip --python /tmp/build/bin/python install --no-cache-dir --no-deps \
        --disable-pip-version-check --require-hashes -r requirements/build.txt
    python3 -m pip --python /tmp/build/bin/python wheel --no-cache-dir --no-deps \
        --disable-pip-version-check --no-build-isolation --wheel-dir /tmp/wheel .
    python3 -m pip --python $PYTHON install --no-cache-dir --no-deps \
        --disable-pip-version-check --target /opt/ocr /tmp/wheel/*.whl
}

command=$1; shift
"$command" "$@"
