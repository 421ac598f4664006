/*
 * crash_matrix.c - each scene again and again, and a worker that dies at each
 * place in it.
 *
 * Two kinds of places.  Kill points (kill_point.h) lie between stores: the
 * worker dies at point N, for N from 1 until the scene is over before the
 * point is reached; with --second its successor dies at point M.  System
 * calls: strace kills each of the first workers as it enters its N-th call of
 * a name, for each name that the scene needs, until the scene is over before.
 *
 * After each death the transcript must be that of an undisturbed play, and
 * each request must have been executed once.
 */
#include "config.h"

#include <dirent.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/scenes.h"
#include "tests/crash/stage.h"

#define POLL_US 500
#define SOON_MS 20000
#define NAMES_MAX 64
/* One client alone is never away for long. */
#define KEEP_S 2
/* A scene that needs more than this never ends. */
#define PLACES_MAX 200000u

struct options {
	bool points, calls, second;
	unsigned seconds; /* 0: go through everything */
	unsigned most;    /* places of a kind in a scene; 0: all of them */
	unsigned at;      /* this kill point alone; 0: all of them */
	unsigned faults;  /* so many are enough */
	unsigned seed, workers;
	const struct scene *scene; /* NULL: all */
};

/* A name of a system call. */
struct name {
	char text[32];
};

static struct options options = {
	.points = true,
	.calls = true,
	.faults = 20,
	.workers = 1,
};
static struct stage stage;
static struct bytes reference; /* of the scene that is played */
static unsigned faults, plays, deaths;
static int64_t deadline;

/* --- one play ------------------------------------------------------------ */

static bool
is_time_up(void)
{
	return faults >= options.faults ||
	       (options.seconds > 0 && wire_now_ms() > deadline);
}

static void
begin(struct play *p, const struct scene *scene)
{
	memset(p, 0, sizeof(*p));
	p->port = stage.proxy_port;
	p->seed = options.seed;
	p->is_small = true;
	p->log = stage.log;
	p->label = scene->name;
}

/* Nothing is left behind, and nothing is missing. */
static void
check_end(void)
{
	struct stage_rest rest;

	stage_look(&stage, &rest);
	if (!stage_is_clean(&rest))
		faults++;
	faults += requests_check(stage.log, true);
}

/* After a fault: what is stuck must not stain what comes next. */
static void
start_anew(void)
{
	stage_abandon(&stage);
	stage_start(&stage, options.workers, KEEP_S, stage.setting);
	requests_forget_log();
}

/* The daemon that this scene wants. */
static void
set_stage(const struct scene *scene)
{
	if (stage.setting == scene->setting)
		return;
	check_end();
	if (!stage_stop(&stage))
		faults++;
	stage_start(&stage, options.workers, KEEP_S, scene->setting);
	requests_forget_log();
}

/* Play and compare; `where` says where the worker was to die. */
static void
play(const struct scene *scene, const char *where)
{
	struct play p;
	bool same;
	unsigned bad;

	begin(&p, scene);
	scene_play(scene, &p);
	plays++;
	same = p.transcript.len == reference.len &&
	       memcmp(p.transcript.data, reference.data, reference.len) == 0;
	bad = requests_check(stage.log, false);
	if (!same || bad > 0) {
		faults++;
		printf("FAULT: scene %s, seed %u, death at %s %s %s\n",
		    scene->name, options.seed, where, stage.plan->where[0],
		    stage.plan->where[1]);
	}
	if (!same)
		printf("--- expected\n%s--- got\n%s---\n", reference.data,
		    p.transcript.data);
	fflush(stdout);
	play_fini(&p);
	if (!same || bad > 0)
		start_anew();
}

/* The undisturbed play. */
static void
take_reference(const struct scene *scene)
{
	struct play p;

	begin(&p, scene);
	scene_play(scene, &p);
	if (p.wrong > 0) {
		printf("scene %s is wrong without a death:\n%s", scene->name,
		    p.transcript.data);
		faults++;
	}
	bytes_fini(&reference);
	reference = p.transcript;
}

/* --- kill points --------------------------------------------------------- */

/* How many points an undisturbed play passes. */
static unsigned
count_points(const struct scene *scene)
{
	uint64_t before;

	stage_renew_workers(&stage);
	before = atomic_load(&stage.plan->passed);
	play(scene, "no place");
	return (unsigned)(atomic_load(&stage.plan->passed) - before);
}

/* Play with deaths at points `first` and, if not 0, `second`; true if so. */
static bool
die_at_points(const struct scene *scene, unsigned first, unsigned second)
{
	bool died;
	char where[300];

	/* Workers without a past: no connection to the origin is kept. */
	stage_renew_workers(&stage);
	atomic_store(&stage.plan->left[1], 0);
	memset(stage.plan->where, 0, sizeof(stage.plan->where));
	atomic_store(&stage.plan->left[0], first);
	atomic_store(&stage.plan->left[1], second);
	snprintf(where, sizeof(where), "kill points %u, %u", first, second);
	play(scene, where);
	/* Disarm what was not reached. */
	died = atomic_exchange(&stage.plan->left[0], 0) == 0;
	if (second > 0 && atomic_exchange(&stage.plan->left[1], 0) != 0)
		died = false;
	deaths += (stage.plan->where[0][0] != '\0') +
		  (stage.plan->where[1][0] != '\0');
	return died;
}

