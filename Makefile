# SPDX-License-Identifier: BSD-2-Clause
# make            build everything into build/
# make run        install what is missing, build, show the main job (SECONDS=0: until Ctrl-C)
# make check      install what is missing, build, run the unit, sim and e2e tests
# make check-asan the unit and sim tests under ASan and UBSan
# make check-bed the tests that need hardware clocks, in QEMU guests; SCENARIO=NAME runs one
# make bench-clients how many clients gmd holds, beside ptp4l, a bare echo and an XDP reflector
# make bench-rest what gmd costs at rest, beside ptp4l
# make bench-holdover how well gmd holds over, beside other programs' figures
# make fuzz       every fuzz target, FUZZ_RUNS executions each
# make lint       clang-format, clang-tidy, cppcheck
# V=1 shows the commands
# make install    into $(DESTDIR)$(PREFIX); make deb builds the Debian package

Q         := $(if $(V),,@)
BUILD     ?= build
PREFIX    ?= /usr
SECONDS   := 30
FUZZ_RUNS ?= 1000000
ASAN_SEEDS ?= 40
VERSION   := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' debian/changelog)

PYTHON    ?= /usr/bin/python3
CFLAGS    ?= -O2 -g
WARNINGS  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
HARDENING := -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection -D_FORTIFY_SOURCE=2
LIBRARIES := libgps libconfig jansson libsystemd libbpf
# pkg-config may have been installed by this very run: it is asked when a recipe needs it, not before
ALL_CFLAGS  = -std=gnu17 $(CFLAGS) $(WARNINGS) $(HARDENING) $(SANITIZE) -I. -MMD -MP -D_GNU_SOURCE -Wa,-I,$(OBJ) \
              -DGMD_VERSION='"$(VERSION)"' $(CPPFLAGS) $(shell pkg-config --cflags $(LIBRARIES))
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)
LDLIBS      = $(shell pkg-config --libs $(LIBRARIES)) -lm

