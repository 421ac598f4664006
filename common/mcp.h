/*
 * mcp.h - what the proxy knows of the Model Context Protocol by itself.
 */
#ifndef COMMON_MCP_H
#define COMMON_MCP_H

#include <stdbool.h>

#include "common/http_slice.h"

/* The first version without sessions, event ids and GET streams. */
#define MCP_FIRST_MODERN_VERSION "2026-07-28"

/*
 * Does this value of MCP-Protocol-Version ask for the modern protocol: has it
 * the form YYYY-MM-DD, and is it 2026-07-28 or later?  Anything else (absent,
 * malformed, older) is legacy.
 */
bool mcp_version_is_modern(struct http_slice version);

#endif
