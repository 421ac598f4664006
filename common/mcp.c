/*
 * mcp.c - telling the protocol's two eras apart.
 */
#include "config.h"

#include "common/mcp.h"

bool
mcp_version_is_modern(struct http_slice version)
{
	static const char form[] = "dddd-dd-dd";

	if (version.len != sizeof(form) - 1)
		return false;
	for (uint32_t i = 0; i < version.len; i++) {
		char c = version.p[i];

		if (form[i] == 'd' ? c < '0' || c > '9' : c != form[i])
			return false;
	}
	/* Dates of this form sort as text. */
	return memcmp(version.p, MCP_FIRST_MODERN_VERSION, version.len) >= 0;
}
