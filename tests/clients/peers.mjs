/*
 * peers.mjs - starts and ends what a test needs: MCP servers, and the proxy.
 *
 * The proxy is the program named by $SHADOWCAT.  For work on the tests
 * themselves $PEERS_PROXY may say `none` (no second run) or `relay` (a plain
 * byte relay in node stands where the proxy would).
 *
 * Everything here has a deadline, and every process that is started is ended
 * by stopAll(), at exit at the latest.
 */
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const START_MS = 20000;
const STOP_MS = 15000;
const LOG_LINES = 4000;

export const proxyKind = process.env.PEERS_PROXY ?? 'shadowcat';
export const haveProxy = proxyKind !== 'none';
export const isShadowcat = proxyKind === 'shadowcat';

const running = new Set();

process.on('exit', () => {
	for (const peer of running)
		peer.kill();
});

/* Wait for a promise, but not longer than ms; what names it in the error. */
export async function
within(ms, what, promise)
{
	let timer;
	const late = new Promise((_resolve, reject) => {
		timer = setTimeout(() => reject(
		    new Error(`${what}: nothing after ${ms} ms`)), ms);
	});

	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/* Wait until test() is true; it is asked again every few milliseconds. */
export async function
until(ms, what, test)
{
	const end = performance.now() + ms;
	let value;

	while (!(value = await test())) {
		if (performance.now() > end)
			throw new Error(`${what}: not so after ${ms} ms`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	return value;
}

function
collectLines(stream, log)
{
	let rest = '';

	stream.setEncoding('utf8');
	stream.on('data', (text) => {
		const lines = (rest + text).split('\n');

		rest = lines.pop();
		log.push(...lines);
		if (log.length > LOG_LINES)
			log.splice(0, log.length - LOG_LINES);
	});
}

/*
 * An MCP server of node, on 127.0.0.1.  `events` is what it reported over
 * IPC, in order: requests, abandoned answers, and its own remarks.
 */
class NodeServer {
	constructor(child)
	{
		this.child = child;
		this.events = [];
		this.log = [];
		this.exited = new Promise((resolve) => {
			child.once('exit', (code, signal) => {
				running.delete(this);
				resolve({ code, signal });
			});
		});
		child.on('message', (message) => this.events.push(message));
		collectLines(child.stdout, this.log);
		collectLines(child.stderr, this.log);
	}

	get url()
	{
		return `http://127.0.0.1:${this.port}/mcp`;
	}

	/* Events reported since `mark`, a former events.length. */
	since(mark, event)
	{
		return this.events.slice(mark).filter((e) => e.event === event);
	}

	kill()
	{
		this.child.kill('SIGKILL');
	}

	async stop()
	{
		this.kill();
		await within(STOP_MS, 'end of a server', this.exited);
	}
}

/*
 * Start a server program.  port 0 lets the kernel choose; the server is
 * listening when the promise resolves.
 */
export async function
startServer(program, args = [], port = 0)
{
	const child = fork(program, args, {
		execArgv: ['--require', join(HERE, 'loopback.cjs')],
		env: { ...process.env, PORT: String(port) },
		stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
	});
	const server = new NodeServer(child);
	let listening;

	running.add(server);
	await until(START_MS, `start of ${program}`, () => {
		if (child.exitCode !== null)
			throw new Error(`${program} ended at its start:\n` +
			    server.log.join('\n'));
		listening = server.events.find((e) => e.event === 'listening');
		return listening;
	});
	server.port = listening.port;
	return server;
}

export function
startEverything(port = 0)
{
	return startServer(fileURLToPath(import.meta.resolve(
	    '@modelcontextprotocol/server-everything/dist/index.js')),
	    ['streamableHttp'], port);
}

export function
startModernServer(port = 0)
{
	return startServer(join(HERE, 'server.mjs'), [], port);
}

/* A stand-in for the proxy, and a cable to cut: bytes in, bytes out. */
class Relay {
	constructor(upstream)
	{
		this.sockets = new Set();
		this.connections = [];
		this.log = [];
		this.isDown = false;
		this.server = net.createServer((client) => {
			if (this.isDown) {
				client.on('error', () => {});
				client.resetAndDestroy();
				return;
			}
			const up = net.connect(Number(upstream.port),
			    upstream.hostname);
			const connection = { port: client.remotePort,
				said: '', isOpen: true };

			this.connections.push(connection);
			client.on('data', (bytes) => {
				connection.said += bytes.toString('latin1');
			});
			up.on('close', () => { connection.isOpen = false; });
			for (const [a, b] of [[client, up], [up, client]]) {
				this.sockets.add(a);
				a.setNoDelay(true);
				a.on('error', () => b.destroy());
				a.on('close', () => {
					this.sockets.delete(a);
					b.destroy();
				});
				a.pipe(b);
			}
		});
	}

	workers()
	{
		return [];
	}

	/* The connections on which the client sent this text. */
	carriers(text)
	{
		return this.connections.filter((c) => c.said.includes(text));
	}

	/* Break what is open; new connections are as good as before. */
	cut()
	{
		for (const socket of this.sockets)
			socket.destroy();
	}

	/* Whether there is no network for now. */
	setDown(isDown)
	{
		this.isDown = isDown;
		if (isDown)
			this.cut();
	}

	kill()
	{
		this.cut();
		this.server.close();
		running.delete(this);
	}

	async stop()
	{
		this.kill();
	}
}

/* The proxy under test, as a child of this process. */
class Shadowcat {
	constructor(child, directory)
	{
		this.child = child;
		this.directory = directory;
		this.log = [];
		this.exited = new Promise((resolve) => {
			child.once('exit', (code, signal) => {
				running.delete(this);
				rmSync(directory, { recursive: true,
				    force: true });
				resolve({ code, signal });
			});
		});
		collectLines(child.stderr, this.log);
		collectLines(child.stdout, this.log);
	}

	/* Process ids of the workers: the supervisor's direct children. */
	workers()
	{
		const pid = this.child.pid;

		return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
		    .split(' ').filter(Boolean).map(Number);
	}

	kill()
	{
		let workers = [];

		try {
			workers = this.workers();
		} catch {
			/* It has just ended: nothing is left to kill. */
		}
		this.child.kill('SIGKILL');
		for (const pid of workers) {
			try {
				process.kill(pid, 'SIGKILL');
			} catch {
				/* Gone with its parent. */
			}
		}
	}

	/*
	 * Stop as an operator would.  An exit code other than 0, a stop that
	 * takes too long, or a sanitizer's word in the log is an error.
	 */
	async stop()
	{
		this.child.kill('SIGTERM');
		try {
			const { code, signal } = await within(STOP_MS,
			    'stop of the proxy', this.exited);
			if (code !== 0)
				throw new Error(`the proxy ended with ${signal ??
				    `exit code ${code}`}`);
			if (this.log.some((l) =>
			    /Sanitizer|runtime error:|assertion/i.test(l)))
				throw new Error('a fault in the proxy\'s log');
		} catch (error) {
			this.kill();
			error.message += `\n--- log of the proxy ---\n${
			    this.log.slice(-60).join('\n')}`;
			throw error;
		}
	}
}

export async function
startRelay(upstream)
{
	const relay = new Relay(new URL(upstream));

	running.add(relay);
	await new Promise((resolve) =>
	    relay.server.listen(0, '127.0.0.1', resolve));
	relay.url = `http://127.0.0.1:${relay.server.address().port}/mcp`;
	return relay;
}

/*
 * Start the proxy in front of an upstream URL; settings is a list of
 * KEY=VALUE for --set.  It is listening when the promise resolves.
 */
export async function
startProxy(upstream, settings = [], workers = 2)
{
	const program = process.env.SHADOWCAT;

	if (!isShadowcat)
		return startRelay(upstream);
	if (!program)
		throw new Error('SHADOWCAT must name the program under test');

	const directory = mkdtempSync(join(tmpdir(), 'shadowcat-peers-'));
	/* setpriv: should this process be killed, the proxy stops too. */
	const child = spawn('setpriv', ['--pdeathsig', 'TERM', '--', program,
	    'reverse', '--bind', '127.0.0.1:0', '--upstream', upstream,
	    '--workers', String(workers), '--control', join(directory, 'control.sock'),
	    ...settings.flatMap((s) => ['--set', s])],
	    { stdio: ['ignore', 'pipe', 'pipe'] });
	const proxy = new Shadowcat(child, directory);

	running.add(proxy);
	child.on('error', (error) => proxy.log.push(String(error)));
	const port = await until(START_MS, 'start of the proxy', () => {
		if (child.exitCode !== null)
			throw new Error(`the proxy ended at its start:\n${
			    proxy.log.join('\n')}`);
		for (const line of proxy.log) {
			const found = /listening on \S+:(\d+)/.exec(line);
			if (found)
				return Number(found[1]);
		}
		return 0;
	});
	proxy.url = `http://127.0.0.1:${port}/mcp`;
	return proxy;
}

/* End all that runs; the first failure is thrown when all have ended. */
export async function
stopAll()
{
	const results = await Promise.allSettled(
	    [...running].map((peer) => peer.stop()));
	const failed = results.find((r) => r.status === 'rejected');

	if (failed)
		throw failed.reason;
}
