/*
 * What the fuzz targets share.
 *
 * Errors: a world that cannot be made, or a property that does not hold,
 * aborts.
 */
#include <arpa/inet.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../spool/log.h"
#include "../../spool/confine.h"
#include "fuzz.h"

int __wrap_confine_enter(const struct confine *confine, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err);
static int remove_one(
    const char *path, const struct stat *st, int type, struct FTW *ftw);
static void remove_folder(void);
static void print_reached(void);

static char folder[128];
static pid_t owner;
static uint64_t reached;

void
fuzz_broken(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void
fuzz_reached(void)
{
	if (reached++ == 0)
		FUZZ_CHECK(atexit(print_reached) == 0);
}

char *
fuzz_string(const uint8_t *data, size_t size)
{
	char *s;

	s = malloc(size + 1);
	FUZZ_CHECK(s != NULL);
	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

const char *
fuzz_folder(void)
{
	const char *tmp = getenv("TMPDIR");

	if (folder[0] != '\0')
		return folder;
	(void)snprintf(folder, sizeof(folder), "%s/dcmspool-fuzz.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	FUZZ_CHECK(mkdtemp(folder) != NULL);
	owner = getpid();
	FUZZ_CHECK(atexit(remove_folder) == 0);
	return folder;
}

void
fuzz_write(const char *path, const void *data, size_t size)
{
	FILE *f;

	f = fopen(path, "we");
	FUZZ_CHECK(f != NULL);
	FUZZ_CHECK(fwrite(data, 1, size, f) == size);
	FUZZ_CHECK(fclose(f) == 0);
}

void
fuzz_world(int port, struct conf **conf, struct spool *spool)
{
	char path[160], text[1024];
	struct err err;

	log_open("fuzz", LOG_LEVEL_ERROR, false);
	(void)snprintf(path, sizeof(path), "%s/dcmspool.conf", fuzz_folder());
	(void)snprintf(text, sizeof(text),
	    "StorageLocation = \"%s/spool\";\n"
	    "MinFreeBytes = 0L; MinFreeInodes = 0;\n"
	    "receiver = { LocalAET = \"ENS-SCP\"; RemoteAET = \"*\";\n"
	    "\tARTIM = 1; IdleTimeout = 1; DimseTimeout = 1; };\n"
	    "routes = ( { DuplexTargetConfigNames = \"pacs\";\n"
	    "\tAnswerWhen = \"spooled\"; } );\n"
	    "destinations = ( { Name = \"pacs\"; RemoteAET = \"PACS\";\n"
	    "\tRemoteHost = \"127.0.0.1\"; RemotePort = %d;\n"
	    "\tConnectTimeout = 1; AssociateTimeout = 1; DimseTimeout = 1; } "
	    ");\n",
	    folder, port);
	fuzz_write(path, text, strlen(text));
	if (conf_load(path, conf, &err) == -1)
		fuzz_broken(__FILE__, __LINE__, err.text);
	if (spool_open((*conf)->storage_location, true, spool, &err) == -1 ||
	    spool_make_destination(spool, "pacs", &err) == -1)
		fuzz_broken(__FILE__, __LINE__, err.text);
}

int
fuzz_listen(int *port)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FUZZ_CHECK(fd > 2);
	FUZZ_CHECK(bind(fd, (struct sockaddr *)&address, size) == 0);
	FUZZ_CHECK(listen(fd, 16) == 0);
	FUZZ_CHECK(getsockname(fd, (struct sockaddr *)&address, &size) == 0);
	*port = ntohs(address.sin_port);
	return fd;
}

void
fuzz_reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	(void)close(fd);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_folder(void)
{
	if (getpid() == owner)
		(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
print_reached(void)
{
	(void)fprintf(stderr, "stat::reached: %" PRIu64 "\n", reached);
}

/* In the place of confine_enter: a fuzzer is not to be confined by its target,
 * for good. */
int
__wrap_confine_enter(const struct confine *confine, int root_fd,
    const struct confine_folder *folders, size_t n, struct err *err)
{
	(void)confine;
	(void)root_fd;
	(void)folders;
	(void)n;
	(void)err;
	return 0;
}
