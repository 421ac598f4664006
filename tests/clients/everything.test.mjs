/*
 * everything.test.mjs - the reference server of the protocol, driven by the
 * clients of SDK v1 and v2: once directly, once through the proxy.  Both runs
 * must give the same results, the same events in the same order, and must
 * show the same requests to the server.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertSame, recordingFetch, requestsSeen } from './compare.mjs';
import { CLIENTS } from './clients.mjs';
import { haveProxy, isShadowcat, startEverything, startProxy, stopAll, until }
    from './peers.mjs';

const MINUTE = 60000;
let server;
let proxy;

before(async () => {
	server = await startEverything();
	if (haveProxy)
		proxy = await startProxy(server.url);
}, { timeout: MINUTE });

after(stopAll, { timeout: MINUTE });

async function
listAll(client, out)
{
	out.capabilities = client.getServerCapabilities();
	out.version = client.getServerVersion();
	out.instructions = client.getInstructions();
	out.ping = await client.ping();
	out.tools = await client.listTools();
	out.resources = await client.listResources();
	out.templates = await client.listResourceTemplates();
	out.prompts = await client.listPrompts();
}

async function
readAll(client, out)
{
	out.text = await client.readResource({
	    uri: 'demo://resource/dynamic/text/1' });
	out.blob = await client.readResource({
	    uri: 'demo://resource/dynamic/blob/2' });
	out.simple = await client.getPrompt({ name: 'simple-prompt' });
	out.args = await client.getPrompt({ name: 'args-prompt',
	    arguments: { city: 'Zürich', state: 'ZH' } });
	out.completion = await client.complete({
	    ref: { type: 'ref/prompt', name: 'completable-prompt' },
	    argument: { name: 'department', value: 'S' } });
}

async function
callPlainTools(call, out)
{
	const long = 'The quick brown 狐 jumps. '.repeat(40000);

	out.echo = await call('echo', { message: 'hello, wörld\n\n: data' });
	assert.equal(out.echo.content[0].text,
	    'Echo: hello, wörld\n\n: data');
	out.sum = await call('get-sum', { a: 2, b: 40 });
	assert.match(out.sum.content[0].text, /42/);
	out.long = await call('echo', { message: long });
	assert.equal(out.long.content[0].text, `Echo: ${long}`);
	out.image = await call('get-tiny-image', {});
	out.structured = await call('get-structured-content',
	    { location: 'Chicago' });
	out.annotated = await call('get-annotated-message',
	    { messageType: 'error', includeImage: true });
	out.links = await call('get-resource-links', { count: 5 });
	out.reference = await call('get-resource-reference',
	    { resourceType: 'Text', resourceId: 3 });
}

async function
outcome(promise)
{
	return promise.then((value) => ({ value }), (error) => ({
	    error: error.message, code: error.code }));
}

async function
callWrongly(call, out)
{
	out.unknown = await outcome(call('no-such-tool', {}));
	out.badArguments = await outcome(call('get-sum', { a: 'x' }));
	out.missing = await outcome(call('echo', {}));
}

/* Three at once, so that their streams overlap. */
async function
callLongTools(call, out)
{
	const steps = [4, 7, 10];

	out.long = await Promise.all(steps.map(async (n) => {
		const seen = [];
		const result = await call('trigger-long-running-operation',
		    { duration: 1, steps: n },
		    { onprogress: (p) => seen.push(p) });

		return { result, seen };
	}));
	out.long.forEach(({ seen }, i) => assert.deepEqual(
	    seen.map((p) => p.progress),
	    Array.from({ length: steps[i] }, (_, k) => k + 1)));
}

/* What the server asks of the client, answered within its own stream. */
async function
beAsked(client, call, out)
{
	/* The server asks for roots on the standalone stream. */
	await until(MINUTE / 4, 'roots/list', () => client.asked.roots > 0);
	out.roots = await call('get-roots-list', {});
	out.sampling = await call('trigger-sampling-request',
	    { prompt: 'why?', maxTokens: 7 });
	assert.match(out.sampling.content[0].text, /because of why\?/);
	out.elicitation = await call('trigger-elicitation-request', {});
	assert.match(out.elicitation.content[0].text, /accept|provided/i);
	assert.deepEqual(client.asked,
	    { roots: 1, sampling: 1, elicitation: 1 });
}

