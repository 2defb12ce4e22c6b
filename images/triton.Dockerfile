# NVIDIA's Triton, with what this project's models import. It has an onnxruntime backend of its own.
# `ocr serve --url localhost:8001` next to it, from the serve image, keeps it at production.
ARG TRITON_BASE=nvcr.io/nvidia/tritonserver:26.07-py3

FROM ${TRITON_BASE} AS build
USER root
WORKDIR /build
COPY images/install.sh requirements/build.txt requirements/triton.txt ./
RUN sh install.sh modules triton.txt numpy opencv-python-headless
COPY pyproject.toml README.md LICENSE ./
COPY ocr_lib ocr_lib
COPY components components
COPY pipelines pipelines
RUN sh install.sh project

FROM ${TRITON_BASE}
USER root
COPY --from=build /opt/ocr /opt/ocr
RUN echo 'ocr:x:65532:65532::/tmp:/bin/false' >> /etc/passwd
ENV HOME=/tmp PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
# Models import from the server's working directory.
WORKDIR /opt/ocr
ENTRYPOINT []
CMD ["tritonserver", "--help"]
