/*
 * test_conf.c - the table of keys, and struct conf: defaults, setting,
 * copying, comparing, and what keys must agree about.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "common/conf.h"
#include "common/conf_key.h"
#include "common/conf_validate.h"
#include "tests/unit/unit.h"

static struct conf conf;
static char error[CONF_ERROR_CAP];

static void
set_up(void)
{
	ck_assert_int_eq(conf_init(&conf), 0);
	error[0] = '\0';
}

static void
tear_down(void)
{
	conf_fini(&conf);
}

static void
set(struct conf *to, const char *key, const char *value)
{
	int r = conf_set(to, key, value, error, sizeof(error));

	ck_assert_msg(r == 0, "%s", error);
}

/* --- the table --------------------------------------------------------- */

START_TEST(members_are_named_like_their_keys)
{
	const struct conf_key *key;
	char member[128];

	for (size_t i = 0; (key = conf_key_at(i)) != NULL; i++) {
		(void)snprintf(member, sizeof(member), "%s", key->name);
		if (strchr(member, '.') != NULL)
			*strchr(member, '.') = '_';
		ck_assert_str_eq(member, key->member);
		ck_assert_ptr_eq(conf_key_find(key->name), key);
		ck_assert_uint_le(key->min, key->max);
	}
	ck_assert_ptr_null(conf_key_find("session"));
	ck_assert_ptr_null(conf_key_at(1000));
}
END_TEST

START_TEST(defaults_are_as_promised)
{
	ck_assert_uint_eq(conf.workers, 0);
	ck_assert_uint_eq(conf.session_idle_timeout, 5 * CONF_MINUTE);
	ck_assert_uint_eq(conf.session_max_age, 30 * CONF_MINUTE);
	ck_assert_uint_eq(conf.session_max_connections, 10);
	ck_assert_uint_eq(conf.session_max_sessions, 65536);
	ck_assert_uint_eq(conf.stream_detach_timeout, 60 * CONF_SECOND);
	ck_assert_uint_eq(conf.stream_keepalive_interval, 15 * CONF_SECOND);
	ck_assert_uint_eq(conf.stream_max_event, 16 * CONF_MIB);
	ck_assert_uint_eq(conf.journal_stream_limit, 256 * CONF_KIB);
	ck_assert_uint_eq(conf.journal_memory, 512 * CONF_MIB);
	ck_assert_uint_eq(conf.reconnect_initial_delay, 250);
	ck_assert_uint_eq(conf.reconnect_max_delay, 30 * CONF_SECOND);
	ck_assert_uint_eq(conf.reconnect_max_attempts, 10);
	ck_assert_double_eq(conf.reconnect_jitter, 0.25);
	ck_assert_uint_eq(conf.health_idle_timeout, 5 * CONF_MINUTE);
	ck_assert_uint_eq(conf.client_head_timeout, 10 * CONF_SECOND);
	ck_assert_uint_eq(conf.client_body_timeout, 30 * CONF_SECOND);
	ck_assert_uint_eq(conf.client_idle_timeout, 75 * CONF_SECOND);
	ck_assert_uint_eq(conf.client_max_header, 32 * CONF_KIB);
	ck_assert_uint_eq(conf.client_max_body, 16 * CONF_MIB);
	ck_assert_uint_eq(conf.upstream_connect_timeout, 5 * CONF_SECOND);
	ck_assert_uint_eq(conf.upstream_response_timeout, 0);
	ck_assert_uint_eq(conf.worker_hang_timeout, 10 * CONF_SECOND);
	ck_assert_str_eq(conf.log_level, "info");
	ck_assert_str_eq(conf.log_target, "stderr");
	ck_assert_str_eq(conf.upstream_url, "");
	ck_assert_uint_eq(conf.security_allowed_origins.count, 0);
	ck_assert(!conf.log_access);
}
END_TEST

static const struct {
	const char *name, *nearest;
} suggest_rows[] = {
	{ "workres", "workers" },
	{ "session.idle_timout", "session.idle_timeout" },
	{ "sesion.max_age", "session.max_age" },
	{ "upstream.uri", "upstream.url" },
	{ "url", "upstream.url" },
	{ "log_level", "log.level" },
	{ "allowed_hosts", "security.allowed_hosts" },
	{ "xyzzy", NULL },
	{ "", NULL },
	{ "a.very.long.name.that.is.not.like.any.key.at.all.but.goes.on.and",
	    NULL },
};

START_TEST(the_nearest_key_is_suggested)
{
	const char *nearest = conf_key_suggest(suggest_rows[_i].name);

	ck_assert_pstr_eq(nearest, suggest_rows[_i].nearest);
}
END_TEST

/* --- setting ----------------------------------------------------------- */

START_TEST(values_of_every_type_are_set)
{
	set(&conf, "session.idle_timeout", "250ms");
	ck_assert_uint_eq(conf.session_idle_timeout, 250);
	set(&conf, "journal.memory", "64MiB");
	ck_assert_uint_eq(conf.journal_memory, 64 * CONF_MIB);
	set(&conf, "workers", "4");
	ck_assert_uint_eq(conf.workers, 4);
	set(&conf, "reconnect.jitter", "0.5");
	ck_assert_double_eq(conf.reconnect_jitter, 0.5);
	set(&conf, "log.access", "yes");
	ck_assert(conf.log_access);
	set(&conf, "upstream.url", "http://localhost:3000/mcp");
	ck_assert_str_eq(conf.upstream_url, "http://localhost:3000/mcp");
	set(&conf, "worker.user", "www-data");
	set(&conf, "worker.user", "");
	ck_assert_str_eq(conf.worker_user, "");
}
END_TEST

START_TEST(a_list_is_separated_by_commas_and_replaces)
{
	struct conf_list *list = &conf.listen_address;

	set(&conf, "listen.address", "127.0.0.1:1");
	set(&conf, "listen.address", " 127.0.0.1:2 ,\t[::1]:3");
	ck_assert_uint_eq(list->count, 2);
	ck_assert_str_eq(list->items[0], "127.0.0.1:2");
	ck_assert_str_eq(list->items[1], "[::1]:3");
	set(&conf, "listen.address", " ");
	ck_assert_uint_eq(list->count, 0);
}
END_TEST

START_TEST(items_are_set_as_they_are)
{
	static const char *const items[] = { "a", "b:80" };

	ck_assert_int_eq(conf_set_items(&conf, "security.allowed_hosts", items,
			     2, error, sizeof(error)),
	    0);
	ck_assert_uint_eq(conf.security_allowed_hosts.count, 2);
	ck_assert_str_eq(conf.security_allowed_hosts.items[1], "b:80");
	ck_assert_int_eq(conf_set_items(&conf, "security.allowed_hosts", items,
			     0, error, sizeof(error)),
	    0);
	ck_assert_uint_eq(conf.security_allowed_hosts.count, 0);
}
END_TEST

static const struct {
	const char *key, *value, *error;
} bad_rows[] = {
	{ "session.idle_timeout", "5 parsecs",
	    "session.idle_timeout: \"5 parsecs\" is not a duration: use a "
	    "number with ms, s, m or h" },
	{ "session.idle_timeout", "9000h",
	    "session.idle_timeout: \"9000h\" is out of bounds: use 0, or 1ms "
	    "to 8784h" },
	{ "upstream.connect_timeout", "0",
	    "upstream.connect_timeout: \"0\" is out of bounds: use 1ms to "
	    "24h" },
	{ "worker.hang_timeout", "1ms",
	    "worker.hang_timeout: \"1ms\" is out of bounds: use 0, or 1s to "
	    "24h" },
	{ "client.max_header", "2MiB",
	    "client.max_header: \"2MiB\" is out of bounds: use 1KiB to "
	    "1MiB" },
	{ "client.max_header", "32kb",
	    "client.max_header: \"32kb\" is not a size: use a number of "
	    "bytes, or one with KiB, MiB or GiB" },
	{ "workers", "65",
	    "workers: \"65\" is out of bounds: use 0, or 1 to 64" },
	{ "workers", "many",
	    "workers: \"many\" is not a number: use a whole number" },
	{ "reconnect.jitter", "1.5",
	    "reconnect.jitter: \"1.5\" is out of bounds: use 0 to 1" },
	{ "reconnect.jitter", "half",
	    "reconnect.jitter: \"half\" is not a number: use a number such "
	    "as 0.25" },
	{ "log.access", "maybe",
	    "log.access: \"maybe\" is not a truth value: use true or false" },
	{ "log.level", "verbose",
	    "log.level: \"verbose\" is not a level: use error, warning, "
	    "notice, info or debug" },
	{ "log.level", "", "log.level: \"\" is empty: the default is info" },
	{ "log.target", "log.txt",
	    "log.target: \"log.txt\" is not a target: use stderr, syslog, "
	    "syslog:SOCKET or a path that begins with /" },
	{ "pidfile", "run/pid",
	    "pidfile: \"run/pid\" is not an absolute path: use one that "
	    "begins with /" },
	{ "pidfile", "/run/",
	    "pidfile: \"/run/\" is not an absolute path: it names a "
	    "directory" },
	{ "upstream.url", "https://a/",
	    "upstream.url: \"https://a/\" is not the URL of an upstream: "
	    "https upstreams are not supported yet: use http://" },
	{ "listen.address", "127.0.0.1:80,8080",
	    "listen.address: \"8080\" is not an address to listen on: the "
	    "port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "metrics.address", "70000",
	    "metrics.address: \"70000\" is not an address to serve metrics "
	    "at: the port is not a number from 0 to 65535" },
	{ "metrics.address", "12x",
	    "metrics.address: \"12x\" is not an address to serve metrics at: "
	    "the port is missing: use HOST:PORT, [IPV6]:PORT or :PORT" },
	{ "listen.address", "127.0.0.1:80,",
	    "listen.address: \"\" is an empty item in a list" },
	{ "worker.user", "a b",
	    "worker.user: \"a b\" is not a user's name: use a name of "
	    "passwd(5)" },
	{ "security.allowed_origins", "example.org",
	    "security.allowed_origins: \"example.org\" is not an origin: use "
	    "SCHEME://HOST[:PORT], null or *" },
	{ "security.allowed_hosts", "http://a",
	    "security.allowed_hosts: \"http://a\" is not a host: use NAME, "
	    "NAME:PORT, [IPV6] or *" },
	{ "sesion.max_age", "1h",
	    "sesion.max_age: there is no such key: did you mean "
	    "session.max_age?" },
	{ "xyzzy", "1", "xyzzy: there is no such key: see shadowcat.conf(5)" },
};

START_TEST(bad_values_are_told_and_change_nothing)
{
	struct conf before;

	set(&conf, "listen.address", "127.0.0.1:1");
	ck_assert_int_eq(conf_copy(&conf, &before), 0);
	ck_assert_int_eq(conf_set(&conf, bad_rows[_i].key, bad_rows[_i].value,
			     error, sizeof(error)),
	    -EINVAL);
	ck_assert_str_eq(error, bad_rows[_i].error);
	ck_assert(conf_equal(&before, &conf));
	conf_fini(&before);
}
END_TEST

START_TEST(a_long_value_is_cut_in_the_error)
{
	char value[8192];

	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	ck_assert_int_eq(
	    conf_set(&conf, "workers", value, error, sizeof(error)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "xxx...\" is not a number: use"));
	ck_assert_int_eq(
	    conf_set(&conf, value, value, error, sizeof(error)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "x: there is no such key"));
}
END_TEST

static const struct {
	const char *key, *value;
} good_rows[] = {
	{ "security.allowed_origins", "*" },
	{ "security.allowed_origins", "null" },
	{ "security.allowed_origins", "https://example.org" },
	{ "security.allowed_origins", "http://localhost:3000,http://[::1]" },
	{ "security.allowed_origins", "vscode-webview://abc" },
	{ "security.allowed_hosts", "*" },
	{ "security.allowed_hosts", "mcp.example.org,a:80,[::1],[::1]:80" },
	{ "log.target", "syslog" },
	{ "log.target", "syslog:/run/log" },
	{ "log.target", "/var/log/shadowcat.log" },
	{ "control.path", "/run/shadowcat/control.sock" },
	{ "session.max_age", "0" },
	{ "listen.address", ":0,localhost:80" },
	{ "metrics.address", "9187,:9188,127.0.0.1:0,[::]:1" },
};

START_TEST(good_texts_are_taken)
{
	set(&conf, good_rows[_i].key, good_rows[_i].value);
}
END_TEST

/* --- the whole --------------------------------------------------------- */

START_TEST(a_copy_shares_nothing)
{
	struct conf copy;

	set(&conf, "upstream.url", "http://a/");
	set(&conf, "listen.address", ":1,:2");
	ck_assert_int_eq(conf_copy(&conf, &copy), 0);
	ck_assert(conf_equal(&conf, &copy));
	set(&conf, "upstream.url", "http://b/");
	set(&conf, "listen.address", ":3");
	ck_assert(!conf_equal(&conf, &copy));
	ck_assert_str_eq(copy.upstream_url, "http://a/");
	ck_assert_uint_eq(copy.listen_address.count, 2);
	ck_assert_str_eq(copy.listen_address.items[1], ":2");
	conf_fini(&copy);
	conf_fini(&copy); /* a zeroed one is allowed */
}
END_TEST

START_TEST(what_needs_a_restart_is_listed)
{
	struct conf next;
	char names[256];

	ck_assert_int_eq(conf_copy(&conf, &next), 0);
	set(&next, "session.max_age", "1h");
	set(&next, "listen.address", ":1");
	ck_assert_uint_eq(
	    conf_changed_needing_restart(&conf, &next, names, sizeof(names)),
	    0);
	ck_assert_str_eq(names, "");
	set(&next, "journal.memory", "64MiB");
	set(&next, "control.path", "/tmp/x");
	ck_assert_uint_eq(
	    conf_changed_needing_restart(&conf, &next, names, sizeof(names)),
	    2);
	ck_assert_str_eq(names, "journal.memory, control.path");
	ck_assert_uint_eq(
	    conf_changed_needing_restart(&conf, &next, names, 8), 2);
	ck_assert_str_eq(names, "journal");
	conf_fini(&next);
}
END_TEST

static const struct {
	const char *key, *value, *error;
} whole_rows[] = {
	{ "log.level", "info", NULL },
	{ "listen.address", "",
	    "listen.address: not set: give --bind HOST:PORT, or the key in "
	    "the configuration file" },
	{ "upstream.url", "",
	    "upstream.url: not set: give --upstream URL, or the key in the "
	    "configuration file" },
	{ "listen.address", ":1,:2,:1",
	    "listen.address: \":1\" stands there twice" },
	{ "stream.max_event", "1GiB",
	    "stream.max_event: 1GiB is more than journal.memory, which is "
	    "512MiB" },
	{ "journal.stream_limit", "1GiB",
	    "journal.stream_limit: 1GiB is more than journal.memory, which "
	    "is 512MiB" },
	{ "reconnect.initial_delay", "1m",
	    "reconnect.initial_delay: 1m is more than reconnect.max_delay, "
	    "which is 30s" },
};

START_TEST(keys_agree)
{
	set(&conf, "listen.address", "127.0.0.1:0");
	set(&conf, "upstream.url", "http://localhost:3000/mcp");
	set(&conf, whole_rows[_i].key, whole_rows[_i].value);
	if (whole_rows[_i].error == NULL) {
		ck_assert_int_eq(conf_validate(&conf, error, sizeof(error)), 0);
		ck_assert_str_eq(error, "");
		return;
	}
	ck_assert_int_eq(conf_validate(&conf, error, sizeof(error)), -EINVAL);
	ck_assert_str_eq(error, whole_rows[_i].error);
}
END_TEST

START_TEST(every_disagreement_gets_a_line)
{
	ck_assert_int_eq(conf_validate(&conf, error, sizeof(error)), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "listen.address: not set"));
	ck_assert_ptr_nonnull(strstr(error, "\nupstream.url: not set"));
	ck_assert_int_eq(conf_validate(&conf, error, 10), -EINVAL);
	ck_assert_str_eq(error, "listen.ad");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conf");
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, members_are_named_like_their_keys);
	tcase_add_test(tc, defaults_are_as_promised);
	tcase_add_loop_test(
	    tc, the_nearest_key_is_suggested, 0, (int)ARRAY_LEN(suggest_rows));
	tcase_add_test(tc, values_of_every_type_are_set);
	tcase_add_test(tc, a_list_is_separated_by_commas_and_replaces);
	tcase_add_test(tc, items_are_set_as_they_are);
	tcase_add_loop_test(tc, bad_values_are_told_and_change_nothing, 0,
	    (int)ARRAY_LEN(bad_rows));
	tcase_add_test(tc, a_long_value_is_cut_in_the_error);
	tcase_add_loop_test(
	    tc, good_texts_are_taken, 0, (int)ARRAY_LEN(good_rows));
	tcase_add_test(tc, a_copy_shares_nothing);
	tcase_add_test(tc, what_needs_a_restart_is_listed);
	tcase_add_loop_test(tc, keys_agree, 0, (int)ARRAY_LEN(whole_rows));
	tcase_add_test(tc, every_disagreement_gets_a_line);
	suite_add_tcase(suite, tc);
	return unit_run(suite);
}
