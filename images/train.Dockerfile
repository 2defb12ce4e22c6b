# Training, evaluation and export. For GPUs, build on an image of Paddle's own (Python 3.11 or 3.12):
#   docker build -f images/train.Dockerfile --build-arg PADDLE_BASE=… .
ARG PADDLE_BASE=python:3.11-slim-bookworm

FROM ${PADDLE_BASE} AS build
WORKDIR /build
COPY images/install.sh requirements/build.txt requirements/image-train.txt ./
RUN sh install.sh packages image-train.txt
COPY pyproject.toml README.md LICENSE ./
COPY ocr_lib ocr_lib
COPY components components
COPY pipelines pipelines
RUN sh install.sh project

FROM ${PADDLE_BASE}
# Paddle's kernels are built with OpenMP; slim images lack its runtime.
RUN ldconfig -p | grep -q libgomp.so.1 \
    || (apt-get update && apt-get install -y --no-install-recommends libgomp1 \
        && rm -rf /var/lib/apt/lists/*)
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/ocr /opt/ocr
# A user of its own, by number, so that Kubernetes can see that it is not root; all it writes is /tmp.
RUN echo 'ocr:x:65532:65532::/tmp:/bin/false' >> /etc/passwd
ENV PATH=/opt/ocr/bin:/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT []
