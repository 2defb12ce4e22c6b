# The Triton that the wheel nvidia-pytriton carries, for CPUs: some hundred MB where NVIDIA's image
# has many GB. Its server has no onnxruntime backend; the project's stand-in takes its place.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS base
# The library in which Triton runs Python models; the official image has it, Debian's Python not.
RUN ldconfig -p | grep -q libpython3.11.so.1.0 \
    || (apt-get update && apt-get install -y --no-install-recommends libpython3.11 \
        && rm -rf /var/lib/apt/lists/*)

FROM base AS build
WORKDIR /build
COPY images/install.sh requirements/build.txt requirements/triton.txt ./
RUN sh install.sh packages triton.txt
COPY pyproject.toml README.md LICENSE ./
COPY ocr_lib ocr_lib
COPY components components
COPY pipelines pipelines
RUN sh install.sh project && sh install.sh server

FROM base
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/tritonserver /opt/tritonserver
COPY --from=build /opt/ocr /opt/ocr
RUN echo 'ocr:x:65532:65532::/tmp:/bin/false' >> /etc/passwd
ENV PATH=/opt/tritonserver/bin:/opt/venv/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 \
    LD_LIBRARY_PATH=/opt/tritonserver/lib:/usr/local/lib
USER 65532:65532
# Models import from the server's working directory.
WORKDIR /opt/ocr
ENTRYPOINT []
CMD ["tritonserver", "--help"]
