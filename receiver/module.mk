# the receiver: takes instances, spools them, waits for results, answers

# without DCMTK: the unit tests link them
RECEIVER_TESTABLE := $(addprefix receiver/, head.c pace.c precheck.c \
	route.c shared.c sources.c verdict.c)

RECEIVER_SRC := $(RECEIVER_TESTABLE) $(addprefix receiver/, main.c \
	account.c acceptor_dcmtk.cc admission.c association.c cell.c channel.c \
	children.c data_set.c links.c listen.c meter.c negotiate.c outage.c \
	ports.c prepare.c recover.c respond.c result_folder.c server.c \
	space.c store.c trial.c wait.c wait_table.c)
