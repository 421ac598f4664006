/*
 * returns.h - scenes of legacy sessions: clients that leave and return,
 * upstreams that are lost and resumed, sessions that end.
 */
#ifndef CRASH_RETURNS_H
#define CRASH_RETURNS_H

#include "tests/crash/scenes.h"

void play_session(struct play *p);
void play_return_minted(struct play *p);
void play_return_own(struct play *p);
void play_return_primed(struct play *p);
void play_return_late(struct play *p);
void play_return_slow(struct play *p);
void play_cut_between(struct play *p);
void play_cut_in_event(struct play *p);
void play_cut_reset(struct play *p);
void play_cut_again(struct play *p);
void play_cut_retry(struct play *p);
void play_cut_detached(struct play *p);
void play_two_streams(struct play *p);
void play_takeover(struct play *p);
void play_delete(struct play *p);
void play_anywhere(struct play *p);
void play_expiry(struct play *p);

#endif