/* The second death is somewhere in the adoption, or soon after it. */
static unsigned
second_point(unsigned n)
{
	return options.second ? 1 + (n * 7 + options.seed) % 120 : 0;
}

/* How far apart places are so that `count` of them are not too many. */
static unsigned
step_for(unsigned count)
{
	return options.most == 0 ? 1 : 1 + count / options.most;
}

static void
go_through_points(const struct scene *scene)
{
	unsigned step = step_for(count_points(scene)), tried = 0;
	unsigned n = 1 + options.seed % step;

	if (options.at > 0) {
		(void)die_at_points(
		    scene, options.at, second_point(options.at));
		return;
	}
	for (; !is_time_up() && n < PLACES_MAX; n += step, tried++)
		if (!die_at_points(scene, n, second_point(n)) &&
		    n > count_points(scene))
			break;
	printf("%-14s kill points: %u of %u\n", scene->name, tried, n);
}

/* --- system calls -------------------------------------------------------- */

/* The workers that strace watches. */
static pid_t watched[STAGE_WORKERS_MAX];

static bool
is_traced(pid_t pid)
{
	return proc_status_number(pid, "TracerPid") > 0;
}

/* How many of the watched workers run (and, if asked for, are traced). */
static unsigned
count_watched(bool traced)
{
	unsigned i, count = 0;

	for (i = 0; i < options.workers; i++)
		count +=
		    proc_runs(watched[i]) && (!traced || is_traced(watched[i]));
	return count;
}

/* Start strace on the workers; returns when it watches all that live. */
static void
watch_workers(struct process *strace, const char *trace, const char *inject)
{
	int64_t until = wire_now_ms() + SOON_MS;
	struct arguments a = { 0 };
	char pid[16], output[400];
	unsigned i;

	stage_await_workers(&stage, watched);
	snprintf(output, sizeof(output), "%s/strace.out", stage.dir);
	arguments_add_words(&a, "strace -qq -o");
	arguments_add(&a, output);
	for (i = 0; i < options.workers; i++) {
		snprintf(pid, sizeof(pid), "%d", (int)watched[i]);
		arguments_add(&a, "-p");
		arguments_add(&a, pid);
	}
	arguments_add(&a, "-e");
	arguments_add(&a, trace);
	if (inject != NULL) {
		arguments_add(&a, "-e");
		arguments_add(&a, inject);
	}
	process_start(strace, stage.dir, "strace", &a);
	arguments_fini(&a);
	while (count_watched(true) < count_watched(false)) {
		bool ended = process_wait(strace, 0) != PROCESS_STILL_RUNNING;

		/* It may have killed them all already. */
		if (wire_now_ms() > until || (ended && count_watched(false)))
			stage_die("strace does not trace all workers");
		usleep(POLL_US);
	}
}

static void
stop_watching(struct process *strace)
{
	process_signal(strace, SIGINT);
	if (process_wait(strace, SOON_MS) == PROCESS_STILL_RUNNING)
		process_signal(strace, SIGKILL);
	(void)process_wait(strace, SOON_MS);
}

/* Add the names in strace's output that are not in the list yet. */
static unsigned
read_names(struct name names[NAMES_MAX], unsigned count)
{
	char path[400], line[256];
	unsigned i;
	FILE *file;

	snprintf(path, sizeof(path), "%s/strace.out", stage.dir);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		/* Of several processes, each line has the pid. */
		char *at = line + strspn(line, "0123456789 ");
		size_t len =
		    strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");

		if (len == 0 || len >= sizeof(names[0].text) || at[len] != '(')
			continue;
		at[len] = '\0';
		for (i = 0; i < count && strcmp(names[i].text, at) != 0; i++)
			;
		if (i == count && count < NAMES_MAX)
			strcpy(names[count++].text, at);
	}
	if (file != NULL)
		fclose(file);
	return count;
}

/* Which calls the workers make in this scene. */
static unsigned
find_names(const struct scene *scene, struct name names[NAMES_MAX])
{
	struct process strace;

	stage_renew_workers(&stage);
	watch_workers(&strace, "trace=all", NULL);
	play(scene, "no place, traced");
	stop_watching(&strace);
	return read_names(names, 0);
}

/* Play with a death at the n-th call of this name; true if so. */
static bool
die_at_call(const struct scene *scene, const char *name, unsigned n)
{
	struct process strace;
	char trace[64], inject[100];
	unsigned died;

	stage_renew_workers(&stage);
	snprintf(trace, sizeof(trace), "trace=%s", name);
	snprintf(inject, sizeof(inject), "inject=%s:signal=SIGKILL:when=%u",
	    name, n);
	watch_workers(&strace, trace, inject);
	play(scene, inject);
	/* The last calls come when the client is gone. */
	stop_watching(&strace);
	died = options.workers - count_watched(false);
	deaths += died;
	return died > 0;
}

