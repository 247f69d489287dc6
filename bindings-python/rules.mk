# Rules of the Python binding, included by the Makefile at the top.
# python3 on PATH (3.10 or newer) makes .venv; everything else is installed there from PyPI.

PYTHON_TOOLS := .venv/.python-tools-ready
IN_PYTHON := cd bindings-python && VIRTUAL_ENV=$(CURDIR)/.venv PATH=$(CURDIR)/.venv/bin:$$PATH

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
	$(IN_PYTHON) ruff format --check .
	$(IN_PYTHON) ruff check .
	$(IN_PYTHON) mypy python
	$(IN_PYTHON) basedpyright --level error
	cd bindings-python/python && $(CURDIR)/.venv/bin/python3 -m mypy.stubtest quorlock

.PHONY: fix-python
fix-python: $(PYTHON_TOOLS)
	$(IN_PYTHON) ruff check --fix .
	$(IN_PYTHON) ruff format .

.PHONY: test-python
test-python: build-python
	$(IN_PYTHON) pytest
