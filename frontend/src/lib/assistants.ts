/** How an owner's own assistant is told where Vaultra is: the text to paste, for each of the usual assistants. */
import { API_BASE } from './address';

/** The address that assistants connect to: at the API's own origin. */
export function mcpUrl(): string {
  return new URL('/mcp', new URL(API_BASE, location.origin)).href;
}

/** What stands in the text until there is a token. */
export const TOKEN_PLACE = 'YOUR_TOKEN';

interface Assistant {
  name: string;
  /** Where the text goes. */
  where: string;
  text: (url: string, token: string) => string;
}

const json = (value: object) => JSON.stringify(value, null, 2);
const bearer = (token: string) => `Bearer ${token}`;

export const ASSISTANTS: Record<string, Assistant> = {
  json: {
    name: 'Cursor, and most others',
    where: 'Put this into the assistant’s MCP file, for Cursor ~/.cursor/mcp.json, and restart it.',
    text: (url, token) => json({ mcpServers: { vaultra: { url, headers: { Authorization: bearer(token) } } } }),
  },
  claude_code: {
    name: 'Claude Code',
    where: 'Run this once in a terminal.',
    text: (url, token) => `claude mcp add --transport http vaultra ${url} --header "Authorization: ${bearer(token)}"`,
  },
  claude_desktop: {
    name: 'Claude Desktop',
    where:
      'Put this into claude_desktop_config.json (Settings, Developer, Edit config) and restart it. It needs Node.js.',
    // The program splits its arguments at spaces, so the header's value waits in the environment.
    text: (url, token) =>
      json({
        mcpServers: {
          vaultra: {
            command: 'npx',
            args: ['-y', 'mcp-remote', url, '--header', `Authorization:\${AUTH_HEADER}`],
            env: { AUTH_HEADER: bearer(token) },
          },
        },
      }),
  },
  vs_code: {
    name: 'VS Code',
    where: 'Put this into .vscode/mcp.json, and keep that file out of version control.',
    text: (url, token) =>
      json({ servers: { vaultra: { type: 'http', url, headers: { Authorization: bearer(token) } } } }),
  },
};
