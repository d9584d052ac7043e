"""The agent's tools for an owner's own assistant, over the Model Context Protocol."""

from vaultra.mcp_edge import mcp_function

mcp = mcp_function("mcp")
