# Installing: `make install` with PREFIX and DESTDIR, and a Debian package, whose
# files are in contrib/debian, as the top level has no place for them.
UNITDIR ?= $(PREFIX)/lib/systemd/system
CONFIG := /etc/dcmspool/dcmspool.conf
MANUALS := $(wildcard spool/*.1 spool/*.5 spool/*.7 receiver/*.8 sender/*.8)

# What is installed, FROM:TO:MODE below DESTDIR. First those that name the
# programs, which may be elsewhere.
INSTALLED_WITH_PATHS := \
	contrib/cron.d/dcmspool:/etc/cron.d/dcmspool:644 \
	$(foreach u,$(wildcard contrib/systemd/*.service),$(u):$(UNITDIR)/$(notdir $(u)):644)

INSTALLED := \
	$(RECEIVER):$(PREFIX)/sbin/dcmspool-receiver:755 \
	$(SENDER):$(PREFIX)/sbin/dcmspool-sender:755 \
	$(COMMAND):$(PREFIX)/bin/dcmspool:755 \
	contrib/report/dcmspool-report:$(PREFIX)/lib/dcmspool/dcmspool-report:755 \
	$(foreach m,$(MANUALS),$(m):$(PREFIX)/share/man/man$(subst .,,$(suffix $(m)))/$(notdir $(m)):644) \
	contrib/logrotate/dcmspool:/etc/logrotate.d/dcmspool:644 \
	contrib/rsyslog/dcmspool.conf:/etc/rsyslog.d/dcmspool.conf:644 \
	contrib/sysusers.d/dcmspool.conf:$(PREFIX)/lib/sysusers.d/dcmspool.conf:644 \
	contrib/tmpfiles.d/dcmspool.conf:$(PREFIX)/lib/tmpfiles.d/dcmspool.conf:644 \
	$(patsubst %,%:$(PREFIX)/share/bash-completion/completions/dcmspool:644,$(wildcard contrib/dcmspool.bash)) \
	$(INSTALLED_WITH_PATHS)

part = $(word $(1),$(subst :, ,$(2)))

define install_one
	install -D -m $(call part,3,$(1)) $(call part,1,$(1)) $(DESTDIR)$(call part,2,$(1))

endef

define set_paths
	sed -i 's,/usr/\(s*bin/dcmspool\),$(PREFIX)/\1,g' $(DESTDIR)$(call part,2,$(1))

endef

# A configuration that is there stays as it is.
install: all
	$(foreach f,$(INSTALLED),$(call install_one,$(f)))
	$(foreach f,$(INSTALLED_WITH_PATHS),$(call set_paths,$(f)))
	[ -e $(DESTDIR)$(CONFIG) ] || \
	    install -D -m 644 etc/dcmspool.conf $(DESTDIR)$(CONFIG)
ifeq ($(DESTDIR),)
	@echo "If the user dcmspool and the spool are to be made now:"
	@echo "  systemd-sysusers dcmspool.conf && systemd-tmpfiles --create dcmspool.conf"
endif

# The configuration, the user, the ledger and the spool stay.
uninstall:
	rm -f $(foreach f,$(INSTALLED),$(DESTDIR)$(call part,2,$(f)))
	@echo "$(CONFIG), the spool, the ledger and the user are left as they"
	@echo "are: what is queued goes on once dcmspool is installed again."

# Built in a copy; the packages are then in .build/deb.
DEB := .build/deb
DEB_TREE := $(DEB)/dcmspool-$(VERSION)

deb: | $(DEPS_FIRST)
	rm -rf $(DEB)
	mkdir -p $(DEB_TREE)
	tar -c --exclude=./.git --exclude=./.build --exclude=__pycache__ \
	    $(addprefix --exclude=./,receiver/dcmspool-receiver \
	    sender/dcmspool-sender spool/dcmspool) . | tar -x -C $(DEB_TREE)
	cp -R contrib/debian $(DEB_TREE)/debian
	cd $(DEB_TREE) && dpkg-buildpackage -us -uc
	lintian --fail-on error,warning $(DEB)/*.changes

# Installs the package in a fresh Debian below a temporary folder, runs it,
# and takes it away again. Takes a minute or two, and has to be root.
check-deb: deb
	DCMSPOOL_TEST_PACKAGE=1 PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest \
	    -p no:cacheprovider -q -rs tests/e2e/test_package.py

# Builds the container file with podman and runs what comes out. The same.
check-container: | $(DEPS_FIRST)
	DCMSPOOL_TEST_CONTAINER=1 PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest \
	    -p no:cacheprovider -q -rs tests/e2e/test_container.py

# The page of `dcmspool report` in a real browser. The pictures are then in
# .build/report, to be looked at.
check-report: all
	mkdir -p .build/report
	DCMSPOOL_SCREENSHOTS=$(CURDIR)/.build/report BIN=$(BIN) \
	    PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m pytest -p no:cacheprovider \
	    -q -rs tests/e2e/test_report.py

.PHONY: install uninstall deb check-deb check-container check-report
