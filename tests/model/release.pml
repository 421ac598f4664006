/*
 * release.pml - a connection goes to another worker: a model for spin.
 *
 * A client's head is read by worker 0, and its session is at home in worker 1.
 * So worker 0 keeps the head, in a block, and releases the connection; the
 * supervisor gives it to worker 1, who serves it.  Both may be killed between
 * any two steps, and their successors, too.
 *
 * The client is served once, by worker 1; no two workers write its record; no
 * block is lost, and none is used that somebody may have freed.
 *
 * run.sh checks it as it is, and without each of these rules in turn.
 */
#define BLOCK_TRAVELS	1 /* it is nobody's while it is on its way */
#define BLOCK_ADOPTED	2 /* also one that travels, with its client */
#define BLOCK_SWEPT	3 /* also one that no record has come to name */
#define FREED_LAST	4 /* a block, after the commit that lets it go */
#define RELEASED_LAST	5 /* nothing is written after RELEASE */
#define DRAINED_FIRST	6 /* the channel, before the successor */

#ifndef WITHOUT
#define WITHOUT 0
#endif
#ifndef DEATHS
#define DEATHS 3
#endif

#define HOME 1 /* the worker that has the session */

mtype = { GIVEN, RELEASE };
chan to_worker[2] = [2] of { mtype };
chan to_supervisor[2] = [2] of { mtype };
bit alive[2], dying[2];

/* The shared memory: the client's committed state, and a block's owner. */
#define FREE 0
#define TRAVELLING 1
byte owner;		/* or the id of a process */
bit keeps;		/* the record names the block */
byte served;
bit head = 1;		/* not read yet; in the kernel's queue */

/* Descriptors: of the workers, and in the vault, which says whose it is. */
bit has[2];
byte vault = 2;		/* 2: it has none yet */
bit writes[2];		/* who thinks that the record is his */

/* A process has the id of its slot and generation. */
#define ID(slot, generation) (2 * (generation) + slot)
#define IS_DEAD(id) (id > 1 && id % 2 == self && id < ID(self, generation))

inline write()
{
	assert(writes[self] && !writes[1 - self])
}

/* adopt.c: take over what the record names, sweep the rest of the dead. */
inline adopt()
{
	writes[self] = has[self];
	if
	:: has[self] && keeps && (IS_DEAD(owner) ||
	    (owner == TRAVELLING && WITHOUT != BLOCK_ADOPTED)) ->
		owner = ID(self, generation)
	:: !(has[self] && keeps) && IS_DEAD(owner) && WITHOUT != BLOCK_SWEPT ->
		owner = FREE
	:: else
	fi
}

/* client_feed() of one who is not at home */
inline keep_head()
{
	d_step { write(); assert(owner == FREE); owner = ID(self, generation) }
	d_step { head = 0; keeps = 1 }
}

inline release()
{
	d_step {
		assert(owner == ID(self, generation));
		owner = (WITHOUT == BLOCK_TRAVELS -> owner : TRAVELLING)
	}
	writes[self] = (WITHOUT == RELEASED_LAST);
	to_supervisor[self] ! RELEASE;
#if WITHOUT == RELEASED_LAST
	d_step { write(); writes[self] = 0 }
#endif
	has[self] = 0
}

/* client_welcome() */
inline welcome()
{
	d_step { has[self] = 1; writes[self] = 1 }
	if
	:: owner == TRAVELLING -> owner = ID(self, generation)
	:: else
	fi
}

inline serve()
{
	d_step { write(); assert(owner == ID(self, generation)) }
#if WITHOUT == FREED_LAST
	owner = FREE;
#endif
	d_step { keeps = 0; served++; assert(served == 1) }
	owner = FREE
}

proctype Worker(bit self; byte generation)
{
	{
		adopt();
end:		do
		:: to_worker[self] ? GIVEN -> welcome()
		:: has[self] && head && self != HOME -> keep_head()
		:: has[self] && keeps && self != HOME -> release()
		:: has[self] && keeps && self == HOME -> serve()
		od
	} unless { !alive[self] -> dying[self] = 0 }
}

inline give(slot)
{
	vault = slot;
	if
	:: alive[slot] -> to_worker[slot] ! GIVEN
	:: else /* its successor inherits it */
	fi
}

#define LOOK_AFTER(slot)						\
	:: atomic { to_supervisor[slot] ? RELEASE ->			\
		if							\
		:: vault == slot -> give(HOME)				\
		:: else /* stale */					\
		fi }							\
	:: atomic { !alive[slot] && !dying[slot] &&			\
	    (empty(to_supervisor[slot]) || WITHOUT == DRAINED_FIRST) ->	\
		births++;						\
		has[slot] = (vault == slot);				\
		alive[slot] = 1;					\
		run Worker(slot, births) }

active proctype Supervisor()
{
	byte births;

end:	do
	:: atomic { vault == 2 && alive[0] -> give(0) }
	LOOK_AFTER(0)
	LOOK_AFTER(1)
	od
}

#define KILL(slot)							\
	:: atomic { alive[slot] && kills > 0 ->				\
		kills--;						\
		alive[slot] = 0; dying[slot] = 1;			\
		has[slot] = 0; writes[slot] = 0;			\
		do							\
		:: to_worker[slot] ? _					\
		:: empty(to_worker[slot]) -> break			\
		od }

active proctype Fate()
{
	byte kills = DEATHS;

end:	do
	:: kills > 0 -> kills = 0
	KILL(0)
	KILL(1)
	od
}

active proctype Judge()
{
	timeout;
	assert(alive[0] && alive[1] && served == 1 && owner == FREE);
	assert(has[HOME] && !has[0] && vault == HOME)
}
