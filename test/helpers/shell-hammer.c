// SPDX-License-Identifier: Apache-2.0
/*
 * Many attempts at one address, and a tally of who answered. An attempt is a connection that reads the server's name
 * and closes, or a datagram and its answer; with `keep`, each thread goes on with one socket while it works.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTEMPT_TIMEOUT_MS 3000
#define THREADS_MAX 64

enum kind { KIND_TCP, KIND_UDP, KIND_UDP_UNCONNECTED };

struct count {
	char name[NAME_MAX_LENGTH + 1];
	long count;
};

struct tally {
	struct count *counts;
	size_t used;
};

struct hammer {
	struct hammer *next;
	long id;
	enum kind kind;
	struct sockaddr_storage address;
	socklen_t length;
	long threads, pause_us, timeout_ms;
	int64_t until;
	bool keep, reset;
	atomic_long remaining;
	atomic_bool stop;
};

/* What one attempt came to: a name in `text`, or an error where `step` says at which step. */
struct outcome {
	const char *step;
	const char *error;
	char text[256];
	size_t length;
};

struct worker {
	struct hammer *hammer;
	pthread_t thread;
	struct tally answers, errors;
	long total, number;
	int64_t slowest;
	/* The socket that is kept, or -1, and who answers it. */
	int fd;
	struct outcome peer;
};

static pthread_mutex_t hammers_lock = PTHREAD_MUTEX_INITIALIZER;
static struct hammer *hammers;

static const char *read_options(struct hammer *hammer, char **options);
static void *run_hammer(void *argument);
static void *work(void *argument);

void hammer_start(long id, char **arguments)
{
	static const char *const kinds[] = { "tcp", "udp", "udp-unconnected" };
	struct hammer *hammer = calloc(1, sizeof(*hammer));
	const char *usage = "not a kind of hammer";
	struct reply reply;
	pthread_t thread;

	hammer->id = id;
	for (int i = 0; i < 3; i++)
		if (!strcmp(kinds[i], arguments[0])) {
			hammer->kind = i;
			usage = NULL;
		}
	hammer->length = parse_address(arguments[1], arguments[2], &hammer->address);
	if (!usage && !hammer->length)
		usage = "not an address";
	if (!usage)
		usage = read_options(hammer, arguments + 3);
	if (usage) {
		reply_begin(&reply, id);
		reply_string(&reply, "usage", usage, strlen(usage));
		reply_send(&reply);
		free(hammer);
		return;
	}

	pthread_mutex_lock(&hammers_lock);
	hammer->next = hammers;
	hammers = hammer;
	pthread_mutex_unlock(&hammers_lock);
	pthread_create(&thread, NULL, run_hammer, hammer);
	pthread_detach(thread);
}

bool hammer_stop(long id)
{
	bool found = false;

	pthread_mutex_lock(&hammers_lock);
	for (struct hammer *hammer = hammers; hammer; hammer = hammer->next)
		if (hammer->id == id) {
			hammer->stop = true;
			found = true;
		}
	pthread_mutex_unlock(&hammers_lock);
	return found;
}

/* Without `count` and `ms` it goes on until it is told to stop. Returns what is wrong. */
static const char *read_options(struct hammer *hammer, char **options)
{
	long count = -1, milliseconds = -1;

	hammer->threads = 1;
	hammer->timeout_ms = ATTEMPT_TIMEOUT_MS;
	for (; *options; options++) {
		if (!strcmp(*options, "keep"))
			hammer->keep = true;
		else if (!strcmp(*options, "reset"))
			hammer->reset = true;
		else if (sscanf(*options, "count=%ld", &count) != 1 &&
			 sscanf(*options, "ms=%ld", &milliseconds) != 1 &&
			 sscanf(*options, "threads=%ld", &hammer->threads) != 1 &&
			 sscanf(*options, "pause=%ld", &hammer->pause_us) != 1 &&
			 sscanf(*options, "timeout=%ld", &hammer->timeout_ms) != 1)
			return "unknown option of hammer";
	}
	if (hammer->threads < 1 || hammer->threads > THREADS_MAX)
		return "threads must be 1 to 64";
	hammer->remaining = count >= 0 ? count : INT64_MAX;
	hammer->until = milliseconds >= 0 ? now_micros() + milliseconds * 1000 : INT64_MAX;
	return NULL;
}

