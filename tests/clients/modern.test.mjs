/*
 * modern.test.mjs - protocol 2026-07-28: SDK v2 client and server, stateless.
 * A client that leaves cancels its request at the server; nothing is added to
 * what either side sent.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSame, recordingFetch, requestsSeen } from './compare.mjs';
import { makeModern } from './clients.mjs';
import { haveProxy, startModernServer, startProxy, stopAll, until, within }
    from './peers.mjs';

const MINUTE = 60000;
const PATIENCE = 15000;
const VERSION = '2026-07-28';
const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
const META = { [VERSION_KEY]: VERSION,
	'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
	'io.modelcontextprotocol/clientCapabilities': {} };
let server;
let proxy;

function
callCount(id, args)
{
	return { jsonrpc: '2.0', id, method: 'tools/call', params: {
		name: 'count', arguments: args,
		_meta: { ...META, progressToken: 'p' } } };
}

before(async () => {
	server = await startModernServer();
	if (haveProxy)
		proxy = await startProxy(server.url);
}, { timeout: MINUTE });

after(stopAll, { timeout: MINUTE });

/* Run one scenario directly and through the proxy, and compare. */
function
both(name, scenario)
{
	let direct;

	test(`${name}, directly`, { timeout: MINUTE }, async () => {
		direct = await scenario(server.url);
	});
	test(`${name}, through the proxy`,
	    { timeout: MINUTE, skip: !haveProxy }, async () => {
		assertSame(await scenario(proxy.url), direct);
	});
}

async function
conversation(url)
{
	const out = {};
	const mark = server.events.length;
	const { fetch: recorded, exchanges } = recordingFetch();
	const client = await makeModern(url, { fetch: recorded,
		requestInit: { headers: { 'X-Unknown': 'kept',
			'Authorization': 'Bearer example',
			'traceparent': '00-0af7651916cd43dd8448eb211c80319c-' +
			    'b7ad6b7169203331-01' } } });
	const call = (name, args, options) => client.callTool(
	    { name, arguments: args }, options);
	const seen = [];

	try {
		assert.equal(client.getProtocolEra(), 'modern');
		assert.equal(client.getNegotiatedProtocolVersion(), VERSION);
		assert.equal(client.transport.sessionId, undefined);
		out.discover = client.getDiscoverResult();
		out.tools = await client.listTools();
		out.resources = await client.listResources();
		out.clock = await client.readResource({ uri: 'peer://clock' });
		out.echo = await call('echo', { text: 'a\u2028b\r\n\u00e9' });
		assert.equal(out.echo.content[0].text, 'a\u2028b\r\n\u00e9');
		out.count = await call('count', { steps: 25, pause_ms: 5 },
		    { onprogress: (p) => seen.push(p) });
		out.seen = seen;
		assert.deepEqual(seen.map((p) => p.progress),
		    Array.from({ length: 25 }, (_, k) => k + 1));
		out.ask = await call('ask', {});
		assert.equal(out.ask.content[0].text, 'the colour is green');
		out.failed = await call('fail', {});
		out.unknown = await call('nothing', {}).catch((e) => e.message);
		out.asked = client.asked;
	} finally {
		await client.close();
	}
	assert.deepEqual(client.troubles, []);
	out.requests = requestsSeen(server.since(mark, 'request'));
	out.exchanges = [...exchanges].sort();
	assert.ok(out.requests.every((r) => r.includes('Bearer example')));
	return out;
}

both('a modern conversation', conversation);

/* Bytes of a raw exchange: body and status must not be touched. */
async function
rawExchanges(url)
{
	const send = async (method, headers, message) => {
		const answer = await fetch(url, { method, headers: {
			'Content-Type': 'application/json',
			'Accept': 'application/json, text/event-stream',
			...headers }, body: message && JSON.stringify(message) });

		return { status: answer.status,
			type: answer.headers.get('content-type'),
			session: answer.headers.get('mcp-session-id'),
			body: await answer.text() };
	};
	const headers = { 'MCP-Protocol-Version': VERSION,
		'Mcp-Method': 'tools/call', 'Mcp-Name': 'count' };

	return {
		stream: await send('POST', headers, callCount('id-1',
		    { steps: 3, pause_ms: 5 })),
		foreignSession: await send('POST', { ...headers,
			'Mcp-Session-Id': 'none-such', 'Last-Event-ID': '7' },
			callCount(2, { steps: 1 })),
		missingMeta: await send('POST', headers, { jsonrpc: '2.0', id: 3,
			method: 'tools/call', params: { name: 'count' } }),
		unknownMethod: await send('POST', {
			'MCP-Protocol-Version': VERSION, 'Mcp-Method': 'no/such' },
			{ jsonrpc: '2.0', id: 4, method: 'no/such',
				params: { _meta: META } }),
		unknownVersion: await send('POST', { ...headers,
			'MCP-Protocol-Version': '2031-01-01' }, { jsonrpc: '2.0',
			id: 5, method: 'tools/call', params: { name: 'count',
				_meta: { ...META, [VERSION_KEY]: '2031-01-01' } } }),
		get: await send('GET', { 'MCP-Protocol-Version': VERSION }),
		delete: await send('DELETE', { 'MCP-Protocol-Version': VERSION }),
	};
}

