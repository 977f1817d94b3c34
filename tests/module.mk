# The CUnit tests: one file each mirrors a module; tests/main.c runs them all.
TEST_SRC := $(sort tests/main.c $(wildcard tests/test_*.c)) \
	$(RECEIVER_TESTABLE) $(SENDER_TESTABLE)

TEST_UNIT := $(OUT)/tests/unit

$(TEST_UNIT): $(call objects,$(TEST_SRC)) $(OUT)/libspool.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcunit -lconfig -lxxhash -ljansson -lcrypto

check: all $(TEST_UNIT)
	PYTHON=$(PYTHON) BIN=$(BIN) UNIT=$(TEST_UNIT) sh tests/check.sh

# What the fault tests preload into the daemons.
FAULT_SHIMS := $(patsubst %.c,$(OUT)/%.so,$(wildcard tests/faults/*_shim.c))

$(OUT)/tests/faults/%_shim.so: tests/faults/%_shim.c
	@mkdir -p $(@D)
	$(call say,SHIM,$@)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(CWARN) -fPIC -shared \
		-o $@ $< -ldl

check: $(FAULT_SHIMS)

# SOAK_S seconds of faults; SEED repeats a run.
soak: all $(FAULT_SHIMS)
	SOAK_S="$(SOAK_S)" SEED="$(SEED)" BIN=$(BIN) \
	    $(PYTHON) tests/faults/soak.py

# What hostile peers do, as a table and as JSON.
hostile: all
	@mkdir -p $(OUT)/hostile
	BIN=$(BIN) $(PYTHON) tests/hostile/run.py \
	    --json $(OUT)/hostile/receiver.json receiver

# The benchmarks, each in its long form.
bench: all
	BIN=$(BIN) $(PYTHON) tests/bench/nagle.py
	BIN=$(BIN) $(PYTHON) tests/bench/command.py

.PHONY: bench check hostile soak
