/*
 * legacy.test.mjs - sessions (protocol up to 2025-11-25) with the server of
 * SDK v2, once with event ids and once without any.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSame, recordingFetch, requestsSeen } from './compare.mjs';
import { CLIENTS } from './clients.mjs';
import { haveProxy, startProxy, startServer, stopAll, within }
    from './peers.mjs';

const MINUTE = 60000;
const PATIENCE = 20000;
const PROGRAM = new URL('server.mjs', import.meta.url).pathname;
const peers = {};

before(async () => {
	for (const kind of ['ids', 'no-ids']) {
		const server = await startServer(PROGRAM, [kind]);
		const proxy = haveProxy ? await startProxy(server.url) : null;

		peers[kind] = { server, proxy };
	}
}, { timeout: MINUTE });

after(stopAll, { timeout: MINUTE });

function
upTo(n)
{
	return Array.from({ length: n }, (_, k) => k + 1);
}

async function
conversation(make, server, url)
{
	const out = {};
	const mark = server.events.length;
	const { fetch: recorded, exchanges } = recordingFetch();
	const client = await make(url, { fetch: recorded });
	const call = (name, args, options) => client.callTool(
	    { name, arguments: args }, options);
	const seen = [];

	try {
		out.capabilities = client.getServerCapabilities();
		out.tools = await client.listTools();
		out.clock = await client.readResource({ uri: 'peer://clock' });
		out.echo = await call('echo', { text: 'id: 7\ndata: x\n\n' });
		out.count = await call('count', { steps: 30, pause_ms: 5,
			size: 500 }, { onprogress: (p) => seen.push(p) });
		out.seen = seen;
		assert.deepEqual(seen.map((p) => p.progress), upTo(30));
		out.ask = await call('ask', {});
		assert.equal(out.ask.content[0].text, 'the colour is green');
		out.failed = await call('fail', {});
		out.requests = requestsSeen(server.since(mark, 'request'));
		out.exchanges = [...exchanges].sort();
		await client.transport.terminateSession();
	} finally {
		await client.close();
	}
	assert.deepEqual(client.troubles, []);
	return out;
}

/*
 * The server closes the connection in the middle of an answer and expects
 * the client back (2025-11-25, polling): no event is lost or doubled, whoever
 * it is that comes back.
 */
async function
serverCloses(make, server, url)
{
	const mark = server.events.length;
	const client = await make(url, {});
	const seen = [];

	try {
		const result = await within(PATIENCE, 'the answer',
		    client.callTool({ name: 'count', arguments: { steps: 20,
			pause_ms: 40, close_at: 5 } },
		    { onprogress: (p) => seen.push(p.progress) }));

		assert.equal(result.content[0].text, 'counted to 20');
		assert.deepEqual(seen, upTo(20));
		assert.equal(server.since(mark, 'started').length, 1);
		await client.transport.terminateSession();
	} finally {
		await client.close();
	}
	return seen;
}

function
both(name, kind, scenario)
{
	let direct;

	test(`${name}, directly`, { timeout: MINUTE }, async () => {
		const { server } = peers[kind];
		direct = await scenario(server, server.url);
	});
	test(`${name}, through the proxy`,
	    { timeout: MINUTE, skip: !haveProxy }, async () => {
		const { server, proxy } = peers[kind];
		assertSame(await scenario(server, proxy.url), direct);
	});
}

for (const [name, make] of Object.entries(CLIENTS)) {
	both(`${name}, a server with event ids`, 'ids',
	    (server, url) => conversation(make, server, url));
	both(`${name}, a server without event ids`, 'no-ids',
	    (server, url) => conversation(make, server, url));
	both(`${name}, a server that closes and is polled`, 'ids',
	    (server, url) => serverCloses(make, server, url));
}
