# libspool: the on-disk contract and what both daemons share; no DCMTK
SPOOL_SRC := $(addprefix spool/, err.c log.c clock.c name.c path.c fs.c \
	record.c envelope.c part10.c result.c link.c stamp.c spool.c \
	item.c item_writer.c \
	conf.c command.c)

# what both daemons share over DCMTK
ASSOC_SRC := $(addprefix spool/, assoc_dcmtk.cc dimse.c)

# the operator command
COMMAND_SRC := $(addprefix spool/, dcmspool.c)