static void
go_through_calls(const struct scene *scene)
{
	struct name names[NAMES_MAX];
	unsigned i, n, count, all = 0;

	count = find_names(scene, names);
	for (i = 0; i < count && !is_time_up(); i++) {
		for (n = 1; n < PLACES_MAX && !is_time_up(); n++)
			if (!die_at_call(scene, names[i].text, n))
				break;
		all += n - 1;
	}
	printf("%-14s system calls: %u of %u names\n", scene->name, all, count);
}

/* --- samples ------------------------------------------------------------- */

/* Random places, until the time is up. */
static void
sample(unsigned *chance)
{
	const struct scene *scene =
	    options.scene != NULL
		? options.scene
		: &scenes[(unsigned)rand_r(chance) % scene_count];
	unsigned points, i;

	set_stage(scene);
	take_reference(scene);
	points = count_points(scene);
	for (i = 0; options.points && points > 0 && i < 12; i++)
		(void)die_at_points(scene,
		    1 + (unsigned)rand_r(chance) % points,
		    i % 2 == 0 ? 1 + (unsigned)rand_r(chance) % 120 : 0);
	if (options.calls) {
		struct name names[NAMES_MAX];
		unsigned count = find_names(scene, names);

		for (i = 0; count > 0 && i < 4; i++)
			(void)die_at_call(scene,
			    names[(unsigned)rand_r(chance) % count].text,
			    1 + (unsigned)rand_r(chance) % 12);
	}
}

static void
go_through(const struct scene *scene)
{
	set_stage(scene);
	take_reference(scene);
	if (options.points)
		go_through_points(scene);
	if (options.calls)
		go_through_calls(scene);
	fflush(stdout);
}

/* --- main ---------------------------------------------------------------- */

/* Whether strace is there and may trace. */
static bool
can_trace(void)
{
	return system("strace -qq -o /dev/null true 2>/dev/null") == 0;
}

/* Whether the daemon was built with kill points. */
static bool
has_points(void)
{
	if (options.points && atomic_load(&stage.plan->passed) == 0) {
		printf("the daemon has no kill points: --enable-developer\n");
		options.points = false;
	}
	return options.points;
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: crash_matrix [--points | --calls] [--second] [--scene "
	    "NAME]\n"
	    "	[--seconds N] [--most N] [--at N] [--faults N] [--seed N]\n"
	    "	[--workers N]\n"
	    "  --seconds  random places for so long; without it, all places\n"
	    "  --at       this kill point alone\n"
	    "  --most     so many kill points in a scene, evenly spread\n"
	    "  --faults   so many of them end it (20)\n");
	exit(2);
}

static void
parse_options(int argc, char **argv)
{
	static const struct option list[] = {
		{ "points", no_argument, NULL, 'p' },
		{ "calls", no_argument, NULL, 'c' },
		{ "second", no_argument, NULL, '2' },
		{ "workers", required_argument, NULL, 'w' },
		{ "scene", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 's' },
		{ "most", required_argument, NULL, 'm' },
		{ "at", required_argument, NULL, 'a' },
		{ "faults", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 'S' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	options.seed = (unsigned)wire_now_ms() % 1000000;
	while ((option = getopt_long(argc, argv, "", list, NULL)) != -1) {
		if (option == 'p')
			options.calls = false;
		else if (option == 'c')
			options.points = false;
		else if (option == '2')
			options.second = true;
		else if (option == 's')
			options.seconds = (unsigned)atoi(optarg);
		else if (option == 'm')
			options.most = (unsigned)atoi(optarg);
		else if (option == 'a')
			options.at = (unsigned)atoi(optarg);
		else if (option == 'f')
			options.faults = (unsigned)atoi(optarg);
		else if (option == 'S')
			options.seed = (unsigned)atoi(optarg);
		else if (option == 'w')
			options.workers = (unsigned)atoi(optarg);
		else if (option == 'n')
			options.scene = scene_find(optarg);
		else
			usage();
		if (option == 'n' && options.scene == NULL)
			usage();
	}
	if (options.calls && !can_trace()) {
		printf("strace is missing or may not trace: no system calls\n");
		options.calls = false;
	}
}

int
main(int argc, char **argv)
{
	unsigned i, chance;
	bool ended_well = false;

	signal(SIGPIPE, SIG_IGN);
	parse_options(argc, argv);
	printf("seed %u\n", options.seed);
	stage_start(&stage, options.workers, KEEP_S, NULL);
	chance = options.seed;
	deadline = wire_now_ms() + (int64_t)options.seconds * 1000;
	if (!has_points() && !options.calls) {
		stage_abandon(&stage);
		return 77;
	}
	while (options.seconds > 0 && !is_time_up())
		sample(&chance);
	for (i = 0; options.seconds == 0 && i < scene_count && !is_time_up();
	     i++)
		if (options.scene == NULL || options.scene == &scenes[i])
			go_through(&scenes[i]);
	check_end();
	if (faults == 0)
		ended_well = stage_stop(&stage);
	else
		stage_abandon(&stage);
	printf("%u plays, %u deaths, %u faults\n", plays, deaths, faults);
	return ended_well ? 0 : 1;
}
