/*
 * resilience.test.mjs - what the proxy is for, seen by real clients: killed
 * workers, reloads, cut connections on either side, and a server that dies.
 * There is nothing to compare with here: directly, most of this fails.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { CLIENTS, makeModern } from './clients.mjs';
import { recordingFetch } from './compare.mjs';
import { isShadowcat, startEverything, startProxy, startRelay, startServer,
    stopAll, until, within } from './peers.mjs';

const MINUTE = 60000;
const PATIENCE = 20000;
const PROGRAM = new URL('server.mjs', import.meta.url).pathname;
const SETTINGS = ['reconnect.initial_delay=50ms', 'reconnect.max_delay=300ms',
    'reconnect.max_attempts=4'];
const SETTINGS_PATIENT = ['reconnect.initial_delay=50ms',
    'reconnect.max_delay=300ms', 'reconnect.max_attempts=20'];
const options = { timeout: MINUTE, skip: !isShadowcat &&
    'needs the proxy itself' };
const peers = {};

before(async () => {
	if (!isShadowcat)
		return;
	for (const kind of ['ids', 'no-ids']) {
		const server = await startServer(PROGRAM, [kind]);

		peers[kind] = { server,
			proxy: await startProxy(server.url, SETTINGS) };
	}
}, { timeout: MINUTE });

beforeEach(() => {
	for (const { server } of Object.values(peers))
		server.events.length = 0;
});

after(stopAll, { timeout: MINUTE });

function
upTo(n)
{
	return Array.from({ length: n }, (_, k) => k + 1);
}

/* Call `count` and fail unless each of its events came once, in order. */
async function
countExactly(client, steps, pauseMs, args = {}, onStep = () => {})
{
	const seen = [];
	const result = await within(PATIENCE, `counting to ${steps}`,
	    client.callTool({ name: 'count', arguments: { steps,
		pause_ms: pauseMs, ...args } },
	    { timeout: 2 * PATIENCE, onprogress: (p) => {
		seen.push(p.progress);
		onStep(p.progress);
	} }));

	assert.deepEqual(seen, upTo(steps));
	assert.equal(result.content[0].text, `counted to ${steps}`);
}

/* Run fn with a client of each sort; all are closed in the end. */
async function
withClients(makers, fn)
{
	const clients = [];

	try {
		for (const make of makers)
			clients.push(await make());
		await fn(clients);
		for (const client of clients)
			assert.deepEqual(client.troubles, []);
	} finally {
		await Promise.all(clients.map((c) => c.close()));
	}
}

/* A fetch that counts, so that a silent reconnection is noticed. */
function
countingClients(url, recorders)
{
	const counted = (make) => () => {
		const recorder = recordingFetch();

		recorders.push(recorder);
		return make(url, { fetch: recorder.fetch });
	};

	return [CLIENTS['SDK v1'], CLIENTS['SDK v2'], makeModern,
	    CLIENTS['SDK v1'], CLIENTS['SDK v2'], makeModern].map(counted);
}

/*
 * Do `trouble` again and again while six clients stream: nobody may notice.
 */
async function
unnoticed(kind, trouble)
{
	const { server, proxy } = peers[kind];
	const recorders = [];

	await withClients(countingClients(proxy.url, recorders),
	    async (clients) => {
		/* The standalone streams must be open before the trouble. */
		await until(PATIENCE, 'the standalone streams', () =>
		    recorders.flatMap((r) => r.exchanges)
			.filter((e) => e.startsWith('GET')).length === 4);
		const before = recorders.map((r) => r.exchanges.length);
		let step = 0;
		let busy = true;
		let n = 0;
		const calls = Promise.all(clients.map((client) =>
		    countExactly(client, 200, 15, { size: 300 },
			(i) => { step = i; })));

		void calls.catch(() => {}).then(() => { busy = false; });
		/* Spread over the life of the streams. */
		while (busy && n < 24) {
			const next = step + 8;

			await trouble(proxy, n++);
			await until(PATIENCE, 'progress',
			    () => !busy || step >= next);
		}
		await calls;
		assert.ok(n >= 3, `only ${n} times in all`);
		recorders.forEach((r, i) => assert.equal(r.exchanges.length,
		    before[i] + 1, 'a client had to connect again'));
	});
	assert.equal(server.since(0, 'started').length, 6);
	assert.equal(server.since(0, 'aborted').length, 0);
}

