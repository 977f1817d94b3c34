# dcmspool: one make, no recursion. Each folder lists its own files in its
# module.mk; objects go under .build/.
#
#	make demo	install what is missing, build, show the main job
#	make check	install what is missing, build, run the tests
#	make check SAN=1	the same with address and undefined behaviour sanitizers
#	make fuzz	FUZZ_S seconds of each fuzz target
#	make install	PREFIX=/usr, DESTDIR=; `make uninstall` takes it away
#	make deb	a Debian package, in .build/deb
#	make check-deb	that package in a fresh Debian; check-container the container

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

PREFIX ?= /usr
DESTDIR ?=

VERSION := 0.1.0
CC := gcc
CXX := g++
PYTHON := /usr/bin/python3

WARN := -Wall -Wextra -Wconversion -Wswitch-enum -Wformat=2 -Werror
CWARN := $(WARN) -Wstrict-prototypes -Wmissing-prototypes
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(shell uname -m),x86_64)
HARDEN += -fcf-protection=full # CET
endif
CPPFLAGS := -D_GNU_SOURCE -DDCMSPOOL_VERSION='"$(VERSION)"'
LDFLAGS := -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed

ifdef SAN
OUT := .build/san
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
LDFLAGS += -fsanitize=address,undefined
BIN := $(OUT)/bin/
else
OUT := .build/release
OPT := -O2 -g
CPPFLAGS += -D_FORTIFY_SOURCE=3
BIN :=
endif

CFLAGS := -std=c11 $(OPT) $(CWARN) $(HARDEN)
CXXFLAGS := -std=c++17 $(OPT) $(WARN) $(HARDEN)
DCMTK_LIBS := -ldcmtls -ldcmnet -ldcmdata -loflog -lofstd

RECEIVER := $(BIN)receiver/dcmspool-receiver
SENDER := $(BIN)sender/dcmspool-sender
COMMAND := $(BIN)spool/dcmspool
PROGRAMS := $(RECEIVER) $(SENDER) $(COMMAND)

# These install what Debian lacks before anything is compiled.
NEED_DEPS := $(filter analyze demo check check-report bench soak fuzz deb check-deb check-container,$(MAKECMDGOALS))
DEPS_FIRST := $(if $(NEED_DEPS),deps)

objects = $(patsubst %,$(OUT)/%.o,$(basename $(1)))

# Each step in a word; V=1 shows the commands.
ifdef V
Q :=
say =
else
Q := @
say = @echo "  $(1)	$(2)"
endif

include spool/module.mk receiver/module.mk sender/module.mk tests/module.mk \
	tests/fuzz/module.mk contrib/module.mk

all: $(PROGRAMS)

deps:
	@sh contrib/install-deps.sh $(if $(filter check check-report bench soak fuzz,$(MAKECMDGOALS)),test)$(if $(filter analyze,$(MAKECMDGOALS)), analyze)$(if $(filter demo,$(MAKECMDGOALS)), demo)$(if $(filter deb check-deb,$(MAKECMDGOALS)), deb)$(if $(filter check-container,$(MAKECMDGOALS)), container)

$(OUT)/%.o: %.c Makefile | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/%.o: %.cc Makefile | $(DEPS_FIRST)
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(CPPFLAGS) $(CXXFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/libspool.a: $(call objects,$(SPOOL_SRC))
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ar rcs $@ $^

# DCMTK is C++, so what links it is linked by the C++ compiler.
$(RECEIVER): $(call objects,$(RECEIVER_SRC) $(ASSOC_SRC)) $(OUT)/libspool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(DCMTK_LIBS) -lconfig -lxxhash -lseccomp -lssl -lcrypto

$(SENDER): $(call objects,$(SENDER_SRC) $(ASSOC_SRC)) $(OUT)/libspool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(DCMTK_LIBS) -lconfig -lxxhash -lseccomp -lssl -lcrypto

$(COMMAND): $(call objects,$(COMMAND_SRC)) $(OUT)/libspool.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lconfig -lxxhash -ljansson -lcrypto

demo: all
	sh contrib/demo.sh

format:
	clang-format -i $(shell git ls-files '*.c' '*.h' '*.cc')

clean:
	rm -rf .build receiver/dcmspool-receiver sender/dcmspool-sender \
	    spool/dcmspool

.PHONY: all deps demo check format clean

-include $(shell find $(OUT) -type f -name '*.d' 2>/dev/null)
