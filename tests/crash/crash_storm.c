/*
 * crash_storm.c - many clients in all phases, while workers are killed at
 * random.
 *
 * Each client plays scenes (scenes.h), one after the other, whose transcripts
 * were taken before without a kill.  Nothing may differ, every request must
 * have been executed once, and nothing may be left behind at the end.
 */
#include "config.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/scenes.h"
#include "tests/crash/stage.h"

#define VARIANTS 3 /* of each scene */
#define CLIENTS_MAX 256
#define FAULTS_SHOWN 10

struct options {
	unsigned clients, workers, rounds, seconds, seed, keep;
	unsigned pause_min_ms, pause_max_ms; /* between two kills */
	const struct scene *scene;           /* NULL: all */
};

static struct options options = {
	.clients = 16,
	.workers = 1,
	.rounds = 1,
	.seconds = 10,
	.keep = 4,
	.pause_min_ms = 5,
	.pause_max_ms = 200,
};
static struct stage stage;
static struct bytes *references; /* scene_count * VARIANTS transcripts */
static atomic_uint faults, plays, kills;
static atomic_bool is_over;

/* --- transcripts --------------------------------------------------------- */

static void
prepare(struct play *p, unsigned scene, unsigned variant)
{
	memset(p, 0, sizeof(*p));
	p->port = stage.proxy_port;
	p->seed = options.seed * 977 + scene * 31 + variant;
	p->log = stage.log;
	p->label = scenes[scene].name;
}

/* Play everything once without a kill. */
static void
take_references(void)
{
	struct play p;

	references = calloc(scene_count * VARIANTS, sizeof(*references));
	for (unsigned i = 0; i < scene_count * VARIANTS; i++) {
		if (options.scene != NULL &&
		    options.scene != &scenes[i / VARIANTS])
			continue;
		if (options.scene == NULL &&
		    scenes[i / VARIANTS].setting != NULL)
			continue;
		prepare(&p, i / VARIANTS, i % VARIANTS);
		scene_play(&scenes[i / VARIANTS], &p);
		if (p.wrong > 0) {
			printf("scene %s is wrong without a kill:\n%.*s",
			    p.label, (int)p.transcript.len, p.transcript.data);
			atomic_fetch_add(&faults, 1);
		}
		references[i] = p.transcript;
	}
}

static void
compare(const struct play *p, unsigned variant, const struct bytes *want)
{
	if (p->transcript.len == want->len &&
	    memcmp(p->transcript.data, want->data, want->len) == 0)
		return;
	if (atomic_fetch_add(&faults, 1) >= FAULTS_SHOWN)
		return;
	printf(
	    "--- scene %s, variant %u, seed %u: expected\n%s--- got\n%s---\n",
	    p->label, variant, options.seed, want->data, p->transcript.data);
	fflush(stdout);
}

/* --- clients and the killer ---------------------------------------------- */

static unsigned
choose_scene(unsigned *chance)
{
	unsigned scene;

	if (options.scene != NULL)
		return (unsigned)(options.scene - scenes);
	do
		scene = (unsigned)rand_r(chance) % scene_count;
	while (scenes[scene].is_alone);
	return scene;
}

static void *
run_client(void *number)
{
	unsigned chance = options.seed + *(unsigned *)number * 7919;
	unsigned scene, variant;
	struct play p;

	while (!is_over) {
		scene = choose_scene(&chance);
		variant = (unsigned)rand_r(&chance) % VARIANTS;
		prepare(&p, scene, variant);
		scene_play(&scenes[scene], &p);
		compare(&p, variant, &references[scene * VARIANTS + variant]);
		play_fini(&p);
		atomic_fetch_add(&plays, 1);
	}
	return NULL;
}

static void
kill_one(unsigned *chance)
{
	pid_t pids[STAGE_WORKERS_MAX];
	unsigned count = stage_workers(&stage, pids);

	if (count > 0 &&
	    kill(pids[(unsigned)rand_r(chance) % count], SIGKILL) == 0)
		atomic_fetch_add(&kills, 1);
}

