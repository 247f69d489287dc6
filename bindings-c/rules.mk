# Rules of the C binding, included by the Makefile at the top.

C_BUILT := target/c
C_LIB := $(C_BUILT)/lib
C_FLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wpedantic -Ibindings-c/include
C_LINK := -L$(C_LIB) -lquorlock -lpthread -Wl,-rpath,'$$ORIGIN/lib'

.PHONY: header-c
header-c: # Write quorlock.h anew after a change of the sources
	$(CARGO) run -q --locked -p quorlock-c-header

check: check-c
.PHONY: check-c
check-c:
	$(CARGO) run -q --locked -p quorlock-c-header -- --check

# The library that C programs of this tree are linked with.
.PHONY: library-c
library-c:
	$(CARGO) build -q --locked --profile c -p quorlock-c
	@mkdir -p $(C_LIB)
	@ln -sf ../libquorlock.so $(C_LIB)/libquorlock.so.0
	@ln -sf libquorlock.so.0 $(C_LIB)/libquorlock.so

.PHONY: build-c
build-c: library-c # The library and the driver of the scenarios
	$(CC) $(C_FLAGS) tests/scenarios/drivers/c/*.c -o $(C_BUILT)/scenario-driver $(C_LINK) -lm

# hiredis in source, for the examples that work on a queue: no system library and no root is needed.
HIREDIS := .venv/hiredis
HIREDIS_READY := .venv/.hiredis-ready

.PHONY: hiredis
hiredis: $(HIREDIS_READY)

$(HIREDIS_READY): examples/c/hiredis.txt examples/c/fetch-hiredis.sh | $(SERVERS)
	bash examples/c/fetch-hiredis.sh $(HIREDIS)
	@touch $@

test-rust: | $(HIREDIS_READY)
