/*
 * For shims that do what a confined process may not: with this included the
 * daemon's processes are not confined. It takes the place of syscall(2), by
 * which the daemons ask for it; whoever preloads a library into a program may do
 * so anyway.
 *
 * crash_shim.c and record_shim.c need it: what they note has the path that a
 * descriptor has at that moment, which only /proc/self/fd tells, and a confined
 * process reads neither that nor makes files of its own.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

long
syscall(long number, ...)
{
	static long (*next)(long, ...);
	long a[6];
	va_list args;
	int i;

	va_start(args, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_landlock_restrict_self ||
	    (number == SYS_seccomp && a[0] == 1 /* SET_MODE_FILTER */))
		return 0;
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
