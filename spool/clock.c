/*
 * Clocks, and times as text.
 *
 * Errors: none; the clocks read here cannot fail on Linux (clock_gettime(2)).
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

#define LEAP_DAYS_TO_1970 477 /* since the year 1 */
#define US_PER_S	  1000000

static int64_t read_us(clockid_t clock);
static int digits(const char *s, int n, int *value);
static int real_from_parts(int year, int month, int day, int hour, int minute,
    int second, int us, int64_t *real_us);

int64_t
clock_mono_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_real_us(void)
{
	return read_us(CLOCK_REALTIME);
}

void
clock_boot_id(char out[CLOCK_BOOT_ID_SIZE])
{
	ssize_t got = 0;
	int fd;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		got = read(fd, out, CLOCK_BOOT_ID_SIZE - 1);
		close(fd);
	}
	out[got > 0 ? got : 0] = '\0';
}

void
clock_stamp_format(int64_t real_us, char out[CLOCK_STAMP_SIZE])
{
	time_t seconds = (time_t)(real_us / US_PER_S);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)memcpy(out, "yyyymmddThhmmss.uuuuuuZ", CLOCK_STAMP_SIZE);
	text_digits(tm.tm_year + 1900, out, 4);
	text_digits(tm.tm_mon + 1, out + 4, 2);
	text_digits(tm.tm_mday, out + 6, 2);
	text_digits(tm.tm_hour, out + 9, 2);
	text_digits(tm.tm_min, out + 11, 2);
	text_digits(tm.tm_sec, out + 13, 2);
	text_digits((int)(real_us % US_PER_S), out + 16, 6);
}

int
clock_stamp_parse(const char *s, int64_t *real_us)
{
	int year, month, day, hour, minute, second, us;

	if (strnlen(s, CLOCK_STAMP_SIZE - 1) < CLOCK_STAMP_SIZE - 1)
		return 0;
	if (s[8] != 'T' || s[15] != '.' || s[22] != 'Z')
		return 0;
	if (!digits(s, 4, &year) || !digits(s + 4, 2, &month) ||
	    !digits(s + 6, 2, &day) || !digits(s + 9, 2, &hour) ||
	    !digits(s + 11, 2, &minute) || !digits(s + 13, 2, &second) ||
	    !digits(s + 16, 6, &us))
		return 0;
	return real_from_parts(
	    year, month, day, hour, minute, second, us, real_us);
}

void
clock_iso_format(int64_t real_us, char out[CLOCK_ISO_SIZE])
{
	char stamp[CLOCK_STAMP_SIZE];

	clock_stamp_format(real_us, stamp);
	(void)memcpy(out, "yyyy-mm-ddThh:mm:ss", CLOCK_ISO_SIZE - 8);
	(void)memcpy(out, stamp, 4);
	(void)memcpy(out + 5, stamp + 4, 2);
	(void)memcpy(out + 8, stamp + 6, 2);
	(void)memcpy(out + 11, stamp + 9, 2);
	(void)memcpy(out + 14, stamp + 11, 2);
	(void)memcpy(out + 17, stamp + 13, 2);
	(void)memcpy(out + 19, stamp + 15, CLOCK_STAMP_SIZE - 15);
}

int
clock_iso_parse(const char *s, int64_t *real_us)
{
	char stamp[CLOCK_STAMP_SIZE];

	if (strlen(s) != CLOCK_ISO_SIZE - 1 || s[4] != '-' || s[7] != '-' ||
	    s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return 0;
	(void)memcpy(stamp, s, 4);
	(void)memcpy(stamp + 4, s + 5, 2);
	(void)memcpy(stamp + 6, s + 8, 5); /* with the T */
	(void)memcpy(stamp + 11, s + 14, 2);
	(void)memcpy(stamp + 13, s + 17, 2);
	(void)memcpy(stamp + 15, s + 19, CLOCK_STAMP_SIZE - 15);
	return clock_stamp_parse(stamp, real_us);
}

static int64_t
read_us(clockid_t clock)
{
	struct timespec now = {0};

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

static int
digits(const char *s, int n, int *value)
{
	int i;

	*value = 0;
	for (i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		*value = *value * 10 + (s[i] - '0');
	}
	return 1;
}

/*
 * Only times that gmtime(3) would write like this. Not timegm(3), which takes
 * a lock and looks at the time zone: a start reads a million names.
 */
static int
real_from_parts(int year, int month, int day, int hour, int minute, int second,
    int us, int64_t *real_us)
{
	static const int before_month[] = {
	    0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	int64_t days;
	int years = year - 1; /* that are over */

	if (month < 1 || month > 12 || day < 1 ||
	    day > before_month[month] - before_month[month - 1] +
		      (leap && month == 2) ||
	    hour > 23 || minute > 59 || second > 59 || year < 1970)
		return 0;
	days = (int64_t)365 * (year - 1970) + years / 4 - years / 100 +
	       years / 400 - LEAP_DAYS_TO_1970 + before_month[month - 1] +
	       (leap && month > 2) + day - 1;
	*real_us =
	    (days * 86400 + hour * 3600 + minute * 60 + second) * US_PER_S + us;
	return 1;
}
