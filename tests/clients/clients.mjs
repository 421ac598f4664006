/*
 * clients.mjs - the clients of both SDK generations behind one interface.
 *
 * CLIENTS maps a name to make(url, transportOptions), which gives a connected
 * client.  It answers what servers ask (roots, sampling, elicitation) and
 * keeps what it is told: `asked`, `logged`, `updated`, and `troubles`, the
 * errors that belong to no call.
 */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 }
    from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 }
    from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema, ElicitRequestSchema,
    ListRootsRequestSchema, LoggingMessageNotificationSchema,
    ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const INFO = { name: 'shadowcat-test', version: '1.0.0' };
const CAPABILITIES = { roots: {}, sampling: {}, elicitation: {} };

function
listRoots(client)
{
	client.asked.roots++;
	return { roots: [{ uri: 'file:///tmp/a', name: 'a' }] };
}

function
createMessage(client, request)
{
	const prompt = request.params.messages.at(-1).content.text;

	client.asked.sampling++;
	return { model: 'none', role: 'assistant',
		content: { type: 'text',
			text: `because of ${prompt.split(': ').at(-1)}` } };
}

function
elicit(client)
{
	client.asked.elicitation++;
	return { action: 'accept', content: { name: 'Ada', check: true,
		colour: 'green', integer: 7 } };
}

function
prepare(client)
{
	client.asked = { roots: 0, sampling: 0, elicitation: 0 };
	client.logged = [];
	client.updated = [];
	client.troubles = [];
	client.closing = false;
	client.onerror = (error) => {
		/* Streams that break because we leave are no trouble. */
		if (!client.closing)
			client.troubles.push(String(error));
	};
	const close = client.close.bind(client);
	client.close = () => {
		client.closing = true;
		return close();
	};
}

/* Ending the session ends its streams too: that is no trouble either. */
function
watchTermination(client, transport)
{
	const terminate = transport.terminateSession.bind(transport);

	transport.terminateSession = () => {
		client.closing = true;
		return terminate();
	};
}

async function
makeV1(url, options)
{
	const client = new ClientV1(INFO, { capabilities: CAPABILITIES });
	const transport = new TransportV1(new URL(url), options);

	prepare(client);
	watchTermination(client, transport);
	client.setRequestHandler(ListRootsRequestSchema,
	    async () => listRoots(client));
	client.setRequestHandler(CreateMessageRequestSchema,
	    async (request) => createMessage(client, request));
	client.setRequestHandler(ElicitRequestSchema,
	    async () => elicit(client));
	client.setNotificationHandler(LoggingMessageNotificationSchema,
	    (n) => client.logged.push(n.params));
	client.setNotificationHandler(ResourceUpdatedNotificationSchema,
	    (n) => client.updated.push(n.params.uri));

	/* One signature for both: v1 takes a result schema in between. */
	const callTool = client.callTool.bind(client);
	client.callTool = (params, requestOptions) =>
	    callTool(params, undefined, requestOptions);
	await client.connect(transport);
	return client;
}

async function
makeV2(url, options, clientOptions = {})
{
	const client = new ClientV2(INFO,
	    { capabilities: CAPABILITIES, ...clientOptions });
	const transport = new TransportV2(new URL(url), options);

	prepare(client);
	watchTermination(client, transport);
	client.setRequestHandler('roots/list', async () => listRoots(client));
	client.setRequestHandler('sampling/createMessage',
	    async (request) => createMessage(client, request));
	client.setRequestHandler('elicitation/create',
	    async () => elicit(client));
	client.setNotificationHandler('notifications/message',
	    (n) => client.logged.push(n.params));
	client.setNotificationHandler('notifications/resources/updated',
	    (n) => client.updated.push(n.params.uri));
	await client.connect(transport);
	return client;
}

export const CLIENTS = { 'SDK v1': makeV1, 'SDK v2': makeV2 };

/* A v2 client that asks for the modern era first. */
export function
makeModern(url, options, mode = 'auto')
{
	return makeV2(url, options, { versionNegotiation: { mode } });
}
