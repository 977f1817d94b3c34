# libspool: the on-disk contract and what both daemons share; no DCMTK
SPOOL_SRC := $(addprefix spool/, err.c text.c log.c ledger.c clock.c name.c path.c label.c fs.c \
	fs_folder.c fs_replace.c fs_map.c fd_pass.c counters.c counters_map.c counters_read.c \
	record.c envelope.c part10.c result.c link.c stamp.c spool.c renew.c \
	item.c item_writer.c keep.c watch.c loop.c process.c image.c user.c fs_owner.c \
	confine.c confine_calls.c confine_landlock.c \
	fs_access.c preflight.c preflight_routes.c \
	conf.c conf_equal.c conf_list.c conf_place.c conf_read.c \
	conf_scan.c conf_status.c conf_table.c conf_tls.c \
	conf_value.c command.c peer.c certificate.c)

# what both daemons share over DCMTK
ASSOC_SRC := $(addprefix spool/, assoc_dcmtk.cc pdu_dcmtk.cc transport_dcmtk.cc \
	wire_dcmtk.cc tls_dcmtk.cc tls_session_dcmtk.cc oflog_dcmtk.cc \
	dimse.c connect.c)

# the operator command
COMMAND_SRC := $(addprefix spool/, dcmspool.c cmd_audit.c cmd_check.c cmd_check_items.c \
	cmd_copy.c cmd_edit.c cmd_expire.c cmd_export.c cmd_filter.c \
	cmd_metrics.c cmd_metrics_collect.c \
	cmd_items.c cmd_link.c cmd_list.c cmd_move.c cmd_print.c \
	cmd_progress.c cmd_report.c cmd_report_day.c \
	cmd_report_failed.c cmd_seal.c cmd_show.c cmd_sort.c cmd_state.c cmd_status.c \
	cmd_status_certificates.c \
	cmd_status_print.c cmd_status_table.c cmd_study.c cmd_trace.c cmd_trace_read.c \
	cmd_user.c cmd_wait.c cmd_work.c)
