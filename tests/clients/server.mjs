/*
 * server.mjs - an MCP server of SDK v2 that speaks both eras on one endpoint.
 *
 * Modern requests are served statelessly; legacy ones in sessions.  With the
 * argument `ids` legacy streams have event ids and can be resumed, without it
 * they have none.  It runs as a child of a test, which sends it commands over
 * IPC: {do: 'update', uri} publishes a resource update, {do: 'drop'} cuts the
 * connections of all answers that are under way.
 */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { NodeStreamableHTTPServerTransport, toNodeHandler, toWebRequest }
    from '@modelcontextprotocol/node';
import { McpServer, acceptedContent, createMcpHandler, inputRequired,
    isLegacyRequest } from '@modelcontextprotocol/server';
import { z } from 'zod';

const withIds = process.argv.includes('ids');
const RETRY_MS = 200;

/*
 * Events of one session, replayed by stream.  An id names its stream, so that
 * no other stream's events are ever sent.
 */
class EventStore {
	constructor()
	{
		this.events = [];
	}

	async storeEvent(stream, message)
	{
		const id = `${this.events.length}/${stream}`;

		this.events.push({ id, stream, message });
		return id;
	}

	async getStreamIdForEventId(id)
	{
		return this.events.find((e) => e.id === id)?.stream;
	}

	async replayEventsAfter(last, { send })
	{
		const from = this.events.findIndex((e) => e.id === last);
		const { stream } = this.events[from];

		for (const event of this.events.slice(from + 1)) {
			/* A priming event is stored as an empty message. */
			if (event.stream === stream && event.message.jsonrpc)
				await send(event.id, event.message);
		}
		return stream;
	}
}

function
text(words)
{
	return { content: [{ type: 'text', text: words }] };
}

function
pause(ms, signal)
{
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);

		signal.addEventListener('abort', () => {
			clearTimeout(timer);
			resolve();
		}, { once: true });
	});
}

/* One progress event a step; `close_at` ends the connection at that step. */
async function
count({ steps, pause_ms: pauseMs, close_at: closeAt, size }, ctx)
{
	const progressToken = ctx.mcpReq._meta?.progressToken;
	const { signal } = ctx.mcpReq;

	process.send({ event: 'started' });
	for (let i = 1; i <= steps; i++) {
		await pause(pauseMs, signal);
		if (signal.aborted) {
			process.send({ event: 'aborted', step: i });
			return text('aborted');
		}
		if (i === closeAt)
			ctx.http?.closeSSE?.();
		await ctx.mcpReq.notify({ method: 'notifications/progress',
			params: { progressToken, progress: i, total: steps,
			    message: 'x'.repeat(size) } });
	}
	process.send({ event: 'finished' });
	return text(`counted to ${steps}`);
}

/* Ask the client for a colour, in the way of the request's era. */
async function
askModern(_args, ctx)
{
	const schema = z.object({ colour: z.string() });
	const answer = acceptedContent(ctx.mcpReq.inputResponses, 'colour',
	    schema);

	if (answer === undefined)
		return inputRequired({ inputRequests: {
			colour: inputRequired.elicit({
				message: 'Which colour?',
				requestedSchema: schema }) } });
	return text(`the colour is ${answer.colour}`);
}

async function
askLegacy(_args, ctx)
{
	const answer = await ctx.mcpReq.elicitInput({
		message: 'Which colour?',
		requestedSchema: { type: 'object',
			properties: { colour: { type: 'string' } } } });

	return text(`the colour is ${answer.content.colour}`);
}

function
makeServer({ era })
{
	const server = new McpServer({ name: 'peer', version: '1.0.0' },
	    { capabilities: { logging: {}, resources: { subscribe: true,
	        listChanged: true }, tools: { listChanged: true } } });

	server.registerTool('echo', { description: 'answers its text',
		inputSchema: z.object({ text: z.string() }) },
	    async (args) => text(args.text));
	server.registerTool('count', { description: 'counts, with progress',
		inputSchema: z.object({ steps: z.number(),
			pause_ms: z.number().default(20),
			close_at: z.number().default(0),
			size: z.number().default(0) }) }, count);
	server.registerTool('ask', { description: 'asks for a colour',
		inputSchema: z.object({}) },
	    era === 'modern' ? askModern : askLegacy);
	server.registerTool('fail', { description: 'always fails',
		inputSchema: z.object({}) }, async () => {
		throw new Error('as it should');
	});
	server.registerResource('clock', 'peer://clock', {},
	    async (uri) => ({ contents: [{ uri: uri.href, text: 'tick' }] }));
	return server;
}

const modern = createMcpHandler(makeServer, { legacy: 'reject' });
const serveModern = toNodeHandler(modern);
const sessions = new Map();
const open = new Set();

async function
openSession()
{
	const transport = new NodeStreamableHTTPServerTransport({
		sessionIdGenerator: randomUUID,
		retryInterval: RETRY_MS,
		eventStore: withIds ? new EventStore() : undefined,
		onsessioninitialized: (id) => sessions.set(id, transport),
		onsessionclosed: (id) => sessions.delete(id),
	});

	await makeServer({ era: 'legacy' }).connect(transport);
	return transport;
}

async function
serveLegacy(request, response, body)
{
	const id = request.headers['mcp-session-id'];
	const transport = id === undefined ? await openSession() :
	    sessions.get(id);

	if (transport === undefined) {
		response.writeHead(404, { 'Content-Type': 'application/json' });
		response.end(JSON.stringify({ jsonrpc: '2.0', id: null,
			error: { code: -32001, message: 'Session not found' } }));
		return;
	}
	await transport.handleRequest(request, response, body);
}

const server = http.createServer(async (request, response) => {
	open.add(response);
	response.on('close', () => open.delete(response));
	try {
		const probe = await toWebRequest(request);
		const body = request.method === 'POST' ?
		    await probe.clone().json() : undefined;

		if (await isLegacyRequest(probe))
			await serveLegacy(request, response, body);
		else
			await serveModern(request, response, body);
	} catch (error) {
		console.error(error);
		response.destroy();
	}
});

process.on('message', (command) => {
	if (command.do === 'update')
		modern.notify.resourceUpdated(command.uri);
	if (command.do === 'drop') {
		for (const response of open)
			response.destroy();
	}
});

server.listen(Number(process.env.PORT));
