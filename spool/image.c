/*
 * The program and its libraries: which of their pages can be had again.
 *
 * Errors: none; it is advice, and pages that the kernel keeps are kept.
 */
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image.h"

static int give_back(struct dl_phdr_info *object, size_t size, void *context);
static bool is_relocated(const struct dl_phdr_info *object);

void
image_give_back(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)dl_iterate_phdr(give_back, &page);
}

/*
 * MADV_DONTNEED would also forget what was written to a private page. What the
 * linker relocates and then protects (RELRO) lies in a segment that the file
 * has as writable; of the others nothing is ever written, but where there are
 * text relocations. No two segments share a page (elf(5)). From the end, as the
 * first holds the headers that are being read.
 */
static int
give_back(struct dl_phdr_info *object, size_t size, void *context)
{
	const ElfW(Phdr) * segment;
	const uintptr_t page = *(const uintptr_t *)context;
	uintptr_t begin, end;
	size_t i;

	(void)size;
	if (is_relocated(object))
		return 0;
	for (i = object->dlpi_phnum; i-- > 0;) {
		segment = &object->dlpi_phdr[i];
		if (segment->p_type != PT_LOAD ||
		    (segment->p_flags & PF_W) != 0)
			continue;
		begin = object->dlpi_addr + segment->p_vaddr;
		end = begin + segment->p_memsz;
		begin = begin / page * page;
		end = (end + page - 1) / page * page;
		/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

static bool
is_relocated(const struct dl_phdr_info *object)
{
	const ElfW(Dyn) *entry = NULL;
	size_t i;

	for (i = 0; i < object->dlpi_phnum; i++)
		if (object->dlpi_phdr[i].p_type == PT_DYNAMIC)
			/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
			entry =
			    (const ElfW(Dyn) *)(object->dlpi_addr +
						object->dlpi_phdr[i].p_vaddr);
	for (; entry != NULL && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_TEXTREL ||
		    (entry->d_tag == DT_FLAGS &&
			(entry->d_un.d_val & DF_TEXTREL) != 0))
			return true;
	return false;
}