static void
kill_for(unsigned seconds, unsigned seed)
{
	int64_t end = wire_now_ms() + (int64_t)seconds * 1000;
	unsigned span = options.pause_max_ms - options.pause_min_ms + 1;
	unsigned chance = seed;

	while (wire_now_ms() < end && faults < FAULTS_SHOWN) {
		usleep(
		    (options.pause_min_ms + (unsigned)rand_r(&chance) % span) *
		    1000);
		kill_one(&chance);
	}
}

static void
play_round(unsigned round)
{
	pthread_t threads[CLIENTS_MAX];
	unsigned numbers[CLIENTS_MAX], i;

	is_over = false;
	for (i = 0; i < options.clients; i++) {
		numbers[i] = round * CLIENTS_MAX + i;
		if (pthread_create(
			&threads[i], NULL, run_client, &numbers[i]) != 0)
			stage_die("no thread");
	}
	kill_for(options.seconds, options.seed + round);
	is_over = true;
	for (i = 0; i < options.clients; i++)
		pthread_join(threads[i], NULL);
}

/* --- one round after the other ------------------------------------------- */

/* Nothing is left behind; and the memory does not grow from round to round. */
static void
check_rest(unsigned round)
{
	static uint64_t memory;
	struct stage_rest rest;

	stage_look(&stage, &rest);
	if (!stage_is_clean(&rest))
		faults++;
	if (round > 1 && rest.use.memory > memory + memory / 4) {
		printf("the shared memory grew from %llu to %llu\n",
		    (unsigned long long)memory,
		    (unsigned long long)rest.use.memory);
		faults++;
	}
	if (round <= 1)
		memory = rest.use.memory;
	faults += requests_check(stage.log, true);
	printf("round %u: %u kills, %u plays, %u requests, %u faults, "
	       "%llu KiB shared\n",
	    round, kills, plays, requests_count(), faults,
	    (unsigned long long)(rest.use.memory >> 10));
	fflush(stdout);
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: crash_storm [--clients N] [--workers N] [--rounds N]\n"
	    "	[--seconds N] [--seed N] [--pause MIN-MAX] [--scene NAME]\n"
	    "	[--keep SECONDS]\n");
	exit(2);
}

static void
parse_options(int argc, char **argv)
{
	static const struct option list[] = {
		{ "clients", required_argument, NULL, 'c' },
		{ "workers", required_argument, NULL, 'w' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "keep", required_argument, NULL, 'k' },
		{ "pause", required_argument, NULL, 'p' },
		{ "scene", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	options.seed = (unsigned)wire_now_ms() % 1000000;
	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (option == 'c')
			options.clients = (unsigned)atoi(optarg);
		else if (option == 'w')
			options.workers = (unsigned)atoi(optarg);
		else if (option == 'r')
			options.rounds = (unsigned)atoi(optarg);
		else if (option == 's')
			options.seconds = (unsigned)atoi(optarg);
		else if (option == 'k')
			options.keep = (unsigned)atoi(optarg);
		else if (option == 'S')
			options.seed = (unsigned)atoi(optarg);
		else if (option == 'n')
			options.scene = scene_find(optarg);
		else if (option != 'p' ||
			 sscanf(optarg, "%u-%u", &options.pause_min_ms,
			     &options.pause_max_ms) != 2)
			usage();
		if (option == 'n' && options.scene == NULL)
			usage();
	}
	if (options.clients > CLIENTS_MAX ||
	    options.pause_max_ms < options.pause_min_ms)
		usage();
}

int
main(int argc, char **argv)
{
	bool ended_well;

	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv);
	printf("seed %u, %u clients, %u workers, a kill each %u-%u ms\n",
	    options.seed, options.clients, options.workers,
	    options.pause_min_ms, options.pause_max_ms);
	stage_start(&stage, options.workers, options.keep,
	    options.scene != NULL ? options.scene->setting : NULL);
	take_references();
	check_rest(0);
	for (unsigned i = 1; i <= options.rounds && faults == 0; i++) {
		play_round(i);
		check_rest(i);
	}
	if (faults > 0) {
		stage_abandon(&stage);
		return 1;
	}
	ended_well = stage_stop(&stage);
	return ended_well ? 0 : 1;
}
