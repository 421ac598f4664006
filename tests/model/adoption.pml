/*
 * adoption.pml - how connections outlive their worker: a model for spin.
 *
 * One client asks for one answer, which comes over one connection to the
 * upstream.  The worker may be killed between any two steps, and so may its
 * successor, also while it adopts.  A step is what others can see of the
 * code: a system call, a message, a store.  Bytes have numbers, so that a
 * wrong one is seen where it leaves.
 *
 * What is promised stands in three places: send(), each byte once and in
 * order; let_go(), no connection ends by accident; Judge, what is left.
 *
 * run.sh checks the model as it is, and without each of these rules in turn.
 */
#define TWO_COPIES	 1 /* a record changes in the copy that doesn't count */
#define STATE_INSIDE	 2 /* all that decides stands in these copies */
#define HAND_NOTED	 3 /* for whom recv() is: worker_note_hand() */
#define SETTLED_FIRST	 4 /* before a successor receives */
#define COUNT_ASKED	 5 /* the kernel says what was sent: tcp_count() */
#define SYN_SUBTRACTED	 6 /* from that */
#define FIN_SUBTRACTED	 7 /* from what was received */
#define CHANNEL_DRAINED	 8 /* before the successor starts */
#define PARKED_FIRST	 9 /* before the first byte goes up */
#define NAMED_FIRST	10 /* by the stream, before the first byte goes up */
#define CLOSING_FIRST	11 /* that commit comes before shutdown() */
#define CLOSED_FIRST	12 /* before a connection's slot is free again */
#define CLIENT_FIRST	13 /* names the stream no more, before it is freed */
#define UNNAMED_CLOSED	14 /* connections, at adoption */
#define UNREACHED_SWEPT	15 /* owner words, at adoption */

#ifndef WITHOUT
#define WITHOUT 0
#endif
#ifndef DEATHS
#define DEATHS 2
#endif
#define REQUEST 2 /* bytes */
#define ANSWER 3

#define WHEN(condition, ...) if :: condition -> __VA_ARGS__ :: else fi

/* --- the kernel ---------------------------------------------------------- */

typedef Socket {
	byte sent;	/* bytes_acked + SIOCOUTQ, with the SYN of a connect() */
	byte received;	/* bytes_received, with the peer's FIN */
	byte queue;	/* SIOCINQ */
	bit fin;	/* the peer's */
	bit shut;	/* our own: nothing can be counted any more */
	byte holders	/* who has a descriptor of it */
}
Socket sock[3];
#define CLIENT 0 /* the client's; 1 and 2 are connections to the upstream */
#define NO_SOCKET 3

#define BY_WORKER 1
#define BY_MESSAGE 2
#define BY_VAULT 4
#define HAS(s) (sock[s].holders & BY_WORKER)
#define HOLD(s, who) sock[s].holders = sock[s].holders | who

mtype = { NEW_CLIENT, LEFT, PARK, UNPARK, CLOSED };
chan to_worker = [4] of { mtype, byte };
chan to_supervisor = [4] of { mtype, byte };
bit alive, dying; /* the worker */

inline forget_socket(s)
{
	sock[s].sent = 0; sock[s].received = 0; sock[s].queue = 0;
	sock[s].fin = 0; sock[s].shut = 0
}

/* A descriptor goes.  The last one ends the connection: may it? */
inline let_go(s, who)
{
	WHEN(sock[s].holders == who,
	    assert(sock[s].shut || (s != CLIENT && sock[s].sent == 1));
	    forget_socket(s));
	sock[s].holders = sock[s].holders & ~who
}

/* --- the shared memory: common/record.h, common/shm_layout.h ------------- */

#define STREAM 1 /* record 0 is the client's */
#define NONE 0	 /* phases */
#define OPEN 1
#define ENDING 2

typedef Copy {
	byte phase;
	byte taken;	/* bytes of its socket that were processed */
	byte length;	/* bytes of its journal, which go to the other side */
	byte dropped;	/* of these, sent for certain */
	byte ref	/* the client's stream; the stream's connection */
}
typedef Record {
	Copy copy[2];
	bit commits;
	byte outside;	/* without STATE_INSIDE: `length` */
	byte journal[5]	/* beyond its length anything may stand */
}
Record rec[2];
bit stream_taken, socket_taken[3]; /* owner words */
byte window[4], hand = NO_SOCKET, hand_taken;

