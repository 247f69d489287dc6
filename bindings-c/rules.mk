# Rules of the C binding, included by the Makefile at the top.

C_BUILT := target/c
C_LIB := $(C_BUILT)/lib
C_FLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Wpedantic -Ibindings-c/include
C_LINK := -L$(C_LIB) -lquorlock -lpthread -Wl,-rpath,'$$ORIGIN/lib'
C_LINK_BESIDE := -L$(C_LIB) -lquorlock -lpthread -Wl,-rpath,'$$ORIGIN/../lib'

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
HIREDIS_SOURCES := alloc.c async.c hiredis.c net.c read.c sds.c sockcompat.c

.PHONY: hiredis
hiredis: $(HIREDIS_READY)

$(HIREDIS_READY): examples/c/hiredis.txt examples/c/fetch-hiredis.sh | $(SERVERS)
	bash examples/c/fetch-hiredis.sh $(HIREDIS)
	@touch $@

test-rust: | $(HIREDIS_READY)

.PHONY: examples-c
examples-c: library-c $(HIREDIS_READY) # The examples, and the worker of a queue
	@mkdir -p $(C_BUILT)/examples
	for example in examples/c/0*.c; do \
		$(CC) $(C_FLAGS) $$example -o $(C_BUILT)/examples/$$(basename $$example .c) $(C_LINK_BESIDE); \
	done
	$(CC) $(C_FLAGS) -isystem $(HIREDIS) examples/c/worker.c $(addprefix $(HIREDIS)/,$(HIREDIS_SOURCES)) \
		-o $(C_BUILT)/examples/worker $(C_LINK_BESIDE)