/* Notifications come on the standalone stream, and only those asked for. */
async function
beNotified(client, call, out)
{
	const uri = (n) => `demo://resource/dynamic/text/${n}`;
	const told = (n) => client.logged.some((l) => l.data.includes(uri(n)));

	await client.setLoggingLevel('debug');
	await client.subscribeResource({ uri: uri(1) });
	await until(MINUTE / 4, 'a log message', () => told(1));
	await client.setLoggingLevel('emergency');
	await client.subscribeResource({ uri: uri(2) });
	await client.setLoggingLevel('debug');
	await client.unsubscribeResource({ uri: uri(2) });
	await until(MINUTE / 4, 'a log message', () => told(2));
	await call('toggle-subscriber-updates', {});
	await until(MINUTE / 4, 'an update', () => client.updated.length > 0);
	await call('toggle-subscriber-updates', {});
	assert.deepEqual(client.updated, [uri(1)]);
	out.logged = client.logged;
	assert.equal(client.logged.filter((l) => /Subscribe/.test(l.data) &&
	    l.data.includes(uri(2))).length, 0);
}

/* After DELETE the session must be refused, by whoever answers. */
async function
endSession(client, url, out)
{
	const id = client.transport.sessionId;

	assert.match(id, /^[\x21-\x7e]+$/);
	await client.transport.terminateSession();
	out.afterEnd = client.transport.sessionId;
	const answer = await fetch(url, { method: 'POST',
		headers: { 'Content-Type': 'application/json',
			'Accept': 'application/json, text/event-stream',
			'Mcp-Session-Id': id,
			'MCP-Protocol-Version': '2025-11-25' },
		body: '{"jsonrpc":"2.0","id":99,"method":"ping"}' });
	const body = await answer.json();

	assert.ok(answer.status === 404 || answer.status === 400,
	    `status ${answer.status}`);
	assert.equal(typeof body.error.message, 'string');
	return answer.status;
}

async function
scenario(make, url)
{
	const out = {};
	const mark = server.events.length;
	const { fetch: recorded, exchanges } = recordingFetch();
	const client = await make(url, { fetch: recorded });
	const call = (name, args, options) => client.callTool(
	    { name, arguments: args }, options);

	try {
		await listAll(client, out.lists = {});
		await readAll(client, out.reads = {});
		await callPlainTools(call, out.tools = {});
		await callWrongly(call, out.errors = {});
		await callLongTools(call, out.progress = {});
		await beAsked(client, call, out.asked = {});
		await beNotified(client, call, out.notified = {});
		out.requests = requestsSeen(server.since(mark, 'request'));
		out.exchanges = [...exchanges].sort();
		out.status = await endSession(client, url, out.end = {});
	} finally {
		await client.close();
	}
	assert.deepEqual(client.troubles, []);
	return out;
}

for (const [name, make] of Object.entries(CLIENTS)) {
	let direct;

	test(`${name} and server-everything, directly`, { timeout: MINUTE },
	    async () => {
		direct = await scenario(make, server.url);
	});

	test(`${name} and server-everything, through the proxy`,
	    { timeout: MINUTE, skip: !haveProxy }, async () => {
		const through = await scenario(make, proxy.url);

		assertSame({ ...through, status: direct.status }, direct);
		/* The proxy knows that the session ended: 404, not 400. */
		if (isShadowcat)
			assert.equal(through.status, 404);
	});
}

/* What each of many clients sees is its own. */
async function
manyClients(url)
{
	const names = Object.keys(CLIENTS);

	await Promise.all(Array.from({ length: 12 }, async (_, i) => {
		const client = await CLIENTS[names[i % names.length]](url, {});
		const seen = [];

		try {
			const [long, echo] = await Promise.all([
			    client.callTool({
				name: 'trigger-long-running-operation',
				arguments: { duration: 1, steps: 10 + i } },
			    { onprogress: (p) => seen.push(
				`${p.progress}/${p.total}`) }),
			    client.callTool({ name: 'echo',
				arguments: { message: `client ${i}` } })]);

			assert.match(long.content[0].text,
			    new RegExp(`Steps: ${10 + i}\\.`));
			assert.equal(echo.content[0].text,
			    `Echo: client ${i}`);
			assert.deepEqual(seen, Array.from({ length: 10 + i },
			    (__, k) => `${k + 1}/${10 + i}`));
			await client.transport.terminateSession();
		} finally {
			await client.close();
		}
	}));
}

test('twelve clients at once, directly', { timeout: MINUTE },
    () => manyClients(server.url));

test('twelve clients at once, through the proxy',
    { timeout: MINUTE, skip: !haveProxy }, () => manyClients(proxy.url));
