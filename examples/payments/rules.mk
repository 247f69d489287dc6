# Rules of the payments example, included by the Makefile at the top.

PAYMENTS := examples/payments
PAYMENTS_TOOLS := .venv/.payments-tools-ready
HIREDIS := .venv/hiredis
PAYMENTS_C := target/payments
PAYMENTS_C_FLAGS := -std=gnu11 -O2 -Wall -Wextra -Ibindings-c/include -I$(HIREDIS)

test: test-payments
check: check-payments

# What the Python worker uses, and hiredis in source: no system library and no root is needed.
$(PAYMENTS_TOOLS): $(PAYMENTS)/python/requirements.txt $(PAYMENTS)/c/hiredis.txt $(PAYMENTS)/c/fetch-hiredis.sh | $(SERVERS)
	.venv/bin/python3 -m pip install --quiet --requirement $<
	bash $(PAYMENTS)/c/fetch-hiredis.sh $(HIREDIS)
	@touch $@

$(PAYMENTS_C)/libhiredis.a: $(PAYMENTS_TOOLS)
	@mkdir -p $(@D)/hiredis
	cd $(@D)/hiredis && $(CC) -O2 -c $(addprefix $(CURDIR)/$(HIREDIS)/,alloc.c async.c hiredis.c net.c read.c sds.c sockcompat.c)
	$(AR) rcs $@ $(@D)/hiredis/*.o

.PHONY: build-payments
build-payments: build-python build-node library-c $(PAYMENTS_C)/libhiredis.a
	$(CC) $(PAYMENTS_C_FLAGS) $(PAYMENTS)/c/*.c $(PAYMENTS_C)/libhiredis.a -o $(PAYMENTS_C)/settlement \
		-L$(C_LIB) -lquorlock -lpthread -Wl,-rpath,'$$ORIGIN/../c/lib'
	$(NPM) run --silent build --workspace quorlock-example-payments

.PHONY: check-payments
check-payments: $(PYTHON_TOOLS)
	.venv/bin/ruff check --config $(PAYMENTS)/ruff.toml $(PAYMENTS)
	.venv/bin/ruff format --check --config $(PAYMENTS)/ruff.toml $(PAYMENTS)

.PHONY: test-payments
test-payments: build-payments
	.venv/bin/python3 -m pytest -q -p no:valkey -p no:cacheprovider $(PAYMENTS)/tests
