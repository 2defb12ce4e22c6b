#!/bin/sh
# Fills /opt for an image, in the stage that builds it:
#   install.sh packages LOCK   every package of a lock file, by digest, into /opt/venv
#   install.sh project         this project into /opt/ocr, a layer of its own: it changes most
#   install.sh modules LOCK NAME…   some packages of a lock file into /opt/ocr
#   install.sh server          the server of the installed nvidia-pytriton into /opt/tritonserver
set -eu
VENV=/opt/venv
PYTHON=$VENV/bin/python
PIP="python3 -m pip --no-cache-dir --disable-pip-version-check"
TOOLS=/tmp/tools

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

only() { # only NAME LOCK: one package of the lock and its digests
    awk -v name="$1==" '/^[^ ]/ {found = index($0, name) == 1} found' "$2"
}

tools() { # what builds packages that have no wheel, by digest as well
    [ -d $TOOLS ] && return
    python3 -m venv --without-pip $TOOLS
    $PIP --python $TOOLS/bin/python install --require-hashes -r build.txt
}

wheels() { # wheels FOLDER WHAT…
    folder=$1; shift
    $PIP --python $TOOLS/bin/python wheel --no-deps --no-build-isolation --wheel-dir "$folder" "$@"
}

packages() {
    python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' ||
        { echo "The base image needs Python 3.11 or 3.12 as python3." >&2; exit 1; }
    found=$(base_paddle) wanted=$(locked paddlepaddle "$1")
    if [ -n "$found" ] && [ -n "$wanted" ]; then
        [ "${found%.post*}" = "$wanted" ] ||
            { echo "The base image has Paddle $found, the lock $wanted." >&2; exit 1; }
        python3 -m venv --without-pip --system-site-packages $VENV
        without paddlepaddle "$1" > /tmp/lock.txt
    else
        python3 -m venv --without-pip $VENV
        cp "$1" /tmp/lock.txt
    fi
    tools
    wheels /tmp/wheels --require-hashes -r /tmp/lock.txt
    $PIP --python $PYTHON install --no-index --no-deps /tmp/wheels/*.whl
    rm -r /tmp/wheels
    site=$($PYTHON -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    trim "$site"
    echo /opt/ocr > "$site/ocr.pth" # where `project` puts the code
}

trim() { # what is in wheels and no step reads: headers, OpenVINO's kernels, packages' own tests
    rm -rf "$1/paddle/include" "$1/paddle/libs/libopenvino_intel_cpu_plugin.so" \
        "$1/onnx/backend/test" "$1/Crypto/SelfTest"
    find "$1" -type d \( -name tests -o -name test \) \
        \( -path "$1/numpy/*" -o -path "$1/onnx/*" -o -path "$1/networkx/*" \) \
        -prune -exec rm -rf {} +
}

modules() {
    lock=$1; shift
    for name; do only "$name" "$lock"; done > /tmp/lock.txt
    $PIP install --no-deps --require-hashes --only-binary :all: --target /opt/ocr -r /tmp/lock.txt
}

project() {
    tools
    wheels /tmp/project .
    [ -x $PYTHON ] || PYTHON=$(command -v python3)
    $PIP --python "$PYTHON" install --no-index --no-deps --target /opt/ocr /tmp/project/*.whl
}

server() { # the wheel's server, laid out as in NVIDIA's images
    mkdir -p /opt/tritonserver/bin
    $PYTHON - <<'END'
from pathlib import Path
from ocr_lib.serving.triton_env import find_triton, lay_out_backends

home = Path("/opt/tritonserver")
triton = find_triton(Path("/opt/venv"))
lay_out_backends(triton, home / "backends")
(home / "bin" / "tritonserver").symlink_to(triton.binary)
(home / "lib").symlink_to(triton.site_packages / "nvidia_pytriton.libs")
END
}

command=$1; shift
"$command" "$@"
