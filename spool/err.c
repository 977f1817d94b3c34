/*
 * Errors as values: class, errno, and a text that is formed where it failed.
 *
 * Errors: none of its own; a text that is too long is cut.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "err.h"

static void format_text(struct err *, enum err_class, int, const char *,
    va_list) __attribute__((format(printf, 4, 0)));
static enum err_class class_of(int error);

int
err_set(struct err *err, enum err_class class, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	format_text(err, class, 0, format, args);
	va_end(args);
	return -1;
}

int
err_sys(struct err *err, const char *format, ...)
{
	int saved = errno;
	size_t used;
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	format_text(err, class_of(saved), saved, format, args);
	va_end(args);
	used = strlen(err->text);
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	    strerror(saved));
	errno = saved;
	return -1;
}

int
err_exit_code(const struct err *err)
{
	switch (err->class) {
	case ERR_NONE:
		return EX_OK;
	case ERR_TEMPORARY:
		return EX_TEMPFAIL;
	case ERR_PERMANENT:
		return EX_CANTCREAT;
	case ERR_CORRUPT:
		return EX_DATAERR;
	case ERR_CONFIG:
		return EX_CONFIG;
	case ERR_USAGE:
		return EX_USAGE;
	case ERR_BUG:
		break;
	}
	return EX_SOFTWARE;
}

static void
format_text(struct err *err, enum err_class class, int sys, const char *format,
    va_list args)
{
	err->class = class;
	err->sys = sys;
	(void)vsnprintf(err->text, sizeof(err->text), format, args);
}

static enum err_class
class_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
	case EROFS:
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ELOOP:
	case ENAMETOOLONG:
	case EXDEV:
	case EEXIST:
		return ERR_PERMANENT;
	case EBADF:
	case EFAULT:
	case EINVAL:
		return ERR_BUG;
	default:
		return ERR_TEMPORARY;
	}
}
