# Rules of the C binding, included by the Makefile at the top.

.PHONY: header-c
header-c: # Write quorlock.h anew after a change of the sources
	$(CARGO) run -q --locked -p quorlock-c-header

check: check-c
.PHONY: check-c
check-c:
	$(CARGO) run -q --locked -p quorlock-c-header -- --check
