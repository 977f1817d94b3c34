# The CUnit tests: one file each mirrors a module; tests/main.c runs them all.
TEST_SRC := $(sort tests/main.c $(wildcard tests/test_*.c)) \
	$(RECEIVER_TESTABLE) $(SENDER_TESTABLE)

TEST_UNIT := $(OUT)/tests/unit

$(TEST_UNIT): $(call objects,$(TEST_SRC)) $(OUT)/libspool.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcunit -lconfig -lxxhash -ljansson -lseccomp -lcrypto

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
	BIN=$(BIN) $(PYTHON) tests/hostile/run.py \
	    --json $(OUT)/hostile/sender.json sender

# The same beside DCMTK's own programs; ten minutes.
compare: all
	@mkdir -p $(OUT)/hostile
	BIN=$(BIN) $(PYTHON) tests/hostile/compare.py \
	    --json $(OUT)/hostile/compare.json

# Load generators and rivals of the benchmarks.
BENCH_PROGRAMS := $(addprefix $(OUT)/tests/bench/,load_scu load_scp relay delay)
BENCH_SHIM := $(OUT)/tests/bench/start_shim.so
BENCH_SHARED := $(call objects,$(addprefix tests/bench/,wire.c pdu.c dicom.c \
	dicom_message.c))

$(BENCH_PROGRAMS): $(OUT)/tests/bench/%: $(OUT)/tests/bench/%.o $(BENCH_SHARED)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lpthread

$(BENCH_SHIM): tests/bench/start_shim.c
	@mkdir -p $(@D)
	$(call say,SHIM,$@)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 -O2 -g $(CWARN) -fPIC -shared \
		-o $@ $< -ldl

check: $(BENCH_PROGRAMS) $(BENCH_SHIM)

# BENCH names the figures, all without; plots and a table in .build/bench.
bench: all $(BENCH_PROGRAMS) $(BENCH_SHIM)
	BIN=$(BIN) $(PYTHON) tests/bench/run.py --out .build/bench $(BENCH)
	$(if $(BENCH),,BIN=$(BIN) $(PYTHON) tests/bench/command.py)

# Static analysis; two minutes.
analyze: $(DEPS_FIRST)
	sh tests/analyze.sh

.PHONY: analyze bench check compare hostile soak
