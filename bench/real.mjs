/*
 * real.mjs - a real MCP server (server-everything, in node) directly, through
 * the floor and through shadowcat, in turn: calls a second and median time of
 * a call.
 *
 *	CLIENTS=DIR BUILD=DIR node bench/real.mjs [ROUNDS]
 *
 * CLIENTS is a copy of tests/clients in which `npm ci` was run, BUILD where the
 * programs are.  Each client has a session and one call under way; one client
 * alone gives the median.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const CALLS = 400;
const CLIENTS = 8;
const rounds = Number(process.argv[2] ?? 7);
const peers = await import(
    pathToFileURL(resolve(join(process.env.CLIENTS, 'peers.mjs'))));

class Client {
	constructor(url)
	{
		this.url = url;
		this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
		this.headers = {
			'Content-Type': 'application/json',
			Accept: 'application/json, text/event-stream',
		};
		this.id = 0;
	}

	/* The text of the answer. */
	post(message)
	{
		const body = JSON.stringify({ jsonrpc: '2.0', ...message });

		return new Promise((done, failed) => {
			const request = http.request(this.url, {
				method: 'POST', agent: this.agent,
				headers: { ...this.headers,
					'Content-Length':
					    Buffer.byteLength(body) },
			}, (answer) => {
				let text = '';

				answer.setEncoding('utf8');
				answer.on('data', (s) => { text += s; });
				answer.on('end', () => done({ answer, text }));
				answer.on('error', failed);
			});
			request.on('error', failed);
			request.end(body);
		});
	}

	async open()
	{
		const { answer } = await this.post({ id: this.id++,
			method: 'initialize', params: {
				protocolVersion: '2025-06-18',
				capabilities: {},
				clientInfo: { name: 'bench', version: '1' } } });

		this.headers['Mcp-Session-Id'] =
		    answer.headers['mcp-session-id'];
		this.headers['MCP-Protocol-Version'] = '2025-06-18';
		await this.post({ method: 'notifications/initialized' });
		return this;
	}

	async call()
	{
		const id = this.id++, message = `call ${id}`;
		const { text } = await this.post({ id, method: 'tools/call',
			params: { name: 'echo', arguments: { message } } });

		if (!text.includes(`Echo: ${message}`))
			throw new Error(`not an answer: ${text}`);
	}
}

async function
openMany(url)
{
	const clients = [];

	for (let i = 0; i < CLIENTS; i++)
		clients.push(await new Client(url).open());
	return clients;
}

async function
callMany(client, calls)
{
	const times = [];

	for (let i = 0; i < calls; i++) {
		const begin = performance.now();

		await client.call();
		times.push(performance.now() - begin);
	}
	return times;
}

async function
freePort()
{
	const listener = net.createServer().listen(0, '127.0.0.1');

	await once(listener, 'listening');
	const { port } = listener.address();
	listener.close();
	await once(listener, 'close');
	return port;
}

function
isListening(port)
{
	return new Promise((done) => {
		const socket = net.connect(port, '127.0.0.1', () => {
			socket.destroy();
			done(true);
		});
		socket.on('error', () => done(false));
	});
}

function
start(program, args, output)
{
	const child = spawn(join(process.env.BUILD ?? '.', program), args,
	    { stdio: ['ignore', output, 'inherit'] });

	process.on('exit', () => child.kill());
	return child;
}

/* One that logs nothing, for node would have to read it. */
async function
startShadowcat(upstream)
{
	const port = await freePort();

	start('shadowcat', ['reverse', '--bind', `127.0.0.1:${port}`,
		'--upstream', upstream, '--workers', '1',
		'--set', 'log.level=warning',
		'--control', join(tmpdir(), `real-${port}.sock`)], 'ignore');
	await peers.until(20000, 'start of shadowcat', () => isListening(port));
	return `http://127.0.0.1:${port}/mcp`;
}

async function
startFloor(upstream)
{
	const child = start('bench/floor', [new URL(upstream).port], 'pipe');
	const [line] = await once(child.stdout, 'data');

	return `http://127.0.0.1:${/:(\d+)/.exec(line)[1]}/mcp`;
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

/* Calls a second with all clients, and milliseconds a call with one. */
async function
measure(clients)
{
	const begin = performance.now();

	await Promise.all(clients.map((c) => callMany(c, CALLS / CLIENTS)));
	return {
		rate: CALLS / (performance.now() - begin) * 1000,
		p50: median(await callMany(clients[0], CALLS / 2)),
	};
}

const { url } = await peers.startEverything();
const ways = {
	direct: await openMany(url),
	floor: await openMany(await startFloor(url)),
	shadowcat: await openMany(await startShadowcat(url)),
};
const found = { direct: [], floor: [], shadowcat: [] };

for (let i = -1; i < rounds; i++) {
	for (const [name, clients] of Object.entries(ways)) {
		const result = await measure(clients);

		if (i >= 0) /* the first is for the compiler of node */
			found[name].push(result);
	}
}
const middle = (name, what) => median(found[name].map((r) => r[what]));
const beside = (name, what) => (100 * middle(name, what) /
    middle('direct', what)).toFixed(1);

console.log(`rounds ${rounds}`);
for (const name of Object.keys(found))
	console.log(`${name.padEnd(10)} ` +
	    `calls/s ${middle(name, 'rate').toFixed(0)} ` +
	    `(${beside(name, 'rate')} %), ` +
	    `p50 ${middle(name, 'p50').toFixed(3)} ms ` +
	    `(${beside(name, 'p50')} %)`);
process.exit(0);