#define NOW(r) rec[r].copy[rec[r].commits]
#if WITHOUT == TWO_COPIES
#define NEXT(r) NOW(r)
#else
#define NEXT(r) rec[r].copy[1 - rec[r].commits]
#endif
#if WITHOUT == STATE_INSIDE
#define LENGTH(copy, r) rec[r].outside
#else
#define LENGTH(copy, r) copy(r).length
#endif
#define RELAYS NOW(CLIENT).ref

inline begin(r)
{
	NEXT(r).phase = NOW(r).phase; NEXT(r).taken = NOW(r).taken;
	NEXT(r).length = NOW(r).length; NEXT(r).dropped = NOW(r).dropped;
	NEXT(r).ref = NOW(r).ref
}

inline commit(r)
{
	rec[r].commits = (WITHOUT == TWO_COPIES -> 0 : 1 - rec[r].commits)
}

#define CHANGE(r, ...) d_step { begin(r); __VA_ARGS__ } commit(r)

/* --- the worker: bytes --------------------------------------------------- */

byte delivered[2]; /* of the request, of the answer */
#define BYTE(r, n) (10 * (r) + (n) + 1)
#define UNSENT(r) (LENGTH(NOW, r) > cursor[r])

/* recv(): n bytes are in the window. */
inline receive(r, s)
{
#if WITHOUT != HAND_NOTED
	d_step { hand = s; hand_taken = NOW(r).taken }
#endif
	d_step {
		do
		:: sock[s].queue ->
			window[n] = BYTE(r,
			    sock[s].received - sock[s].fin - sock[s].queue);
			sock[s].queue--; n++
		:: else -> break
		od;
		i = 0
	}
}

inline new_stream()
{
	d_step {
		assert(!stream_taken);
		stream_taken = 1;
		NEXT(STREAM).phase = OPEN; NEXT(STREAM).taken = 0;
		LENGTH(NEXT, STREAM) = 0; NEXT(STREAM).dropped = 0;
		NEXT(STREAM).ref = 0
	}
	commit(STREAM)
}

/* client_feed(), upstream_feed(): process n bytes of the window. */
inline feed(r)
{
	d_step { begin(r) }
	WHEN(r == CLIENT && !RELAYS, new_stream(); NEXT(r).ref = STREAM);
	do
	:: i < n -> d_step {
		rec[r].journal[LENGTH(NEXT, r)] = window[i];
		LENGTH(NEXT, r)++; NEXT(r).taken++; i++ }
	:: else -> break
	od;
	WHEN(r == STREAM && LENGTH(NEXT, r) >= ANSWER,
	    d_step { NEXT(r).phase = ENDING; NEXT(r).ref = 0 });
	commit(r);
	d_step { /* of no more use: fewer states */
		window[0] = 0; window[1] = 0; window[2] = 0;
		hand = NO_SOCKET; hand_taken = 0; i = 0; n = 0
	}
}

inline send(r, s)
{
	d_step {
		assert(rec[r].journal[cursor[r]] == BYTE(r, delivered[r]));
		delivered[r]++; sock[s].sent++; cursor[r]++
	}
}

/* --- the worker: connections --------------------------------------------- */

inline connect()
{
	d_step {
		up = 1 + socket_taken[1];
		assert(!socket_taken[up] && !sock[up].holders);
		socket_taken[up] = 1;
		sock[up].sent = 1;
		HOLD(up, BY_WORKER)
	}
#if WITHOUT == PARKED_FIRST
	send(CLIENT, up);
#endif
	d_step { to_supervisor ! PARK, up; HOLD(up, BY_MESSAGE) }
}

inline connected()
{
#if WITHOUT == NAMED_FIRST
	send(CLIENT, up);
#endif
	CHANGE(STREAM, NEXT(STREAM).ref = up)
}

inline closed(s)
{
	d_step { let_go(s, BY_WORKER); socket_taken[s] = 0 }
}

/* upstream_close(), when no stream names it any more */
inline part(s)
{
	sock[s].shut = 1;
	to_supervisor ! UNPARK, s;
#if WITHOUT == CLOSED_FIRST
	closed(s)
#endif
}