static void tally_add(struct tally *tally, const char *name, size_t length, long count)
{
	struct count *entry;

	if (length > NAME_MAX_LENGTH)
		length = NAME_MAX_LENGTH;
	for (size_t i = 0; i < tally->used; i++) {
		entry = &tally->counts[i];
		if (!strncmp(entry->name, name, length) && !entry->name[length]) {
			entry->count += count;
			return;
		}
	}
	tally->counts = realloc(tally->counts, (tally->used + 1) * sizeof(*entry));
	entry = &tally->counts[tally->used++];
	memcpy(entry->name, name, length);
	entry->name[length] = 0;
	entry->count = count;
}

static void tally_merge(struct tally *into, struct tally *from)
{
	for (size_t i = 0; i < from->used; i++)
		tally_add(into, from->counts[i].name, strlen(from->counts[i].name),
			  from->counts[i].count);
	free(from->counts);
}

static void tally_reply(struct reply *reply, const char *key, struct tally *tally)
{
	fprintf(reply->out, ",\"%s\":{", key);
	for (size_t i = 0; i < tally->used; i++) {
		fputs(i ? "," : "", reply->out);
		write_json_string(reply->out, tally->counts[i].name, strlen(tally->counts[i].name));
		fprintf(reply->out, ":%ld", tally->counts[i].count);
	}
	fputc('}', reply->out);
	free(tally->counts);
}

static void *run_hammer(void *argument)
{
	struct hammer *hammer = argument;
	struct worker workers[THREADS_MAX] = {};
	struct tally answers = {}, errors = {};
	int64_t start = now_micros(), slowest = 0;
	struct reply reply;
	long total = 0;

	for (int i = 0; i < hammer->threads; i++) {
		workers[i].hammer = hammer;
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int i = 0; i < hammer->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		total += workers[i].total;
		slowest = workers[i].slowest > slowest ? workers[i].slowest : slowest;
		tally_merge(&answers, &workers[i].answers);
		tally_merge(&errors, &workers[i].errors);
	}

	pthread_mutex_lock(&hammers_lock);
	for (struct hammer **at = &hammers; *at; at = &(*at)->next)
		if (*at == hammer) {
			*at = hammer->next;
			break;
		}
	pthread_mutex_unlock(&hammers_lock);

	reply_begin(&reply, hammer->id);
	reply_number(&reply, "total", total);
	tally_reply(&reply, "by", &answers);
	tally_reply(&reply, "errors", &errors);
	reply_number(&reply, "elapsedMs", (now_micros() - start) / 1000);
	reply_number(&reply, "slowestMicros", slowest);
	reply_send(&reply);
	free(hammer);
	return NULL;
}

static struct outcome attempt(struct worker *worker);

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct hammer *hammer = worker->hammer;

	worker->fd = -1;
	while (!hammer->stop && now_micros() < hammer->until &&
	       atomic_fetch_sub(&hammer->remaining, 1) > 0) {
		int64_t start = now_micros(), took;
		struct outcome outcome = attempt(worker);

		took = now_micros() - start;
		worker->slowest = took > worker->slowest ? took : worker->slowest;
		worker->total++;
		if (outcome.error) {
			char name[NAME_MAX_LENGTH];

			/* Connecting is the usual step and goes without saying. */
			snprintf(name, sizeof(name), "%s%s%s", outcome.step,
				 *outcome.step ? " " : "", outcome.error);
			tally_add(&worker->errors, name, strlen(name), 1);
		} else {
			tally_add(&worker->answers, outcome.text, outcome.length, 1);
		}
		if (hammer->pause_us)
			usleep(hammer->pause_us);
	}
	if (worker->fd >= 0)
		close(worker->fd);
	return NULL;
}

static struct outcome failed(const char *step)
{
	bool timeout = errno == EAGAIN || errno == EINPROGRESS;

	return (struct outcome){ .step = step,
				 .error = timeout ? "TIMEOUT" : strerrorname_np(errno) };
}

