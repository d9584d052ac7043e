/** The second way to connect: three steps to a restricted key of Stripe's, and the field it is pasted into. */
import { useMutation } from '@tanstack/react-query';
import { useRef } from 'react';
import { ApiError, connectWithKey } from '../lib/api';
import { queryClient, statusQuery } from '../lib/query';
import { CREATE_KEY_URL, KEY_PERMISSIONS } from '../lib/stripe-key';
import ErrorCard from './ErrorCard';

const FIELD = 'restricted_key';

export default function StripeKeyForm({ businessId }: { businessId: string }) {
  const input = useRef<HTMLInputElement>(null);
  const connect = useMutation(
    {
      // The key is in the field only: neither the page's memory nor the browser's keeps it.
      mutationFn: () => connectWithKey(businessId, input.current?.value.trim() ?? ''),
      onSuccess: (status) => {
        if (input.current) input.current.value = '';
        queryClient.setQueryData(statusQuery(businessId).queryKey, status);
      },
      onError: () => input.current?.focus(),
    },
    queryClient,
  );
  const { error } = connect;
  const atField = error instanceof ApiError && error.field === FIELD ? (error.reason ?? error.message) : null;
  return (
    <details className="mt-6 border-t border-line pt-4">
      <summary className="link w-fit py-1 text-sm">Use a restricted key instead</summary>
      <p className="mt-3 text-sm text-muted">
        A restricted key can be made so that Stripe lets it read and nothing else. You can delete it there at any time.
      </p>
      <ol className="mt-4 grid list-decimal gap-4 pl-5 text-sm">
        <li>
          <a href={CREATE_KEY_URL} target="_blank" rel="noreferrer" className="link">
            Create a restricted key at Stripe
          </a>
          . It opens in a new tab.
        </li>
        <li>
          Set these to Read and all others to None, then create the key.
          <ul className="mt-2 flex flex-wrap gap-1.5">
            {KEY_PERMISSIONS.map((label) => (
              <li key={label} className="rounded-md border border-line px-2 py-0.5 text-muted">
                {label}
              </li>
            ))}
          </ul>
        </li>
        <li>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              connect.mutate();
            }}
          >
            <label htmlFor={FIELD} className="block font-medium">
              Paste the key here
            </label>
            <p id={`${FIELD}-hint`} className="mt-0.5 text-muted">
              It begins with rk_live_ or rk_test_. Vaultra stores it encrypted.
            </p>
            <input
              ref={input}
              id={FIELD}
              type="password"
              required
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              data-1p-ignore
              data-lpignore="true"
              maxLength={255}
              aria-invalid={atField !== null}
              aria-describedby={`${FIELD}-hint ${FIELD}-error`}
              className="field mt-1.5 max-w-lg"
            />
            <p id={`${FIELD}-error`} role="alert" className="mt-1 max-w-lg text-bad empty:hidden">
              {atField}
            </p>
            {error && atField === null && (
              <div className="mt-4">
                <ErrorCard
                  compact
                  error={error}
                  title="The key was not connected"
                  onRetry={() => connect.mutate()}
                  busy={connect.isPending}
                />
              </div>
            )}
            <button type="submit" className="btn mt-4 w-full sm:w-auto" disabled={connect.isPending}>
              {connect.isPending ? 'Checking the key at Stripe' : 'Connect with this key'}
            </button>
          </form>
        </li>
      </ol>
    </details>
  );
}
