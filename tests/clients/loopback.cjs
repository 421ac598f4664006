/*
 * loopback.cjs - loaded before a server under test (node --require).
 *
 * Three duties: the server listens on 127.0.0.1 whatever it asks for; the
 * parent learns, over the IPC channel, its port and each request that reaches
 * it (head only) and each client that leaves before its answer is complete;
 * and the server ends with its parent.
 */
'use strict';

const http = require('node:http');
const net = require('node:net');

function
report(message)
{
	if (process.connected)
		process.send(message);
}

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
	const callback = args.findLast((a) => typeof a === 'function');
	const first = args[0];
	const port = typeof first === 'object' && first !== null ?
	    first.port : first;

	this.once('listening', () => {
		report({ event: 'listening', port: this.address().port });
	});
	return listen.call(this,
	    { host: '127.0.0.1', port: Number(port ?? 0) }, callback);
};

const emit = http.Server.prototype.emit;
let requests = 0;
http.Server.prototype.emit = function (name, request, response) {
	if (name === 'request') {
		const number = ++requests;

		report({ event: 'request', number, method: request.method,
		    url: request.url, headers: request.headers });
		response.once('close', () => {
			if (!response.writableFinished)
				report({ event: 'abandoned', number,
				    method: request.method,
				    headers: request.headers });
		});
	}
	return emit.apply(this, arguments);
};

process.on('disconnect', () => process.exit(0));
