/*
 * serve.c - the accept loop of the test servers: one thread a connection.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/peers/serve.h"

#define STACK_SIZE (512u << 10)

struct job {
	serve_connection *serve;
	void *context;
	int fd;
	unsigned number;
};

static void *
run_job(void *argument)
{
	struct job *job = argument;

	job->serve(job->context, job->fd, job->number);
	free(job);
	return NULL;
}

static int
start_job(const pthread_attr_t *attributes, const struct job *job)
{
	struct job *own = malloc(sizeof(*own));
	pthread_t thread;
	int err;

	if (own == NULL)
		return -ENOMEM;
	*own = *job;
	err = pthread_create(&thread, attributes, run_job, own);
	if (err != 0)
		free(own);
	return -err;
}

int
serve_run(int listener, serve_connection *serve, void *context)
{
	struct job job = { .serve = serve, .context = context };
	pthread_attr_t attributes;
	int err = 0;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (err == 0) {
		job.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (job.fd < 0) {
			if (errno != EINTR && errno != ECONNABORTED)
				err = -errno;
			continue;
		}
		job.number++;
		if (start_job(&attributes, &job) < 0)
			close(job.fd);
	}
	pthread_attr_destroy(&attributes);
	return err;
}