OBJ       := $(BUILD)/obj
ROOMS     := bmca gnss holdover conf gmd gmd/clock gmd/net gmd/ptp gmd/simulate gmd/load gmd/calibrate
TOOLS     := $(basename $(notdir $(wildcard gmd/tools/*.c)))
SOURCES   := $(filter-out gmd/main.c,$(wildcard $(ROOMS:=/*.c)))
ARCHIVE   := $(BUILD)/libgmd.a
PROGRAMS  := $(BUILD)/gmd $(TOOLS:%=$(BUILD)/%)
MANPAGES  := $(patsubst gmd/man/%.in,$(BUILD)/man/%,$(wildcard gmd/man/*.in))

tests_of   = $(patsubst %.c,$(BUILD)/tests/%,$(notdir $(wildcard tests/$(1)/$(2)*.c)))
UNIT      := $(call tests_of,unit,test_)
SIM       := $(call tests_of,sim,test_)
PROBES    := $(call tests_of,e2e,)
PRELOADS  := $(patsubst %.c,$(BUILD)/tests/%.so,$(notdir $(wildcard tests/e2e/preload/*.c)))
FUZZERS   := $(call tests_of,fuzz,fuzz_)
SIM_FLEET := $(patsubst %.c,$(OBJ)/%.o,$(filter-out tests/sim/test_%,$(wildcard tests/sim/*.c)))
TRACKED    = $(shell git ls-files '*.c' '*.h')
# what runs in a kernel needs other headers: its own build checks it
LINTED     = $(filter-out tests/bed/module/% %.bpf.c,$(filter %.c,$(TRACKED)))

.PHONY: bench-clients bench-holdover bench-rest all run check check-bed check-built check-pure check-asan fuzz fuzz-built lint lint-built format install deb clean deps
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) $(MANPAGES)

# --- programs -------------------------------------------------------------------------------------

$(BUILD)/gmd: $(OBJ)/gmd/main.o $(ARCHIVE)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(TOOLS:%=$(BUILD)/%): $(BUILD)/%: $(OBJ)/gmd/tools/%.o $(ARCHIVE)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(ARCHIVE): $(SOURCES:%.c=$(OBJ)/%.o)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(OBJ)/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC      $<'
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# what runs in the kernel, embedded in gmd (gmd/net/bpf_objects.c)
BPF := $(patsubst %.c,$(OBJ)/%.o,$(wildcard gmd/net/bpf/*.bpf.c))

$(OBJ)/%.bpf.o: %.bpf.c
	@mkdir -p $(@D)
	@echo '  BPF     $<'
	$(Q)clang -O2 -g $(WARNINGS) -Wno-missing-prototypes -target bpf -mcpu=v3 -I. -I/usr/include/$(shell gcc -dumpmachine) -MMD -MP -c -o $@ $<

$(OBJ)/gmd/net/bpf_objects.o: $(BPF)

# each page's @OPTIONS@ and @METRICS@ are their tables' own text, @VERSION@ is the package's
$(BUILD)/man/%: gmd/man/%.in $(BUILD)/gmd $(BUILD)/gmctl debian/changelog
	@mkdir -p $(@D)
	@echo '  MAN     $@'
	$(Q)$(BUILD)/gmd --help-config=mdoc > $@.options
	$(Q)$(BUILD)/gmctl --help-metrics=mdoc > $@.metrics
	$(Q)sed -e 's/@VERSION@/$(VERSION)/' -e '/@OPTIONS@/{r $@.options' -e 'd}' \
	    -e '/@METRICS@/{r $@.metrics' -e 'd}' $< > $@
	$(Q)rm $@.options $@.metrics

# --- what a bare machine lacks ---------------------------------------------------------------------

deps: $(BUILD)/deps

$(BUILD)/deps: debian/control
	@mkdir -p $(@D)
	@dpkg-checkbuilddeps 2>/dev/null || { \
	    echo "installing the build dependencies of debian/control"; \
	    apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get build-dep -y -qq ./ > $(BUILD)/deps.log 2>&1 || \
	    { tail -20 $(BUILD)/deps.log; exit 1; }; }
	@touch $@

# --- the main job ----------------------------------------------------------------------------------

run: deps
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/e2e/demo.py --build $(BUILD) --seconds $(SECONDS)

# --- tests -----------------------------------------------------------------------------------------

$(UNIT): $(BUILD)/tests/%: $(OBJ)/tests/unit/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(SIM): $(BUILD)/tests/%: $(OBJ)/tests/sim/%.o $(SIM_FLEET) $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(PROBES): $(BUILD)/tests/%: $(OBJ)/tests/e2e/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(PRELOADS): $(BUILD)/tests/%.so: tests/e2e/preload/%.c
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

check: deps
	@$(MAKE) --no-print-directory check-built

PYTEST := GMD_BUILD=$(BUILD) $(PYTHON) -B -m pytest -q -o cache_dir=$(abspath $(BUILD))/pytest

# Most of these wait most of the time, but some take what the machine has: what fails beside others is judged
# once more, alone. What measures nanoseconds has the machine for itself.
check-built: all check-pure $(PROBES) $(PRELOADS)
	$(PYTEST) -n 12 --dist loadgroup --ignore tests/e2e/test_accuracy.py tests/e2e || \
	    { sed -i 's/@[a-z_]*": /": /' $(BUILD)/pytest/v/cache/lastfailed; false; } || \
	    $(PYTEST) --last-failed --last-failed-no-failures none --ignore tests/e2e/test_accuracy.py tests/e2e
	$(PYTEST) -rP tests/e2e/test_accuracy.py

# floors 1 and 2: no network, no other process
check-pure: $(UNIT) $(SIM)
	@printf '%s\n' $^ | xargs -P $$(nproc) -I{} sh -c '{} > {}.log 2>&1 || \
	    { cat {}.log; echo "FAILED: {}"; exit 255; }; \
	    echo "$$(basename {}): $$(grep -c "^\[       OK \]" {}.log) passed"'

# floor 4: hardware clocks and time stamps, in guests whose kernel module is the NIC
check-bed: deps
	@$(MAKE) --no-print-directory all
	$(PYTHON) -B tests/bed/bed.py --build $(BUILD) $(SCENARIO:%=--scenario %)

# SANITIZED: with fewer seeds, where these are for luck and not for memory
check-asan: deps
	@GMD_SIM_SEEDS=$(ASAN_SEEDS) $(MAKE) --no-print-directory check-pure BUILD=$(BUILD)/asan \
	    CFLAGS="-O2 -g -fno-omit-frame-pointer -DSANITIZED" SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all"

fuzz: deps
	@$(MAKE) --no-print-directory fuzz-built BUILD=$(BUILD)/fuzz CC=clang CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	    HARDENING=-fPIE SANITIZE="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all"

$(FUZZERS): $(BUILD)/tests/%: $(OBJ)/tests/fuzz/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

$(BUILD)/tests/make_corpus: $(OBJ)/tests/fuzz/make_corpus.o $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

fuzz-built: $(FUZZERS) $(BUILD)/tests/make_corpus
	@for fuzzer in $(FUZZERS); do \
	    corpus=$(BUILD)/corpus/$${fuzzer##*/}; mkdir -p $$corpus; \
	    $(BUILD)/tests/make_corpus $${fuzzer##*/fuzz_} $$corpus || exit 1; \
	    $$fuzzer -seed=1 -runs=$(FUZZ_RUNS) -max_len=1500 -print_final_stats=1 $$corpus > $$fuzzer.log 2>&1 || \
	        { tail -50 $$fuzzer.log; exit 1; }; \
	    echo "$${fuzzer##*/}: $$(sed -n 's/stat::number_of_executed_units: *//p' $$fuzzer.log) executions, no finding"; \
	done

bench-holdover: deps
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/bench/holdover.py --build $(BUILD)

PEERS := $(BUILD)/tests/request_path $(BUILD)/tests/echo $(BUILD)/tests/reflect $(BUILD)/tests/reflect.bpf.o

$(filter-out %.bpf.o,$(PEERS)): $(BUILD)/tests/%: $(OBJ)/tests/bench/%.o $(ARCHIVE)
	@mkdir -p $(@D)
	@echo '  LINK    $@'
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/tests/reflect.bpf.o: $(OBJ)/tests/bench/reflect.bpf.o
	@mkdir -p $(@D)
	$(Q)cp $< $@

bench-clients: deps
	@$(MAKE) --no-print-directory all $(PEERS)
	@$(BUILD)/tests/request_path
	@$(PYTHON) tests/bench/clients.py --build $(BUILD)

bench-rest: deps
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/bench/rest.py --build $(BUILD)

lint: deps
	@$(MAKE) --no-print-directory lint-built

BUGPRONE := -*,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-narrowing-conversions
ANALYZER := $(BUGPRONE),clang-analyzer-*,-clang-analyzer-optin.performance.Padding
ANALYZER := $(ANALYZER),-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling
tidy = printf '%s\n' $(1) | xargs -P $$(nproc) -I{} sh -c 'found=$$(clang-tidy --quiet --warnings-as-errors="*" \
    --checks="$(2)" {} -- -std=gnu17 -I. -D_GNU_SOURCE -DGMD_VERSION="\"\"" 2>&1) || { echo "$$found"; exit 1; }'

lint-built:
	@echo '  LINT    clang-format'
	$(Q)clang-format --dry-run --Werror $(TRACKED)
	@echo '  LINT    cppcheck'
	$(Q)cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr -I. -j $$(nproc) \
	    --suppress=unknownMacro:gmd/tools/gmctl.c \
	    $(LINTED)
	@echo '  LINT    clang-tidy'
	$(Q)$(call tidy,$(filter-out tests/%,$(LINTED)),$(ANALYZER))
	$(Q)$(call tidy,$(filter tests/%,$(LINTED)),$(BUGPRONE)) # what these do wrong ASan and UBSan see

format: deps
	clang-format -i $(TRACKED)

# --- delivery --------------------------------------------------------------------------------------

install: all
	install -D -t $(DESTDIR)$(PREFIX)/sbin $(BUILD)/gmd
	install -D -t $(DESTDIR)$(PREFIX)/bin $(TOOLS:%=$(BUILD)/%)
	test -e $(DESTDIR)/etc/gmd/gmd.conf || install -D -m 644 -t $(DESTDIR)/etc/gmd conf/examples/gmd.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/doc/gmd/examples conf/examples/*.conf
	install -d $(DESTDIR)/lib/systemd/system
	sed 's|/usr/sbin|$(PREFIX)/sbin|' debian/gmd.service > $(DESTDIR)/lib/systemd/system/gmd.service
	for page in $(MANPAGES); do install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done

deb: deps
	dpkg-buildpackage -us -uc -b

clean:
	rm -rf $(BUILD)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