inline free_stream()
{
	CHANGE(STREAM, NEXT(STREAM).phase = NONE; NEXT(STREAM).ref = 0);
	stream_taken = 0
}

inline finish()
{
#if WITHOUT == CLIENT_FIRST
	free_stream();
	CHANGE(CLIENT, NEXT(CLIENT).ref = 0)
#else
	CHANGE(CLIENT, NEXT(CLIENT).ref = 0);
	free_stream()
#endif
}

inline close_client()
{
#if WITHOUT == CLOSING_FIRST
	sock[CLIENT].shut = 1;
#endif
	i = RELAYS;
	CHANGE(CLIENT, NEXT(CLIENT).phase = ENDING; NEXT(CLIENT).ref = 0);
	WHEN(i, i = 0; free_stream());
	WHEN(up, part(up); up = 0);
	sock[CLIENT].shut = 1;
	d_step { let_go(CLIENT, BY_WORKER); leaves = 1 }
}

/* --- the worker: worker/adopt.c ------------------------------------------ */

inline take_over()
{
	if
	:: HAS(CLIENT) && NOW(CLIENT).phase == NONE ->
		CHANGE(CLIENT, NEXT(CLIENT).phase = OPEN)
	:: RELAYS -> d_step {
		assert(NOW(STREAM).phase != NONE);
		up = NOW(STREAM).ref;
		assert(!up || HAS(up)) }
	:: else
	fi
}

#define STAYS(reached) ((reached) || WITHOUT == UNREACHED_SWEPT)

inline sweep_connection(s)
{
	if
	:: HAS(s) && s != up && WITHOUT != UNNAMED_CLOSED -> part(s)
	:: else -> socket_taken[s] = socket_taken[s] && STAYS(HAS(s))
	fi
}

inline sweep()
{
	sweep_connection(1);
	sweep_connection(2);
	stream_taken = stream_taken && STAYS(RELAYS)
}

/* What went to this socket, and what came from it: the kernel's word. */
inline settle(r, s)
{
	d_step {
		assert(!sock[s].shut);
		cursor[1 - r] = (WITHOUT == COUNT_ASKED -> NOW(1 - r).dropped :
		    sock[s].sent - (s != CLIENT && WITHOUT != SYN_SUBTRACTED));
		assert(!RELAYS || cursor[1 - r] >= NOW(1 - r).dropped);
		assert(!RELAYS || cursor[1 - r] <= LENGTH(NOW, 1 - r));
		n = sock[s].received - sock[s].queue - NOW(r).taken -
		    (sock[s].fin && WITHOUT != FIN_SUBTRACTED);
		assert(!n || (hand == s && hand_taken == NOW(r).taken))
	}
	WHEN(n, feed(r))
}

inline adopt()
{
	take_over();
	sweep();
#if WITHOUT == SETTLED_FIRST
	receive(CLIENT, CLIENT);
	n = 0;
#endif
	if
	:: HAS(CLIENT) && NOW(CLIENT).phase == ENDING -> close_client()
	:: HAS(CLIENT) && NOW(CLIENT).phase == OPEN ->
		settle(CLIENT, CLIENT);
		WHEN(up, settle(STREAM, up))
	:: else
	fi
}

/* --- the worker: its loop ------------------------------------------------ */

#define SERVES (HAS(CLIENT) && NOW(CLIENT).phase == OPEN)
#define STREAMS(in_phase) (RELAYS && NOW(STREAM).phase == in_phase)
#define NAMED (STREAMS(OPEN) && NOW(STREAM).ref)