both('raw modern exchanges', async (url) => {
	const out = await rawExchanges(url);

	assert.match(out.stream.type, /^text\/event-stream/);
	assert.doesNotMatch(out.stream.body, /^id:/m);
	return out;
});

/* The tool's own signal must fire when the client's connection closes. */
async function
leaveEarly(url)
{
	const client = await makeModern(url, {});
	const mark = server.events.length;
	const leave = new AbortController();
	const seen = [];

	try {
		const call = client.callTool({ name: 'count',
			arguments: { steps: 10000, pause_ms: 20 } },
		    { signal: leave.signal, onprogress: (p) => {
			seen.push(p.progress);
			if (p.progress === 3)
				leave.abort('enough');
		} });

		await assert.rejects(within(PATIENCE, 'the call', call));
		await until(PATIENCE, 'cancellation at the server',
		    () => server.since(mark, 'aborted').length > 0);
	} finally {
		await client.close();
	}
	assert.equal(server.since(mark, 'aborted').length, 1);
	assert.equal(server.since(mark, 'finished').length, 0);
	assert.deepEqual(seen.slice(0, 3), [1, 2, 3]);
}

both('a client that leaves cancels its request', leaveEarly);

async function
listen(url)
{
	const uri = 'peer://clock';
	const client = await makeModern(url, {});
	const mark = server.events.length;
	let honoured;

	try {
		const subscription = await within(PATIENCE, 'listen',
		    client.listen({ resourceSubscriptions: [uri] }));

		honoured = subscription.honoredFilter;
		for (let n = 1; n <= 5; n++) {
			server.child.send({ do: 'update', uri });
			await until(PATIENCE, 'an update',
			    () => client.updated.length === n);
		}
		server.child.send({ do: 'update', uri: 'peer://other' });
		await client.callTool({ name: 'echo',
			arguments: { text: 'meanwhile' } });
		await subscription.close();
		assert.equal(await within(PATIENCE, 'the end of listen',
		    subscription.closed), 'local');
		await until(PATIENCE, 'the server to see the end',
		    () => server.since(mark, 'abandoned').length > 0);
	} finally {
		await client.close();
	}
	return { honoured, updated: client.updated };
}

both('subscriptions/listen', listen);

/*
 * A stream that the server breaks off must break off for the client as well:
 * a clean end would look like a complete answer.  (Read without the SDK, whose
 * callers wait for their own time limit.)
 */
async function
brokenOff(url)
{
	const answer = await fetch(url, { method: 'POST', headers: {
		'Content-Type': 'application/json',
		'Accept': 'application/json, text/event-stream',
		'MCP-Protocol-Version': VERSION,
		'Mcp-Method': 'tools/call', 'Mcp-Name': 'count' },
	    body: JSON.stringify(callCount('cut', { steps: 10000 })) });
	const decoder = new TextDecoder();
	let body = '';

	const end = (async () => {
		for await (const chunk of answer.body) {
			body += decoder.decode(chunk, { stream: true });
			if (body.includes('"progress":3'))
				server.child.send({ do: 'drop' });
		}
		return 'clean';
	})().catch(() => 'broken');

	assert.equal(await within(PATIENCE, 'the end of the stream', end),
	    'broken');
	assert.match(body, /"progress":1[^]*"progress":2[^]*"progress":3/);
	assert.equal(body.includes('"id":"cut"'), false);
	return answer.status;
}

both('an answer that the server breaks off', brokenOff);

both('ten modern clients at once', async (url) => {
	await Promise.all(Array.from({ length: 10 }, async (_, i) => {
		const client = await makeModern(url, {}, { pin: VERSION });
		const seen = [];

		try {
			const result = await client.callTool({ name: 'count',
				arguments: { steps: 40 + i, pause_ms: 5,
					size: 2000 } },
			    { onprogress: (p) => seen.push(p.progress) });

			assert.equal(result.content[0].text,
			    `counted to ${40 + i}`);
			assert.deepEqual(seen, Array.from({ length: 40 + i },
			    (__, k) => k + 1));
		} finally {
			await client.close();
		}
	}));
});
