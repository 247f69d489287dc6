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

# Where `make install` puts the library; DESTDIR and LIBDIR are heard too.
PREFIX ?= /usr/local

.PHONY: release-c
release-c:
	$(CARGO) build --release --locked -p quorlock-c

.PHONY: install
install: release-c # Header, libraries, pkg-config and CMake files (PREFIX=/usr/local)
	PREFIX='$(PREFIX)' bash bindings-c/install/install.sh target/release/libquorlock.so target/release/libquorlock.a

package: package-c
.PHONY: package-c
package-c: release-c
	rm -rf $(C_BUILT)/prefix
	PREFIX='$(CURDIR)/$(C_BUILT)/prefix' bash bindings-c/install/install.sh \
		target/release/libquorlock.so target/release/libquorlock.a
	bash bindings-c/install/use.sh $(C_BUILT)/prefix

.PHONY: bench-c
bench-c: release-c | $(SERVERS) # The C binding beside the Rust client in one run (ARGS="--seconds 4")
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Wpedantic -Ibindings-c/include tests/bench/c/bench.c -o $(C_BUILT)/bench \
		target/release/libquorlock.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
	$(CARGO) run --release --locked -p quorlock-bench-c -- $(C_BUILT)/bench $(ARGS)

# The tests in C with the library instrumented too: `make sanitize-c` runs all three.
C_HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')
C_SUITE := $(CARGO) test -q --locked -p quorlock-c --all-features --test suite --
# ThreadSanitizer must see the standard library's own locks, so that is built with it.
C_INSTRUMENTED = RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=$(1)' $(CARGO) build -q --locked --profile c \
	-p quorlock-c --example quorlock_tested --all-features --target $(C_HOST) --target-dir target/c-$(1) $(2)
C_INSTRUMENTED_LIB = $(CURDIR)/target/c-$(1)/$(C_HOST)/c/examples/libquorlock_tested.so

.PHONY: sanitize-c
sanitize-c: address-c thread-c valgrind-c # The C tests under ASan with LSan, TSan and valgrind

.PHONY: address-c
address-c: | $(SERVERS)
	$(call C_INSTRUMENTED,address)
	QUORLOCK_C_LIBRARY=$(call C_INSTRUMENTED_LIB,address) QUORLOCK_C_FLAGS='-fsanitize=address,undefined' \
		$(C_SUITE) behaviour matrix

.PHONY: thread-c
thread-c: | $(SERVERS)
	@if [[ ! -e $$(rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock ]]; then \
		echo 'rust-src is not installed (rustup component add rust-src): not run under ThreadSanitizer'; \
	else \
		set -x; $(call C_INSTRUMENTED,thread,-Zbuild-std) && \
		QUORLOCK_C_LIBRARY=$(call C_INSTRUMENTED_LIB,thread) \
		QUORLOCK_C_FLAGS='-fsanitize=thread $(CURDIR)/bindings-c/tests/c/shim/tsan.c' \
		QUORLOCK_HAMMER_MS=60000 $(C_SUITE) eight_threads behaviour::over_the_embedded_node; \
	fi

.PHONY: valgrind-c
valgrind-c: | $(SERVERS)
	$(CARGO) test -q --locked -p quorlock-c --all-features --no-run
	QUORLOCK_C_RUNNER='valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite' \
		QUORLOCK_HAMMER_MS=10000 $(C_SUITE) behaviour::over_ eight_threads