/* Kill a worker, and wait until there is another in its place. */
async function
killWorker(proxy, n)
{
	const workers = proxy.workers();
	const victim = workers[n % workers.length];

	process.kill(victim, 'SIGKILL');
	await until(PATIENCE, 'a new worker', () => {
		const now = proxy.workers();
		return now.length === workers.length && !now.includes(victim);
	});
}

/* Reload, and wait until every worker has been replaced. */
async function
reload(proxy)
{
	const workers = proxy.workers();

	process.kill(proxy.child.pid, 'SIGHUP');
	await until(PATIENCE, 'new workers', () => {
		const now = proxy.workers();
		return now.length === workers.length &&
		    !now.some((pid) => workers.includes(pid));
	});
}

for (const kind of ['ids', 'no-ids']) {
	test(`workers are killed while six clients stream (${kind})`, options,
	    () => unnoticed(kind, killWorker));
}

test('reloads while six clients stream', options,
    () => unnoticed('ids', reload));

test('the upstream connections are cut, the server has event ids', options,
    async () => {
	const { server, proxy } = peers.ids;

	for (const make of Object.values(CLIENTS)) {
		const recorder = recordingFetch();

		await withClients([() => make(proxy.url,
		    { fetch: recorder.fetch })], async ([client]) => {
			await countExactly(client, 40, 20, {}, (step) => {
				if (step === 10 || step === 25)
					server.child.send({ do: 'drop' });
			});
		});
		/* The client itself never had to come back. */
		assert.equal(recorder.exchanges.filter((e) =>
		    e.startsWith('GET')).length, 1);
	}
});

test('the upstream connections are cut, the server has no ids', options,
    async () => {
	const { server, proxy } = peers['no-ids'];

	for (const make of Object.values(CLIENTS)) {
		const client = await make(proxy.url, {});

		try {
			const failure = await within(PATIENCE, 'an error',
			    client.callTool({ name: 'count',
				arguments: { steps: 10000, pause_ms: 20 } },
			    { timeout: 3 * PATIENCE, onprogress: (p) => {
				if (p.progress === 5)
					server.child.send({ do: 'drop' });
			    } }).then(() => null, (error) => error));

			/* An answer of the proxy's, not a time-out. */
			assert.equal(typeof failure?.code, 'number');
			assert.notEqual(failure.code, -32001);
		} finally {
			await client.close();
		}
	}
});

/* A fetch that cuts `times` answers of tools/call after three chunks each. */
function
cuttingFetch(times)
{
	let left = times;

	const cutting = async (url, init) => {
		const wanted = left > 0 && (init.method === 'POST' ?
		    init.body.includes('"tools/call"') :
		    new Headers(init.headers).has('last-event-id'));

		if (!wanted)
			return fetch(url, init);
		const cut = new AbortController();
		const signal = init.signal === undefined ? cut.signal :
		    AbortSignal.any([init.signal, cut.signal]);
		const answer = await fetch(url, { ...init, signal });
		let chunks = 0;
		const counter = new TransformStream({
			transform(chunk, out) {
				out.enqueue(chunk);
				if (++chunks !== 3)
					return;
				left--;
				cut.abort(new Error('cut'));
			} });

		return new Response(answer.body.pipeThrough(counter),
		    { status: answer.status, headers: answer.headers });
	};

	return { fetch: cutting, left: () => left };
}

for (const kind of ['ids', 'no-ids']) {
	test(`the client's connection is cut three times (${kind})`, options,
	    async () => {
		const { server, proxy } = peers[kind];

		for (const make of Object.values(CLIENTS)) {
			const cutter = cuttingFetch(3);
			const client = await make(proxy.url, {
				fetch: cutter.fetch, reconnectionOptions: {
					initialReconnectionDelay: 50,
					maxReconnectionDelay: 200,
					reconnectionDelayGrowFactor: 1.5,
					maxRetries: 5 } });

			try {
				await countExactly(client, 60, 30);
			} finally {
				await client.close();
			}
			assert.equal(cutter.left(), 0);
		}
		assert.equal(server.since(0, 'started').length, 2);
	});
}

