/*
 * Short texts.
 *
 * Errors: none; what does not fit is cut.
 */
#include <stdarg.h>
#include <string.h>

#include "text.h"

void
text_join(char *out, size_t size, ...)
{
	const char *part;
	size_t used = 0, n;
	va_list parts;

	va_start(parts, size);
	while ((part = va_arg(parts, const char *)) != NULL) {
		n = strnlen(part, size - 1 - used);
		(void)memcpy(out + used, part, n);
		used += n;
	}
	va_end(parts);
	out[used] = '\0';
}

void
text_int(int64_t value, char out[TEXT_INT_SIZE])
{
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[TEXT_INT_SIZE], *c = text + sizeof(text);

	*--c = '\0';
	do {
		*--c = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--c = '-';
	(void)memcpy(out, c, (size_t)(text + sizeof(text) - c));
}

void
text_digits(int value, char *out, int n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
text_hex(const uint8_t *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}
