/** Asks whether something that cannot be taken back is meant; where much is lost, by having its name typed. */
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { queryClient } from '../lib/query';
import ErrorCard from './ErrorCard';

interface Props {
  title: string;
  children: ReactNode;
  /** The button's label: what it does, "Disconnect". */
  verb: string;
  /** The same while it is being done, "Disconnecting". */
  busy: string;
  /** What has to be typed first. */
  typed?: { label: string; expected: string };
  action: () => Promise<unknown>;
  /** After it is done, and when it is not meant. */
  onClose: () => void;
}

export default function ConfirmDialog({ title, children, verb, busy, typed, action, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const [text, setText] = useState('');
  const act = useMutation({ mutationFn: action, onSuccess: () => dialog.current?.close() }, queryClient);
  useEffect(() => dialog.current?.showModal(), []);
  const ready = !typed || text.trim().toLowerCase() === typed.expected.toLowerCase();
  return (
    <dialog ref={dialog} aria-labelledby={`${id}-title`} className="dialog" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          act.mutate();
        }}
      >
        <h2 id={`${id}-title`} className="text-lg font-semibold">
          {title}
        </h2>
        <div className="mt-2 grid gap-2 text-muted">{children}</div>
        {typed && (
          <div className="mt-5">
            <label htmlFor={`${id}-typed`} className="block text-sm font-medium">
              {typed.label}
            </label>
            <p className="mt-0.5 text-sm text-muted">
              Type <span className="font-medium text-ink select-all">{typed.expected}</span> to confirm.
            </p>
            <input
              id={`${id}-typed`}
              value={text}
              onChange={(event) => setText(event.target.value)}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              className="field mt-1.5"
            />
          </div>
        )}
        {act.error && (
          <div className="mt-4">
            <ErrorCard
              compact
              error={act.error}
              title="That did not work"
              onRetry={() => act.mutate()}
              busy={act.isPending}
            />
          </div>
        )}
        <div className="mt-6 flex flex-wrap justify-end gap-3">
          <button type="button" className="btn" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button
            type="submit"
            className={`btn btn-danger ${ready ? '' : 'disabled:cursor-not-allowed'}`}
            disabled={!ready || act.isPending}
          >
            {act.isPending ? busy : verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}
