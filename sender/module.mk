# policy without DCMTK, which the unit tests link, too
SENDER_TESTABLE := $(addprefix sender/, outcome.c index.c index_chain.c \
	index_heap.c index_memory.c index_pool.c index_table.c contexts.c \
	advice.c waited.c)

SENDER_SRC := $(SENDER_TESTABLE) $(addprefix sender/, main.c ask.c sender.c \
	account.c \
	chores.c destination.c scan.c foreign.c down.c settle.c suspects.c together.c \
	delivered.c moves.c expire.c lanes.c lane.c marker.c deliver.c connection.c connector.c \
	identities.c requestor_dcmtk.cc trial.c)
