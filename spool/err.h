/*
 * Errors as values. A function that can fail takes a struct err *, returns 0
 * or -1, and on -1 has said there what it tried, on what, and why it failed.
 * The class alone decides policy; the text is for people.
 */
#ifndef DCMSPOOL_ERR_H
#define DCMSPOOL_ERR_H

#define ERR_TEXT_SIZE 512

enum err_class {
	ERR_NONE = 0,
	ERR_TEMPORARY, /* the same call may succeed later: no space, timeout */
	ERR_PERMANENT, /* it will not: no permission, not a spool */
	ERR_CORRUPT,   /* what was read is not whole or not what it should be */
	ERR_CONFIG,    /* the configuration asks for what cannot be */
	ERR_USAGE,     /* the command line does */
	ERR_BUG	       /* ours */
};

struct err {
	enum err_class class;
	int sys; /* errno, 0 where no system call failed */
	char text[ERR_TEXT_SIZE];
};

/* Fills *err (may be NULL) from the format; always returns -1. */
int err_set(struct err *err, enum err_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * The same for a failed system call: takes errno, appends ": strerror", and
 * derives the class from it. errno is preserved. Always returns -1.
 */
int err_sys(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit code (sysexits.h) that a program ends with on this error. */
int err_exit_code(const struct err *err);

#endif