static int open_socket(struct hammer *hammer)
{
	int fd = socket(hammer->address.ss_family,
			(hammer->kind == KIND_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);

	set_time_limit(fd, SO_SNDTIMEO, hammer->timeout_ms);
	set_time_limit(fd, SO_RCVTIMEO, hammer->timeout_ms);
	return fd;
}

/* Reads up to the end of a line, which is left out. */
static struct outcome read_line(int fd)
{
	struct outcome outcome = {};

	for (;;) {
		ssize_t size = recv(fd, outcome.text + outcome.length,
				    sizeof(outcome.text) - outcome.length, 0);
		char *end;

		if (size < 0)
			return failed("read");
		if (size == 0)
			return (struct outcome){ .step = "read", .error = "EOF" };
		outcome.length += size;
		end = memchr(outcome.text, '\n', outcome.length);
		if (end) {
			outcome.length = end - outcome.text;
			return outcome;
		}
		if (outcome.length == sizeof(outcome.text))
			return (struct outcome){ .step = "read", .error = "EMSGSIZE" };
	}
}

/* The name of the server; on a connection that is kept, an echo shows that it still works. */
static struct outcome attempt_tcp(struct worker *worker, int fd, bool fresh)
{
	struct hammer *hammer = worker->hammer;
	struct outcome outcome;
	char line[32];
	size_t size;

	if (fresh) {
		if (connect(fd, (void *)&hammer->address, hammer->length) < 0)
			return failed("");
		return worker->peer = read_line(fd);
	}
	size = snprintf(line, sizeof(line), "%ld\n", ++worker->number);
	if (send(fd, line, size, MSG_NOSIGNAL) < 0)
		return failed("send");
	outcome = read_line(fd);
	if (outcome.error)
		return outcome;
	if (outcome.length + 1 != size || memcmp(outcome.text, line, outcome.length))
		return (struct outcome){ .step = "read", .error = "EBADMSG" };
	return worker->peer;
}

/* An answer is `NAME NUMBER`; late answers to earlier datagrams are passed over. */
static struct outcome attempt_udp(struct worker *worker, int fd, bool fresh)
{
	struct hammer *hammer = worker->hammer;
	bool connected = hammer->kind == KIND_UDP;
	int64_t until = now_micros() + hammer->timeout_ms * 1000;
	char number[32];
	size_t size = snprintf(number, sizeof(number), "%ld", ++worker->number);

	if (connected && fresh && connect(fd, (void *)&hammer->address, hammer->length) < 0)
		return failed("");
	if (sendto(fd, number, size, 0, connected ? NULL : (void *)&hammer->address,
		   connected ? 0 : hammer->length) < 0)
		return failed("send");
	while (now_micros() < until) {
		struct outcome outcome = {};
		struct sockaddr_storage from = {};
		socklen_t length = sizeof(from);
		ssize_t got =
			recvfrom(fd, outcome.text, sizeof(outcome.text), 0, (void *)&from, &length);
		char *blank = got > 0 ? memchr(outcome.text, ' ', got) : NULL;

		if (got < 0)
			return failed("read");
		if (!same_address(&from, &hammer->address))
			return (struct outcome){ .step = "read", .error = "WRONG-SOURCE" };
		if (!blank)
			return (struct outcome){ .step = "read", .error = "EBADMSG" };
		outcome.length = blank - outcome.text;
		if (got - outcome.length - 1 == size && !memcmp(blank + 1, number, size))
			return outcome;
	}
	return (struct outcome){ .step = "read", .error = "TIMEOUT" };
}

static struct outcome attempt(struct worker *worker)
{
	struct hammer *hammer = worker->hammer;
	bool fresh = worker->fd < 0;
	int fd = fresh ? open_socket(hammer) : worker->fd;
	struct outcome outcome;

	if (fd < 0)
		return failed("socket");
	outcome = hammer->kind == KIND_TCP ? attempt_tcp(worker, fd, fresh)
					   : attempt_udp(worker, fd, fresh);
	if (hammer->keep && !outcome.error) {
		worker->fd = fd;
		return outcome;
	}
	worker->fd = -1;
	if (hammer->reset)
		set_reset_on_close(fd);
	close(fd);
	return outcome;
}
