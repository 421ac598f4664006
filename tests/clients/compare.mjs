/*
 * compare.mjs - what two runs of one scenario may differ in, and no more.
 */
import assert from 'node:assert/strict';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const CLOCK = /\d{1,2}:\d{2}:\d{2}( [AP]M)?/g;
const ISO_TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/* Hop-by-hop, or set anew by any proxy. */
const REQUEST_OWN = new Set(['host', 'connection', 'keep-alive',
    'transfer-encoding', 'content-length', 'accept-encoding', 'via', 'te',
    'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host',
    'last-event-id', 'expect']);
const ANSWER_OWN = new Set(['connection', 'keep-alive', 'transfer-encoding',
    'content-length', 'date', 'via', 'cache-control', 'x-accel-buffering',
    'retry-after']);

function
normaliseText(text)
{
	return text.replace(ISO_TIME, '<time>').replace(CLOCK, '<clock>')
	    .replace(UUID, '<uuid>');
}

/* Session ids and times replaced, also inside of base64 blobs. */
export function
normalise(value, key = '')
{
	if (typeof value === 'string') {
		if (key === 'blob')
			return normaliseText(
			    Buffer.from(value, 'base64').toString('latin1'));
		return normaliseText(value);
	}
	if (Array.isArray(value))
		return value.map((v) => normalise(v));
	if (value !== null && typeof value === 'object')
		return Object.fromEntries(Object.entries(value)
		    .filter(([, v]) => v !== undefined)
		    .map(([k, v]) => [k, normalise(v, k)]));
	return value;
}

function
endToEnd(headers, own)
{
	const kept = {};

	for (const name of Object.keys(headers).sort()) {
		if (!own.has(name))
			kept[name] = normaliseText(String(headers[name]));
	}
	return kept;
}

/* The requests that a server saw, as comparable lines, in no order. */
export function
requestsSeen(events)
{
	return events.map((e) => `${e.method} ${e.url} ${
	    JSON.stringify(endToEnd(e.headers, REQUEST_OWN))}`).sort();
}

function
rpcName(init)
{
	if (typeof init?.body !== 'string')
		return '';

	const message = JSON.parse(init.body);
	return message.method ?? ('result' in message ? 'result' : 'error');
}

/*
 * A fetch that notes each exchange: method, JSON-RPC method, status, and the
 * end-to-end fields of the answer.
 */
export function
recordingFetch(base = fetch)
{
	const exchanges = [];
	const recorded = async (url, init) => {
		const answer = await base(url, init);
		const fields = endToEnd(Object.fromEntries(answer.headers),
		    ANSWER_OWN);

		exchanges.push(`${init?.method ?? 'GET'} ${rpcName(init)} -> ${
		    answer.status} ${JSON.stringify(fields)}`);
		return answer;
	};

	return { fetch: recorded, exchanges };
}

/* Fail unless two transcripts are the same, once normalised. */
export function
assertSame(through, direct)
{
	assert.deepStrictEqual(normalise(through), normalise(direct));
}
