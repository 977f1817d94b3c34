RECEIVER_SRC := $(addprefix receiver/, main.c acceptor_dcmtk.cc)
