/*
 * long.test.mjs - one long streaming call of each client, through everything
 * that happens to a daemon in its life: kill -9, a reload, an upgrade.  Each
 * progress notification comes once and in order, the result is right, and the
 * call lives on the TCP connection on which it began.
 *
 * The call takes 8 seconds; with FULL=1 (./runtests --full) 30.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLIENTS, makeModern } from './clients.mjs';
import { isShadowcat, startProxy, startRelay, startServer, stopAll, until,
    within } from './peers.mjs';

const CALL_MS = process.env.FULL === '1' ? 30000 : 8000;
const PAUSE_MS = 20;
const STEPS = CALL_MS / PAUSE_MS;
const PATIENCE = 60000 + 4 * CALL_MS;
const PROGRAM = new URL('server.mjs', import.meta.url).pathname;
const MAKERS = { ...CLIENTS, 'SDK v2, modern': makeModern };
const options = { timeout: 2 * PATIENCE, skip: !isShadowcat &&
    'needs the proxy itself' };
let server;
let proxy;

before(async () => {
	if (!isShadowcat)
		return;
	server = await startServer(PROGRAM, ['ids']);
	proxy = await startProxy(server.url);
}, { timeout: PATIENCE });

after(stopAll, { timeout: PATIENCE });

/* Wait until other workers have taken the place of these. */
async function
replaced(old, count)
{
	await until(PATIENCE, 'new workers', () => {
		const now = proxy.workers();

		return now.length === count &&
		    !now.some((pid) => old.includes(pid));
	});
}

async function
killEach()
{
	const workers = proxy.workers();

	for (const worker of workers) {
		process.kill(worker, 'SIGKILL');
		await replaced([worker], workers.length);
	}
}

async function
signal(name, done)
{
	const workers = proxy.workers();

	process.kill(proxy.child.pid, name);
	await until(PATIENCE, done, () =>
	    proxy.log.some((line) => line.includes(done)));
	await replaced(workers, workers.length);
}

/* What happens in the life of a daemon, in turn. */
const LIFE = [
	killEach,
	() => signal('SIGHUP', 'the new configuration is in force'),
	() => signal('SIGUSR2', 'upgrade: done'),
	killEach,
];

/* A client with a cable of its own, and its call. */
async function
begin(make)
{
	const cable = await startRelay(proxy.url);
	const client = await make(cable.url, {});
	const seen = [];
	const result = client.callTool({ name: 'count',
		arguments: { steps: STEPS, pause_ms: PAUSE_MS } },
	    { timeout: PATIENCE, onprogress: (p) => seen.push(p.progress) });

	return { cable, client, seen, result };
}

/* That the call came through, on one connection. */
async function
judge({ cable, client, seen, result })
{
	const { content } = await result;
	const carriers = cable.carriers('"tools/call"');

	assert.equal(content[0].text, `counted to ${STEPS}`);
	assert.deepEqual(seen, Array.from({ length: STEPS }, (_, k) => k + 1));
	assert.deepEqual(client.troubles, []);
	assert.equal(carriers.length, 1, 'the call was sent anew');
	assert.ok(carriers[0].isOpen, 'its connection was closed');
	assert.equal(carriers[0].said.split('"tools/call"').length, 2);
	/* Nor had a standalone stream to be opened again. */
	assert.ok(cable.carriers('GET /mcp').length <= 1);
}

test(`a call of ${CALL_MS / 1000} s lives through kills, a reload and an ` +
    'upgrade', options, async () => {
	const calls = [];

	try {
		for (const make of Object.values(MAKERS))
			calls.push(await begin(make));
		const slowest = () => Math.min(...calls.map((call) =>
		    call.seen.length));

		for (const [n, trouble] of LIFE.entries()) {
			const due = STEPS * (n + 1) / (LIFE.length + 2);

			await until(PATIENCE, `step ${due}`,
			    () => slowest() >= due);
			await trouble();
			assert.ok(slowest() < STEPS, 'it came too late');
		}
		await within(PATIENCE, 'the results', Promise.all(
		    calls.map(judge)));
	} finally {
		await Promise.all(calls.map((call) => call.client.close()));
	}
	assert.equal(server.since(0, 'started').length, calls.length);
	assert.equal(server.since(0, 'aborted').length, 0);
});
