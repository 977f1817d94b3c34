# The CUnit tests: one file each mirrors a module; tests/main.c runs them all.
TEST_SRC := $(sort tests/main.c $(wildcard tests/test_*.c)) \
	$(RECEIVER_TESTABLE) $(SENDER_TESTABLE)

TEST_UNIT := $(OUT)/tests/unit

$(TEST_UNIT): $(call objects,$(TEST_SRC)) $(OUT)/libspool.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcunit -lconfig -lxxhash -ljansson

check: all $(TEST_UNIT)
	PYTHON=$(PYTHON) BIN=$(BIN) UNIT=$(TEST_UNIT) sh tests/check.sh