/* The network is down for a moment, between these. */
async function
restart(...cables)
{
	for (const cable of cables)
		cable.setDown(true);
	await new Promise((resolve) => setTimeout(resolve, 300));
	for (const cable of cables)
		cable.setDown(false);
}

/* What happens at which step of a long call, on either side of the proxy. */
const TROUBLES = {
	'the upstream connection is cut': { 4: ({ up }) => up.cut(),
	    9: ({ up }) => up.cut() },
	'the client\'s connection is cut': { 4: ({ down }) => down.cut(),
	    9: ({ down }) => down.cut() },
	'the network restarts': { 4: ({ up, down }) => restart(up, down),
	    9: ({ up, down }) => restart(up, down) },
	'everything in turn': { 3: ({ up }) => up.cut(),
	    6: ({ down }) => down.cut(),
	    9: ({ up, down }) => restart(up, down) },
};
const STEPS = 12;

/* A long call to server-everything, through a cable on each side. */
async function
longCall(make, troubles)
{
	const server = await startEverything();
	const up = await startRelay(server.url);
	const proxy = await startProxy(up.url, SETTINGS_PATIENT, 4);
	const down = await startRelay(proxy.url);
	const client = await make(down.url, { reconnectionOptions: {
		initialReconnectionDelay: 50, maxReconnectionDelay: 400,
		reconnectionDelayGrowFactor: 1.5, maxRetries: 10 } });
	const seen = [];

	try {
		const result = await within(2 * PATIENCE, 'a long call',
		    client.callTool({ name: 'trigger-long-running-operation',
			arguments: { duration: STEPS / 4, steps: STEPS } },
		    { timeout: 3 * PATIENCE, onprogress: (p) => {
			seen.push(p.progress);
			void troubles[p.progress]?.({ up, down });
		    } }));

		assert.match(result.content[0].text, /completed/);
		assert.deepEqual(seen, upTo(STEPS));
	} finally {
		await client.close();
	}
}

for (const [name, make] of Object.entries(CLIENTS)) {
	for (const [trouble, troubles] of Object.entries(TROUBLES)) {
		test(`${name}, server-everything: ${trouble}`, options,
		    () => longCall(make, troubles));
	}
}

/* The server is gone, then back without its sessions. */
async function
serverDies(make)
{
	let server = await startEverything();
	const proxy = await startProxy(server.url, SETTINGS);
	const client = await make(proxy.url, {});
	const { port } = server;

	try {
		const call = client.callTool({
			name: 'trigger-long-running-operation',
			arguments: { duration: 100, steps: 1000 } },
		    { timeout: 3 * PATIENCE, onprogress: (p) => {
			if (p.progress === 3)
				server.kill();
		    } });
		const failure = await within(PATIENCE, 'an error for the call',
		    call.then(() => null, (error) => error));

		assert.equal(typeof failure?.code, 'number');
		assert.notEqual(failure.code, -32001);

		const ping = { jsonrpc: '2.0', id: 'p', method: 'ping' };
		const send = () => fetch(proxy.url, { method: 'POST', headers: {
			'Content-Type': 'application/json',
			'Accept': 'application/json, text/event-stream',
			'Mcp-Session-Id': client.transport.sessionId },
		    body: JSON.stringify(ping) });
		const down = await send();

		/* Trouble is not the end of a session: never 404. */
		assert.ok([502, 503, 504].includes(down.status));
		assert.equal((await down.json()).id, 'p');

		server = await startEverything(port);
		const refused = await send();
		assert.ok([400, 404].includes(refused.status));
		await refused.arrayBuffer();

		const next = await make(proxy.url, {});
		const echo = await next.callTool({ name: 'echo',
			arguments: { message: 'back' } });
		assert.equal(echo.content[0].text, 'Echo: back');
		await next.close();
	} finally {
		await client.close();
	}
}

for (const [name, make] of Object.entries(CLIENTS)) {
	test(`${name}: the server dies and comes back`, options,
	    () => serverDies(make));
}