proctype Worker()
{
	byte cursor[2]; /* bytes of each journal that were sent */
	byte up;	/* the connection that is the stream's */
	bit leaves;	/* the client; the supervisor is not told yet */
	byte i, n, s;
	{
		adopt();
end:		do
		:: atomic { to_worker ? NEW_CLIENT, s -> HOLD(s, BY_WORKER) }
			CHANGE(CLIENT, NEXT(CLIENT).phase = OPEN)
		:: atomic { to_worker ? CLOSED, s -> closed(s); s = 0 }
		:: leaves -> d_step { to_supervisor ! LEFT, CLIENT; leaves = 0 }
		:: SERVES && sock[CLIENT].queue ->
			receive(CLIENT, CLIENT);
			feed(CLIENT)
		:: SERVES && !sock[CLIENT].queue && sock[CLIENT].fin ->
			close_client()
		:: STREAMS(OPEN) && !up -> connect()
		:: STREAMS(OPEN) && up && !NOW(STREAM).ref -> connected()
		:: NAMED && UNSENT(CLIENT) -> send(CLIENT, up)
		:: NAMED && sock[up].queue ->
			receive(STREAM, up);
			feed(STREAM);
			CHANGE(CLIENT, NEXT(CLIENT).dropped = cursor[CLIENT])
		:: RELAYS && UNSENT(STREAM) ->
			send(STREAM, CLIENT);
			CHANGE(STREAM, NEXT(STREAM).dropped = cursor[STREAM])
		:: STREAMS(ENDING) && up -> part(up); up = 0
		:: STREAMS(ENDING) && !up && !UNSENT(STREAM) -> finish()
		od
	} unless { !alive -> dying = 0 } /* wherever it is: waitpid() */
}

/* --- the supervisor ------------------------------------------------------ */

/* fork(): the child has what the vault has at this moment. */
#define INHERIT(s) WHEN(sock[s].holders & BY_VAULT, HOLD(s, BY_WORKER))

#define TELL(message, s) WHEN(alive, to_worker ! message, s)

inline handle()
{
	if
	:: m == PARK ->
		assert(!(sock[s].holders & BY_VAULT));
		HOLD(s, BY_VAULT);
		let_go(s, BY_MESSAGE)
	:: m == LEFT -> let_go(CLIENT, BY_VAULT)
	:: m == UNPARK && sock[s].holders & BY_VAULT ->
		let_go(s, BY_VAULT);
		TELL(CLOSED, s)
	:: else
	fi;
	m = 0; s = 0
}

active proctype Supervisor()
{
	mtype m;
	byte s;
	bit knocks = 1; /* a client, at the listening socket */

end:	do
	:: atomic { alive && knocks ->
		knocks = 0;
		HOLD(CLIENT, BY_VAULT);
		TELL(NEW_CLIENT, CLIENT) }
	:: atomic { to_supervisor ? m, s -> handle() }
	:: atomic { !alive && !dying &&
	    (empty(to_supervisor) || WITHOUT == CHANNEL_DRAINED) ->
		INHERIT(0); INHERIT(1); INHERIT(2);
		alive = 1;
		run Worker() }
	od
}

/* --- the others ---------------------------------------------------------- */

/* kill -9, DEATHS times or less often. */
active proctype Fate()
{
	byte kills = DEATHS;

end:	do
	:: atomic { alive && kills > 0 ->
		kills--;
		alive = 0; dying = 1;
		let_go(0, BY_WORKER); let_go(1, BY_WORKER); let_go(2, BY_WORKER);
		do
		:: to_worker ? _, _
		:: empty(to_worker) -> break
		od }
	:: kills > 0 -> kills = 0
	od
}

inline write(s)
{
	d_step { sock[s].received++; sock[s].queue++; written++ }
}

inline write_fin(s)
{
	d_step { sock[s].received++; sock[s].fin = 1 }
}

bit left; /* the client, before it had its answer */

active proctype Client()
{
	byte written;

	do
	:: written < REQUEST -> write(CLIENT)
	:: delivered[STREAM] == ANSWER -> break
	:: left = 1; break
	od;
	skip; /* a d_step is not to be jumped into */
	write_fin(CLIENT)
}

active proctype Upstream()
{
	byte written, s;

end:	if
	:: sock[1].sent == 1 + REQUEST -> s = 1
	:: sock[2].sent == 1 + REQUEST -> s = 2
	fi;
	do
	:: atomic { written < ANSWER && sock[s].holders -> write(s) }
	:: atomic { written == ANSWER && sock[s].holders -> write_fin(s); break }
	:: !sock[s].holders -> break
	od
}

active proctype Judge()
{
	timeout; /* nobody can take a step any more */
	assert(left || delivered[STREAM] == ANSWER);
	assert(!sock[0].holders && !sock[1].holders && !sock[2].holders);
	assert(!stream_taken && !socket_taken[1] && !socket_taken[2]);
	assert(alive && empty(to_worker) && empty(to_supervisor))
}
