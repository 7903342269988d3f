// SPDX-License-Identifier: Apache-2.0
/*
 * A shell of socket calls, run inside a pod so that a test can drive real sockets exactly.
 *
 * A command is a line `NUMBER NAME ARGUMENTS...` on standard input; each is answered by one line of JSON that carries
 * its number: {"id":7,"ok":true}, {"id":7,"error":"ECONNREFUSED"}. Commands run one after the other; `serve` and
 * `hammer` have threads of their own, and a hammer answers when it is done. A TEXT is percent-encoded. The shell ends
 * with its input. `usage` in an answer says that the command itself was wrong.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void stop(struct reply *reply, char **arguments);
static void served(struct reply *reply, char **arguments);

static const struct command thread_commands[] = {
	{ "hammer",
	  "tcp|udp|udp-unconnected ADDRESS PORT [count=N] [ms=N] [threads=N] [pause=MICROS] "
	  "[timeout=MS] [keep] [reset]",
	  3, ARGUMENTS_MAX, NULL, hammer_start },
	{ "serve", "tcp|udp ADDRESS|* PORT NAME [echo|reset|close|full]", 4, 5, NULL, serve_start },
	{ "served", "NUMBER", 1, 1, served, NULL },
	{ "stop", "NUMBER", 1, 1, stop, NULL },
	{},
};

static void run_line(char *line);

int main(void)
{
	char *line = NULL;
	size_t size = 0;

	signal(SIGPIPE, SIG_IGN);
	while (getline(&line, &size, stdin) > 0)
		run_line(line);
	/* Not exit(): threads still use what its handlers would tear down. */
	_exit(0);
}

static const struct command *find_command(const char *name)
{
	static const struct command *const tables[] = { socket_commands, transfer_commands,
							capture_commands, thread_commands };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct command *command = tables[i]; command->name; command++)
			if (!strcmp(command->name, name))
				return command;
	return NULL;
}

static void run_line(char *line)
{
	char *words[ARGUMENTS_MAX + 3] = {};
	const struct command *command;
	struct reply reply;
	char *rest = NULL;
	int count = 0;
	long id;

	for (char *word = strtok_r(line, " \n", &rest); word && count < ARGUMENTS_MAX + 2;
	     word = strtok_r(NULL, " \n", &rest))
		words[count++] = word;
	if (!count)
		return;

	id = atol(words[0]);
	command = count > 1 ? find_command(words[1]) : NULL;
	if (command && count - 2 >= command->arguments_min && count - 2 <= command->arguments_max) {
		if (command->start) {
			command->start(id, words + 2);
			return;
		}
		reply_begin(&reply, id);
		command->run(&reply, words + 2);
	} else {
		const char *usage = command ? command->usage : "unknown command";

		reply_begin(&reply, id);
		reply_string(&reply, "usage", usage, strlen(usage));
	}
	reply_send(&reply);
}

static void stop(struct reply *reply, char **arguments)
{
	long id = atol(arguments[0]);

	if (hammer_stop(id) || serve_stop(id))
		reply_ok(reply);
	else
		reply_error(reply, "ESRCH");
}

static void served(struct reply *reply, char **arguments)
{
	if (!serve_report(atol(arguments[0]), reply))
		reply_error(reply, "ESRCH");
}
