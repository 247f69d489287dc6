# Rules of the scenarios, included by the Makefile after the rules of the languages.

# Passed on to the supervisor, e.g. make test-scenarios SCENARIOS="--languages rust,python wait".
SCENARIOS ?=

test: test-scenarios

# Every language plays, so every binding is built first.
.PHONY: test-scenarios
test-scenarios: build-python build-node build-c | $(SERVERS)
	$(CARGO) build --locked -p quorlock-scenarios
	target/debug/scenarios $(SCENARIOS)
