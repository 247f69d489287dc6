# Rules of the Python binding, included by the Makefile at the top.
# python3 on PATH (3.10 or newer) makes .venv; everything else is installed there from PyPI.

PYTHON_TOOLS := .venv/.python-tools-ready
IN_PYTHON := cd bindings-python && VIRTUAL_ENV=$(CURDIR)/.venv PATH=$(CURDIR)/.venv/bin:$$PATH

# All Python that is kept by the binding's rules, as seen from bindings-python.
PYTHON_SOURCES := . ../tests/scenarios/drivers/python ../examples/python ../tests/bench/python

check: check-python
test: test-python
fix: fix-python
package: package-python

$(PYTHON_TOOLS): bindings-python/requirements-dev.txt | $(SERVERS)
	.venv/bin/python3 -m pip install --quiet --requirement $<
	@touch $@

# The compiled module, into .venv and beside the sources, from the same target/ as `cargo build`.
.PHONY: build-python
build-python: $(PYTHON_TOOLS)
	$(IN_PYTHON) maturin develop --quiet --locked

.PHONY: check-python
check-python: build-python
	$(IN_PYTHON) ruff format --config pyproject.toml --check $(PYTHON_SOURCES)
	$(IN_PYTHON) ruff check --config pyproject.toml $(PYTHON_SOURCES)
	$(IN_PYTHON) mypy python
	$(IN_PYTHON) mypy tests/*.py
	$(IN_PYTHON) mypy tests/integrations
	$(IN_PYTHON) mypy ../tests/scenarios/drivers/python
	$(IN_PYTHON) mypy --scripts-are-modules ../examples/python/nodes.py ../examples/python/0*.py
	$(IN_PYTHON) mypy ../tests/bench/python
	$(IN_PYTHON) basedpyright --level error
	cd bindings-python/python && $(CURDIR)/.venv/bin/python3 -m mypy.stubtest quorlock --allowlist ../stubtest-allowlist.txt --mypy-config-file ../pyproject.toml

.PHONY: fix-python
fix-python: $(PYTHON_TOOLS)
	$(IN_PYTHON) ruff check --config pyproject.toml --fix $(PYTHON_SOURCES)
	$(IN_PYTHON) ruff format --config pyproject.toml $(PYTHON_SOURCES)

.PHONY: test-python
test-python: build-python
	$(IN_PYTHON) pytest

# The peers want an older redis than the tests, so they stand apart.
PYTHON_PEERS := target/python-peers/.ready

$(PYTHON_PEERS): tests/bench/python/peers.txt | $(PYTHON_TOOLS)
	.venv/bin/python3 -m pip install --quiet --upgrade --target $(@D) --requirement $<
	@touch $@

# Beside the other Redlock libraries of Python (BENCH="--seconds 5 --json FILE"). Built as released.
.PHONY: bench-python
bench-python: $(PYTHON_TOOLS) $(PYTHON_PEERS)
	$(IN_PYTHON) maturin develop --release --quiet --locked
	PYTHONPATH=$(CURDIR)/target/python-peers .venv/bin/python3 tests/bench/python/bench.py $(BENCH)
	$(IN_PYTHON) maturin develop --quiet --locked

# The artefacts, into target/python-dist, and each of them used from a clean folder.
.PHONY: package-python
package-python: $(PYTHON_TOOLS)
	$(IN_PYTHON) bash package.sh
