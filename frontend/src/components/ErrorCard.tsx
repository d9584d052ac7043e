/** Something did not work: what, what to do, and the id that finds it in the log. */
import { ApiError } from '../lib/api';

interface Props {
  error: Error;
  title: string;
  onRetry: () => void;
  busy?: boolean;
  /** Older figures stay on the page below. */
  compact?: boolean;
}

export default function ErrorCard({ error, title, onRetry, busy = false, compact = false }: Props) {
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <div
      role="alert"
      className={compact ? 'notice notice-bad flex flex-wrap items-center gap-x-6 gap-y-3' : 'card max-w-xl p-6'}
    >
      <div className={compact ? 'min-w-0 flex-1' : ''}>
        {compact ? <p className="font-medium">{title}</p> : <h2 className="text-lg font-semibold">{title}</h2>}
        <p className={compact ? '' : 'mt-2 text-muted'}>{error.message}</p>
        {requestId && (
          <p className="mt-1 text-sm text-muted">
            Request <code className="select-all">{requestId}</code>
          </p>
        )}
      </div>
      <button type="button" onClick={onRetry} disabled={busy} className={`btn ${compact ? '' : 'mt-5'}`}>
        {busy ? 'Trying again' : 'Try again'}
      </button>
    </div>
  );
}
