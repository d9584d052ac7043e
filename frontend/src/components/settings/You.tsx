/** The settings of one's own account: name, password, mails, and what becomes of one's data. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { requestPasswordReset } from '../../lib/api';
import {
  deleteAccount,
  exportMyData,
  preferencesQuery,
  readAgain,
  renameMe,
  updatePreferences,
} from '../../lib/api-settings';
import { signOut } from '../../lib/auth';
import { currentUserQuery, queryClient } from '../../lib/query';
import type { CurrentUser, Preferences } from '../../lib/types';
import ConfirmDialog from '../ConfirmDialog';
import ErrorCard from '../ErrorCard';
import { Form, Input, Select } from './Form';
import Loaded from './Loaded';
import Section from './Section';

export function Profile({ user }: { user: CurrentUser }) {
  const mail = useMutation({ mutationFn: () => requestPasswordReset(user.email) }, queryClient);
  return (
    <Section id="profile" title="Profile">
      <Form
        label="Save"
        busy="Saving"
        done="Saved."
        submit={({ name = '' }) => renameMe(name).then(() => readAgain(queryClient, currentUserQuery))}
      >
        <Input
          name="name"
          label="Your name"
          hint="Other members of your businesses see it."
          defaultValue={user.name}
          required
          maxLength={200}
          autoComplete="name"
        />
      </Form>
      <dl className="mt-6 border-t border-line pt-5 text-sm">
        <dt className="font-medium">Email</dt>
        <dd className="mt-0.5 text-muted">{user.email}</dd>
        <dt className="mt-5 font-medium">Password</dt>
        <dd className="mt-0.5 max-w-prose text-muted">
          A link to choose a new one comes to your email and is good for an hour. Changing it signs you out everywhere.
        </dd>
      </dl>
      {mail.error && (
        <div className="mt-4">
          <ErrorCard
            compact
            error={mail.error}
            title="The link could not be sent"
            onRetry={() => mail.mutate()}
            busy={mail.isPending}
          />
        </div>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <button type="button" className="btn" onClick={() => mail.mutate()} disabled={mail.isPending}>
          {mail.isPending ? 'Sending' : 'Mail me a link'}
        </button>
        <p role="status" className="text-sm text-muted">
          {mail.isSuccess && `A link is on its way to ${user.email}.`}
        </p>
      </div>
    </Section>
  );
}

const DIGESTS: Record<Preferences['digest'], string> = { daily: 'Every day', weekly: 'Every Monday', off: 'Never' };
const ALERTS = { on: 'At once', off: 'Never' };

export function Mails() {
  const preferences = useQuery(preferencesQuery, queryClient);
  return (
    <Section id="mails" title="Mails" intro="They tell of all your businesses. Each has a link that ends it.">
      <Loaded query={preferences} what="Your wishes" outline="h-80">
        {({ digest, alerts, time_zone }) => (
          <Form
            label="Save"
            busy="Saving"
            done="Saved."
            submit={async (values) => {
              const saved = await updatePreferences({
                digest: values.digest as Preferences['digest'],
                alerts: values.alerts === 'on',
                time_zone: values.time_zone,
              });
              queryClient.setQueryData(preferencesQuery.queryKey, saved);
            }}
          >
            <div className="grid gap-5 sm:grid-cols-2">
              <Select
                name="digest"
                label="Digest"
                hint="What changed, and what to do next."
                options={DIGESTS}
                defaultValue={digest}
              />
              <Select
                name="alerts"
                label="Alerts"
                hint="When something is wrong, such as a new dispute."
                options={ALERTS}
                defaultValue={alerts ? 'on' : 'off'}
              />
            </div>
            <Select
              name="time_zone"
              label="Time zone"
              hint={`The digest comes between 7 and 8 in the morning there. This browser is in ${browserZone()}.`}
              options={zones(time_zone)}
              defaultValue={time_zone}
            />
          </Form>
        )}
      </Loaded>
    </Section>
  );
}

function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zones this browser knows, with the one that is set and UTC, which it may not list. */
function zones(current: string): Record<string, string> {
  const names = new Set(['UTC', current, browserZone(), ...Intl.supportedValuesOf('timeZone')]);
  return Object.fromEntries([...names].toSorted().map((name) => [name, name.replaceAll('_', ' ')]));
}

export function YourData({ user }: { user: CurrentUser }) {
  const [deleting, setDeleting] = useState(false);
  const take = useMutation({ mutationFn: async () => saveAsFile(await exportMyData()) }, queryClient);
  return (
    <Section id="your-data" title="Your data">
      <h4 className="text-sm font-medium">Download</h4>
      <p className="mt-0.5 max-w-prose text-sm text-muted">
        Everything that is held about you and your businesses, as one JSON file.
      </p>
      {take.error && (
        <div className="mt-4">
          <ErrorCard
            compact
            error={take.error}
            title="Your data could not be gathered"
            onRetry={() => take.mutate()}
            busy={take.isPending}
          />
        </div>
      )}
      <div className="mt-3 flex flex-wrap items-center gap-x-4 gap-y-2">
        <button type="button" className="btn" onClick={() => take.mutate()} disabled={take.isPending}>
          {take.isPending ? 'Gathering' : 'Download my data'}
        </button>
        <p role="status" className="text-sm text-muted">
          {take.isSuccess && 'The file is in your downloads.'}
        </p>
      </div>
      <div className="mt-6 border-t border-line pt-5">
        <h4 className="text-sm font-medium">Delete your account</h4>
        <p className="mt-0.5 max-w-prose text-sm text-muted">
          Businesses that have no other owner are deleted with it. Nothing is kept, and it cannot be taken back.
        </p>
        <button type="button" className="btn btn-danger mt-3" onClick={() => setDeleting(true)}>
          Delete account
        </button>
      </div>
      {deleting && (
        <ConfirmDialog
          title="Delete your account?"
          verb="Delete my account"
          busy="Deleting"
          typed={{ label: 'Your email', expected: user.email }}
          action={async () => {
            await deleteAccount(user.email);
            signOut();
            location.assign('/');
          }}
          onClose={() => setDeleting(false)}
        >
          <p>
            Your account, your tokens, and every business that has no other owner are deleted at once, with all their
            figures and their access to Stripe.
          </p>
        </ConfirmDialog>
      )}
    </Section>
  );
}

function saveAsFile(data: object): void {
  const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `vaultra-${new Date().toISOString().slice(0, 10)}.json`;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
