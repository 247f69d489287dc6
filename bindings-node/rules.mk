# Rules of the Node binding, included by the Makefile at the top.

NPM ?= npm
NODE_MODULES := node_modules/.package-lock.json
IN_NODE := cd bindings-node &&
NODE_NATIVE = $(NPM) run --silent build:native --

check: check-node
test: test-node
fix: fix-node

# Everything npm needs, from the lock file.
$(NODE_MODULES): package-lock.json
	$(NPM) ci --no-fund --no-audit
	@touch $@

# The native module and dist/, for tests, examples and whatever else uses the package here.
.PHONY: build-node
build-node: $(NODE_MODULES)
	$(IN_NODE) $(NODE_NATIVE)
	$(IN_NODE) $(NPM) run --silent build

.PHONY: check-node
check-node: build-node
	$(IN_NODE) $(NPM) run --silent check

.PHONY: fix-node
fix-node: build-node
	$(IN_NODE) $(NPM) run --silent fix

.PHONY: test-node
test-node: build-node | $(SERVERS)
	$(IN_NODE) $(NPM) run --silent test

# Hundreds of terminated workers and ended processes.
.PHONY: stress-node
stress-node: export QUORLOCK_TERMINATIONS ?= 480
stress-node: export QUORLOCK_EXITS ?= 50
stress-node: build-node | $(SERVERS)
	$(IN_NODE) $(NPM) run --silent test

package: package-node

# The npm packages in target/npm, tried in a clean folder.
.PHONY: package-node
package-node: build-node
	$(IN_NODE) node scripts/package.mjs

.PHONY: bench-node
bench-node: build-node | $(SERVERS)
	$(IN_NODE) $(NPM) run --silent build:native -- --release
	node --expose-gc tests/bench/node/main.mjs $(ARGS)
	$(IN_NODE) $(NODE_NATIVE)
