# Rules of the payments example, included by the Makefile at the top.

PAYMENTS := examples/payments
PAYMENTS_TOOLS := .venv/.payments-tools-ready
PAYMENTS_C := target/payments
PAYMENTS_C_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Ibindings-c/include -I$(HIREDIS)

test: test-payments
check: check-payments

# What the Python worker uses.
$(PAYMENTS_TOOLS): $(PAYMENTS)/python/requirements.txt | $(SERVERS)
	.venv/bin/python3 -m pip install --quiet --requirement $<
	@touch $@

$(PAYMENTS_C)/libhiredis.a: $(HIREDIS_READY)
	@mkdir -p $(@D)/hiredis
	cd $(@D)/hiredis && $(CC) -O2 -c $(addprefix $(CURDIR)/$(HIREDIS)/,alloc.c async.c hiredis.c net.c read.c sds.c sockcompat.c)
	$(AR) rcs $@ $(@D)/hiredis/*.o

.PHONY: build-payments
build-payments: build-python build-node library-c $(PAYMENTS_TOOLS) $(PAYMENTS_C)/libhiredis.a
	$(CC) $(PAYMENTS_C_FLAGS) $(PAYMENTS)/c/*.c $(PAYMENTS_C)/libhiredis.a -o $(PAYMENTS_C)/settlement \
		-L$(C_LIB) -lquorlock -lpthread -Wl,-rpath,'$$ORIGIN/../c/lib'
	$(NPM) run --silent build --workspace quorlock-example-payments

.PHONY: check-payments
check-payments: $(PYTHON_TOOLS) $(NODE_MODULES)
	.venv/bin/ruff check --config $(PAYMENTS)/ruff.toml $(PAYMENTS)
	.venv/bin/ruff format --check --config $(PAYMENTS)/ruff.toml $(PAYMENTS)
	$(IN_NODE) npx --no-install prettier --check ../$(PAYMENTS)/nestjs/src

.PHONY: test-payments
test-payments: build-payments
	.venv/bin/python3 -m pytest -q -p no:valkey -p no:cacheprovider $(PAYMENTS)/tests
