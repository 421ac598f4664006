/*
 * http_faults.h - what can be wrong with a request or an answer: the status
 * that a client gets for it, and a sentence for people that says what is
 * wrong and what would be right.
 *
 * A fault in an upstream's answer is always a 502 for the client; the status
 * here is that of the same fault in a request.  Some rows are not found in a
 * head but by those who relay the body or keep the time; they stand here so
 * that every refusal has its status and its text from one place.
 *
 * To add one: a row here, and tests/unit/test_http_names.c checks it.
 */
#ifndef COMMON_HTTP_FAULTS_H
#define COMMON_HTTP_FAULTS_H

/* clang-format off */
#define HTTP_FAULTS(X) \
	/* --- another protocol */ \
	X(TLS, 400, \
		"this is a TLS handshake, but this port speaks plain HTTP: " \
		"use http://") \
	X(SSH, 400, "this is SSH, but this port speaks HTTP/1.1") \
	X(PROXY_PROTOCOL, 400, \
		"this is a PROXY protocol header, but this port expects " \
		"HTTP/1.1 at once") \
	X(HTTP2, 505, "HTTP/2 is not spoken here: use HTTP/1.1") \
	X(NOT_HTTP, 400, \
		"this is not HTTP: a message starts with \"METHOD target " \
		"HTTP/1.1\" or \"HTTP/1.1 status\"") \
	/* --- sizes */ \
	X(REQUEST_LINE_LONG, 414, "the request line is longer than 8 KiB") \
	X(HEAD_LONG, 431, \
		"the header section is longer than client.max_header allows") \
	X(TOO_MANY_FIELDS, 431, "more than 128 header fields") \
	X(TOO_MANY_OPTIONS, 431, "more than 32 names in Connection") \
	/* --- lines and bytes */ \
	X(EMPTY_LINES, 400, \
		"more than two empty lines before the request line") \
	X(BARE_LF, 400, "a line ends in LF alone: lines end in CR LF") \
	X(BARE_CR, 400, "a CR without LF: lines end in CR LF") \
	X(NUL, 400, "a NUL byte in the header section") \
	X(CONTROL, 400, "a control character in the header section") \
	X(OBS_FOLD, 400, \
		"a header line starts with white space: fields may not be " \
		"folded over lines") \
	/* --- request line */ \
	X(METHOD, 400, "the method is not a token followed by one space") \
	X(METHOD_LONG, 501, "the method is longer than 32 characters") \
	X(TARGET, 400, \
		"the target is not a path, a http:// URL, or * for OPTIONS") \
	X(VERSION_SYNTAX, 400, \
		"the request line does not end in one space and HTTP/1.1") \
	X(VERSION, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here") \
	/* --- fields */ \
	X(FIELD_NAME, 400, \
		"a field name holds a character that names may not hold, " \
		"or is empty") \
	X(NO_COLON, 400, "a header line has no colon") \
	X(SPACE_BEFORE_COLON, 400, \
		"white space between a field name and its colon") \
	X(REPEATED_FIELD, 400, \
		"a field that may stand once stands more than once") \
	X(NOMINATED, 400, \
		"Connection names a field that is meant for the server") \
	X(HOST_MISSING, 400, "a HTTP/1.1 request needs a Host field") \
	X(HOST, 400, "Host is not a name or address with an optional port") \
	X(EXPECT, 417, "the only expectation known here is 100-continue") \
	/* --- framing */ \
	X(CONTENT_LENGTH, 400, \
		"Content-Length is not one plain decimal number") \
	X(TRANSFER_ENCODING, 400, "Transfer-Encoding is not chunked alone") \
	X(TRANSFER_CODING, 501, \
		"the only transfer coding known here is chunked") \
	X(LENGTH_AND_CHUNKED, 400, \
		"Content-Length and Transfer-Encoding together: send one " \
		"of them") \
	X(CHUNKED_ON_1_0, 400, \
		"Transfer-Encoding in a HTTP/1.0 message: send " \
		"Content-Length, or HTTP/1.1") \
	X(CHUNK, 400, "the chunked body is malformed") \
	X(LENGTH_REQUIRED, 411, \
		"a body needs Content-Length or Transfer-Encoding: chunked") \
	/* --- answers */ \
	X(STATUS_LINE, 400, \
		"the status line is not HTTP/1.1, a space and three digits " \
		"from 100 to 599") \
	X(UNASKED_UPGRADE, 400, \
		"the server switches protocols, which nobody asked for") \
	/* --- found by those who relay */ \
	X(METHOD_NOT_ALLOWED, 405, "this method is not served here") \
	X(FOREIGN_ORIGIN, 403, \
		"the Origin is not allowed here (security.allowed_origins)") \
	X(FOREIGN_HOST, 403, \
		"the Host is not allowed here (security.allowed_hosts)") \
	X(HEAD_TIMEOUT, 408, \
		"the header section did not arrive in time " \
		"(client.head_timeout)") \
	X(BODY_TIMEOUT, 408, \
		"the body did not arrive in time (client.body_timeout)") \
	X(BODY_LONG, 413, "the body is longer than client.max_body allows") \
	X(SESSION_ENDED, 404, "the session has ended: initialize a new one") \
	X(FOREIGN_STREAM, 403, "the stream belongs to somebody else") \
	X(NOTHING_LEFT, 204, "the stream is finished and nothing of it is left to send") \
	X(GAP, 400, "the events after this Last-Event-ID are not kept any more") \
	X(STREAM_TAKEN, 409, "the session's stream changes hands too often: is another client reading it?") \
	X(CROWDED, 429, "the session has as many connections as session.max_connections allows") \
	X(NO_ROOM, 503, \
		"no memory or descriptor is free for this request: try again") \
	X(UPSTREAM_UNREACHED, 502, "no connection to the upstream server") \
	X(UPSTREAM_UNKNOWN, 502, \
		"the upstream server's name could not be resolved") \
	X(UPSTREAM_LOST, 502, \
		"the upstream server closed the connection before it " \
		"answered") \
	X(UPSTREAM_GARBLED, 502, \
		"the upstream server's answer is not valid HTTP/1.1") \
	X(UPSTREAM_CONNECT_TIMEOUT, 504, \
		"the upstream server did not accept the connection in time " \
		"(upstream.connect_timeout)") \
	X(UPSTREAM_TIMEOUT, 504, \
		"the upstream server did not answer in time " \
		"(upstream.response_timeout)") \
	X(POISON, 500, \
		"the proxy failed at this, again and again, and gave it up: " \
		"its log says more") \
	X(STOPPING, 503, "the proxy is stopping: try again in a moment")
/* clang-format on */

enum http_fault {
	HTTP_FAULT_NONE,
#define X(id, status, text) HTTP_FAULT_##id,
	HTTP_FAULTS(X)
#undef X
	    HTTP_FAULT_COUNT
};

#endif
