import { expect, it, vi } from 'vitest';
import { ASSISTANTS, mcpUrl, TOKEN_PLACE } from '../src/lib/assistants';

const URL_OF_MCP = 'https://vaultra.test/mcp';

it('is at the origin of the API', async () => {
  expect(mcpUrl()).toBe(URL_OF_MCP);
  vi.resetModules();
  vi.stubEnv('PUBLIC_API_URL', 'https://api.vaultra.test/api/v1');
  const elsewhere = await import('../src/lib/assistants');
  expect(elsewhere.mcpUrl()).toBe('https://api.vaultra.test/mcp');
  vi.unstubAllEnvs();
});

it('tells each assistant the address and the token, in a text of its own form', () => {
  const texts = Object.entries(ASSISTANTS).map(([key, { text }]) => [key, text(URL_OF_MCP, 'vlt_1')] as const);
  for (const [, text] of texts) {
    expect(text).toContain(URL_OF_MCP);
    expect(text).toContain('Bearer vlt_1');
    expect(text).not.toContain(TOKEN_PLACE);
  }
  const { claude_code, ...files } = Object.fromEntries(texts);
  expect(claude_code).toBe(
    `claude mcp add --transport http vaultra ${URL_OF_MCP} --header "Authorization: Bearer vlt_1"`,
  );
  for (const file of Object.values(files)) {
    const servers = JSON.parse(file ?? '');
    expect(Object.keys(Object.values(servers)[0] as object)).toEqual(['vaultra']);
  }
});

it('hands Claude Desktop the header through the environment, since its program splits arguments at spaces', () => {
  const { mcpServers } = JSON.parse(ASSISTANTS.claude_desktop?.text(URL_OF_MCP, 'vlt_1') ?? '');
  const { args, env } = mcpServers.vaultra;
  const header = args.at(-1).replace(/\$\{(\w+)\}/, (_: string, name: string) => env[name]);
  expect(header).toBe('Authorization:Bearer vlt_1');
  expect(args.some((each: string) => each.includes(' '))).toBe(false);
});
