SENDER_SRC := $(addprefix sender/, main.c requestor_dcmtk.cc)
