# Labels, LMDB and checks of data: no Paddle, no network runtime.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /build
COPY images/install.sh requirements/build.txt requirements/image-data.txt ./
RUN sh install.sh packages image-data.txt
COPY pyproject.toml README.md LICENSE ./
COPY ocr_lib ocr_lib
COPY components components
COPY pipelines pipelines
RUN sh install.sh project

FROM ${BASE}
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/ocr /opt/ocr
# A user of its own, by number, so that Kubernetes can see that it is not root; all it writes is /tmp.
RUN echo 'ocr:x:65532:65532::/tmp:/bin/false' >> /etc/passwd
ENV PATH=/opt/ocr/bin:/opt/venv/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT []
