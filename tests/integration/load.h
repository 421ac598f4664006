/*
 * load.h - clients that stream and ask while something is done to the
 * daemon: none of them may notice.
 *
 * Threads of the test.  They count what is wrong and never fail it; that is
 * for load_stop().
 */
#ifndef INTEGRATION_LOAD_H
#define INTEGRATION_LOAD_H

/*
 * Begin: so many clients that read numbered events of one stream each, half
 * of them modern ones, and so many that ask again and again on a connection
 * each.  Returns when every stream has had its first event and every asker
 * an answer.
 */
void load_start(unsigned streams, unsigned askers);

/* Wait until each client has had so many more events or answers. */
void load_wait(unsigned more);

/*
 * End the load.  Fails the test unless each stream had its events in order,
 * each request its own answer once, and no connection was ever closed.
 */
void load_stop(void);

#endif
