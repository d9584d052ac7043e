/** Tokens by which an owner's own assistant reads one business: made, shown once, set up, and revoked. */
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { createToken, readAgain, revokeToken, tokensQuery } from '../../lib/api-settings';
import { ASSISTANTS, mcpUrl, TOKEN_PLACE } from '../../lib/assistants';
import { formatAgo, formatDate } from '../../lib/format';
import { queryClient } from '../../lib/query';
import type { CurrentUser, Membership, Token } from '../../lib/types';
import ConfirmDialog from '../ConfirmDialog';
import CopyButton from '../CopyButton';
import { Form, Input, Select } from './Form';
import Loaded from './Loaded';
import Section from './Section';

const LIFETIMES = { 30: '30 days', 90: '90 days', 365: 'A year' };

export default function Tokens({ membership, user }: { membership: Membership; user: CurrentUser }) {
  const tokens = useQuery(tokensQuery, queryClient);
  // Only here: neither the browser nor the page's kept answers hold it.
  const [secret, setSecret] = useState<string | null>(null);
  return (
    <Section
      id="assistants"
      title="Your own assistant"
      intro="An assistant that speaks MCP can read this business through Vaultra: the score, the figures, what to do next. It can change nothing."
    >
      {secret ? (
        <Secret token={secret} onDone={() => setSecret(null)} />
      ) : (
        <Form
          label="Make a token"
          busy="Making it"
          done=""
          submit={async ({ name = '', days }) => {
            const made = await createToken({ name, business_id: membership.id, expires_in_days: Number(days) });
            setSecret(made.token);
            await readAgain(queryClient, tokensQuery);
          }}
        >
          <div className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_10rem]">
            <Input
              name="name"
              label="Name of the token"
              defaultValue=""
              required
              maxLength={200}
              placeholder="Assistant on my laptop"
            />
            <Select name="days" label="Good for" options={LIFETIMES} defaultValue="90" />
          </div>
        </Form>
      )}
      <SetUp token={secret ?? TOKEN_PLACE} />
      <h4 className="mt-6 text-sm font-medium">Your tokens</h4>
      <div className="mt-2">
        <Loaded query={tokens} what="Your tokens" outline="h-16">
          {(known) => <List tokens={known} user={user} />}
        </Loaded>
      </div>
    </Section>
  );
}

function Secret({ token, onDone }: { token: string; onDone: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div className="notice notice-warn">
      <h4 ref={heading} tabIndex={-1} className="font-medium outline-hidden">
        Copy your token now: it is shown this once
      </h4>
      <div className="mt-3 flex flex-wrap items-center gap-3">
        <code className="min-w-0 flex-[1_1_16rem] rounded-lg border border-line bg-surface px-3 py-2.5 select-all">
          {token}
        </code>
        <CopyButton text={token} label="Copy token" />
      </div>
      <p className="mt-3">The text below has it in place already. Whoever holds the token can read this business.</p>
      <button type="button" className="btn mt-3 text-sm" onClick={onDone}>
        I have it
      </button>
    </div>
  );
}

function SetUp({ token }: { token: string }) {
  const [chosen, setChosen] = useState('json');
  const assistant = ASSISTANTS[chosen];
  if (!assistant) return null;
  const text = assistant.text(mcpUrl(), token);
  return (
    <div className="mt-6 border-t border-line pt-5">
      <h4 className="text-sm font-medium">Set it up</h4>
      <div className="mt-3 flex flex-wrap items-center justify-between gap-3">
        <div className="flex min-w-0 items-center gap-3 text-sm">
          <label htmlFor="assistant">Assistant</label>
          <select
            id="assistant"
            value={chosen}
            onChange={(event) => setChosen(event.target.value)}
            className="field w-auto min-w-0 py-1.5"
          >
            {Object.entries(ASSISTANTS).map(([key, { name }]) => (
              <option key={key} value={key}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <CopyButton text={text} label="Copy text" />
      </div>
      <p className="mt-3 max-w-prose text-sm text-muted">{assistant.where}</p>
      <pre className="mt-3 rounded-[10px] border border-line bg-bg p-4 text-[0.8125rem] leading-relaxed whitespace-pre-wrap">
        <code>{text}</code>
      </pre>
    </div>
  );
}

function List({ tokens, user }: { tokens: Token[]; user: CurrentUser }) {
  const [revoking, setRevoking] = useState<Token | null>(null);
  const nameOf = (id: string) => user.businesses.find((business) => business.id === id)?.name ?? 'a business you left';
  if (tokens.length === 0) return <p className="text-sm text-muted">There is none yet.</p>;
  return (
    <>
      <ul className="divide-y divide-line border-y border-line">
        {tokens.map((token) => (
          <li key={token.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
            <p className="min-w-0 flex-[1_1_14rem]">
              <span className="font-medium">{token.name}</span>
              <span className="block text-sm text-muted">
                Reads {nameOf(token.business_id)}. Good until {formatDate(token.expires_at)}.{' '}
                {token.last_used_at ? `Used ${formatAgo(token.last_used_at)}.` : 'Not used yet.'}
              </span>
            </p>
            <button
              type="button"
              className="btn text-sm"
              aria-label={`Revoke ${token.name}`}
              onClick={() => setRevoking(token)}
            >
              Revoke
            </button>
          </li>
        ))}
      </ul>
      {revoking && (
        <ConfirmDialog
          title={`Revoke ${revoking.name}?`}
          verb="Revoke"
          busy="Revoking"
          action={async () => {
            await revokeToken(revoking.id);
            await readAgain(queryClient, tokensQuery);
          }}
          onClose={() => setRevoking(null)}
        >
          <p>Assistants that use this token are refused at once.</p>
        </ConfirmDialog>
      )}
    </>
  );
}
