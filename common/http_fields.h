/*
 * http_fields.h - the field names that the proxy knows by heart, and what it
 * does with each.  Every other field passes unchanged.
 *
 * To add one: a row here (name as it is written, its first and last letter
 * in lower case, flags).  The letters and the length make the slot of a
 * perfect hash; should two rows meet in one slot, the compiler says so
 * (-Woverride-init): choose other multipliers in HTTP_FIELD_SLOT.
 * tests/unit/test_http_names.c checks the letters against the names.
 */
#ifndef COMMON_HTTP_FIELDS_H
#define COMMON_HTTP_FIELDS_H

enum http_field_flag {
	/* Meant for one connection only (RFC 9110 7.6.1): never passed on. */
	HTTP_FIELD_HOP = 1 << 0,
	/* Not copied into a request for the upstream: written anew, or done. */
	HTTP_FIELD_DROP_REQUEST = 1 << 1,
	/* Not copied into an answer for the client: written anew. */
	HTTP_FIELD_DROP_ANSWER = 1 << 2,
	/* More than one line of it in a request (an answer) is a fault. */
	HTTP_FIELD_ONCE_REQUEST = 1 << 3,
	HTTP_FIELD_ONCE_ANSWER = 1 << 4,
	/*
	 * The proxy decides by it, so it may not be named in Connection: both
	 * sides would see different messages.
	 */
	HTTP_FIELD_END_TO_END = 1 << 5,
};

/* clang-format off */
#define HTTP_FIELD_ONCE (HTTP_FIELD_ONCE_REQUEST | HTTP_FIELD_ONCE_ANSWER)
#define HTTP_FIELD_FRAMING \
	(HTTP_FIELD_DROP_REQUEST | HTTP_FIELD_DROP_ANSWER | HTTP_FIELD_ONCE)
#define HTTP_FIELD_DECIDES (HTTP_FIELD_ONCE_REQUEST | HTTP_FIELD_END_TO_END)

#define HTTP_FIELDS(X) \
	/* enumerator, name, its first and last letter, flags */ \
	X(CONNECTION, "Connection", 'c', 'n', HTTP_FIELD_HOP) \
	X(KEEP_ALIVE, "Keep-Alive", 'k', 'e', HTTP_FIELD_HOP) \
	X(PROXY_CONNECTION, "Proxy-Connection", 'p', 'n', HTTP_FIELD_HOP) \
	X(PROXY_AUTHENTICATE, "Proxy-Authenticate", 'p', 'e', HTTP_FIELD_HOP) \
	X(PROXY_AUTHORIZATION, "Proxy-Authorization", 'p', 'n', \
		HTTP_FIELD_HOP) \
	X(PROXY_AUTHENTICATION_INFO, "Proxy-Authentication-Info", 'p', 'o', \
		HTTP_FIELD_HOP) \
	X(TE, "TE", 't', 'e', HTTP_FIELD_HOP) \
	X(TRAILER, "Trailer", 't', 'r', HTTP_FIELD_HOP) \
	X(UPGRADE, "Upgrade", 'u', 'e', HTTP_FIELD_HOP) \
	X(HTTP2_SETTINGS, "HTTP2-Settings", 'h', 's', HTTP_FIELD_HOP) \
	X(TRANSFER_ENCODING, "Transfer-Encoding", 't', 'g', \
		HTTP_FIELD_HOP | HTTP_FIELD_FRAMING) \
	X(CONTENT_LENGTH, "Content-Length", 'c', 'h', HTTP_FIELD_FRAMING) \
	X(HOST, "Host", 'h', 't', \
		HTTP_FIELD_DROP_REQUEST | HTTP_FIELD_ONCE_REQUEST) \
	X(EXPECT, "Expect", 'e', 't', \
		HTTP_FIELD_DROP_REQUEST | HTTP_FIELD_ONCE_REQUEST) \
	X(ACCEPT_ENCODING, "Accept-Encoding", 'a', 'g', \
		HTTP_FIELD_DROP_REQUEST) \
	X(X_FORWARDED_FOR, "X-Forwarded-For", 'x', 'r', \
		HTTP_FIELD_DROP_REQUEST) \
	X(X_FORWARDED_PROTO, "X-Forwarded-Proto", 'x', 'o', \
		HTTP_FIELD_DROP_REQUEST) \
	X(X_FORWARDED_HOST, "X-Forwarded-Host", 'x', 't', \
		HTTP_FIELD_DROP_REQUEST) \
	X(ORIGIN, "Origin", 'o', 'n', HTTP_FIELD_DECIDES) \
	X(AUTHORIZATION, "Authorization", 'a', 'n', HTTP_FIELD_DECIDES) \
	X(CONTENT_TYPE, "Content-Type", 'c', 'e', \
		HTTP_FIELD_DECIDES | HTTP_FIELD_ONCE_ANSWER) \
	X(MCP_SESSION_ID, "Mcp-Session-Id", 'm', 'd', \
		HTTP_FIELD_DECIDES | HTTP_FIELD_ONCE_ANSWER) \
	X(MCP_PROTOCOL_VERSION, "MCP-Protocol-Version", 'm', 'n', \
		HTTP_FIELD_DECIDES) \
	X(MCP_METHOD, "Mcp-Method", 'm', 'd', HTTP_FIELD_DECIDES) \
	X(MCP_NAME, "Mcp-Name", 'm', 'e', HTTP_FIELD_DECIDES) \
	X(LAST_EVENT_ID, "Last-Event-ID", 'l', 'd', HTTP_FIELD_DECIDES) \
	X(CONTENT_ENCODING, "Content-Encoding", 'c', 'g', \
		HTTP_FIELD_END_TO_END) \
	X(USER_AGENT, "User-Agent", 'u', 't', 0) \
	X(ACCESS_CONTROL_ALLOW_ORIGIN, "Access-Control-Allow-Origin", \
		'a', 'n', 0) \
	X(CACHE_CONTROL, "Cache-Control", 'c', 'l', 0) \
	X(X_ACCEL_BUFFERING, "X-Accel-Buffering", 'x', 'g', 0) \
	X(RETRY_AFTER, "Retry-After", 'r', 'r', 0) \
	X(WWW_AUTHENTICATE, "WWW-Authenticate", 'w', 'e', 0) \
	X(ACCEPT, "Accept", 'a', 't', 0) \
	X(ALLOW, "Allow", 'a', 'w', 0) \
	X(DATE, "Date", 'd', 'e', 0) \
	X(SERVER, "Server", 's', 'r', 0)
/* clang-format on */

enum http_field_id {
	HTTP_FIELD_OTHER, /* none of the table */
#define X(id, name, first, last, flags) HTTP_FIELD_##id,
	HTTP_FIELDS(X)
#undef X
	    HTTP_FIELD_COUNT
};

#endif
