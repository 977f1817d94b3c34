# Fuzz targets: libFuzzer, so clang. Each tests/fuzz/X.c but fuzz*.c is one, with
# its corpus in tests/fuzz/corpus/X and its words, if any, in .build/fuzz/X.dict.
FUZZ := receive send $(filter-out fuzz% receive send,\
	$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
FUZZ_OUT := .build/fuzz
FUZZ_PROGRAMS := $(addprefix $(FUZZ_OUT)/bin/,$(FUZZ))
FUZZ_RULES := Makefile tests/fuzz/module.mk
FUZZ_SAN := address,undefined,float-cast-overflow
FUZZ_FLAGS := -O1 -g -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,$(FUZZ_SAN) -fno-sanitize-recover=all
FUZZ_S ?= 60

fuzz_objects = $(patsubst %,$(FUZZ_OUT)/%.o,$(basename $(1)))

$(FUZZ_OUT)/%.o: %.c $(FUZZ_RULES) | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)clang -std=c11 $(CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ_OUT)/%.o: %.cc $(FUZZ_RULES) | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,FUZZ,$<)
	$(Q)clang++ -std=c++17 $(CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

# What the programs are made of, but for their main().
$(FUZZ_OUT)/libfuzz.a: $(call fuzz_objects,$(SPOOL_SRC) $(ASSOC_SRC) \
		$(filter-out %/main.c %/dcmspool.c,$(RECEIVER_SRC) $(SENDER_SRC) \
		$(COMMAND_SRC)) $(wildcard tests/fuzz/fuzz*.c))
	@rm -f $@
	$(Q)ar rcs $@ $^

$(FUZZ_PROGRAMS): $(FUZZ_OUT)/bin/%: $(FUZZ_OUT)/tests/fuzz/%.o \
		$(FUZZ_OUT)/libfuzz.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)clang++ -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^ \
		-Wl,--wrap=confine_enter \
		$(DCMTK_LIBS) -lconfig -lxxhash -ljansson -lssl -lcrypto -lseccomp

# Every key and word of the configuration.
$(FUZZ_OUT)/conf.dict: spool/conf_table.c spool/conf_table.h
	@mkdir -p $(@D)
	$(Q)cat $^ | grep -o '"[A-Za-z][A-Za-z0-9-]*"' | sort -u >$@

# FUZZ_S seconds of each, as many at once as there are processors.
fuzz: fuzz-programs
	sh tests/fuzz/run.sh $(FUZZ_S) $(FUZZ)

fuzz-programs: $(FUZZ_PROGRAMS) $(FUZZ_OUT)/conf.dict

.PHONY: fuzz fuzz-programs
-include $(shell find $(FUZZ_OUT) -type f -name '*.d' 2>/dev/null)
